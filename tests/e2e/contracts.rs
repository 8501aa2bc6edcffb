//! The adapters keep the ports' contracts, as the fakes do, and what only the services themselves can show: many writes
//! at once, how long items are stored, messages.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use aws::{
    AuditLogGroup, Cloud, Settings, SweepInvocations,
    settings::{Stores, Sweeping},
};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use aws_sdk_sqs::types::MessageSystemAttributeName;
use domain::{
    AccountRef, ClaimId, Day, JobId, TenantId, Timestamp,
    cache::{CacheEntry, CacheKey, CacheTag, Invalidation},
    call::{Params, RestCall},
    fair_queue::Bucket,
    job::{DeadJob, Event, Failure, FailureCode, Job, PerTarget, step},
    timing::{JOB_DEADLINE, JOB_RETENTION, LONGEST_CACHE_TTL, Timing},
    upload::Upload,
};
use hub::{
    message::Dispatch,
    ports::{
        CacheView, ClaimRequest, Claimed, Clock, Committed, DeadJobs, Entropy, FairQueues, Inserted, Jobs,
        ListedDeadJob, Messages, NewCacheEntry, PendingJobs, ResponseCache, StoredBytes, SweepScope, Sweeps, UploadUrl,
    },
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::build;
use tokio::task::JoinSet;

use crate::{
    emulator::{ask, cloud, cloud_with_own_shard, cloud_with_shards, logs, random_key},
    stack::{env, until},
    uploads::put_to,
};

testkit::contract::suites!(cloud_with_own_shard());

#[tokio::test]
async fn former_records() {
    let dynamo = aws_sdk_dynamodb::Client::new(&aws::sdk_config().unwrap());
    // As a former release stored it: in the tenant's own partition, and nowhere else.
    let store = async |tenant: &TenantId| {
        let key = |partition: &str| {
            let value = |text: &str| AttributeValue::S(text.to_owned());
            HashMap::from([("pk".to_owned(), value(partition)), ("sk".to_owned(), value("TENANT"))])
        };
        let (now, former) = (key(&format!("TENANT#{tenant}")), key(tenant.as_str()));
        let table = env("VAULT_TABLE");
        let removed = dynamo.delete_item().table_name(&table).set_key(Some(now)).return_values(ReturnValue::AllOld);
        let mut item = removed.send().await.unwrap().attributes.unwrap();
        item.extend(former);
        item.retain(|name, _| !["tier", "tenant_limits"].contains(&name.as_str()));
        dynamo.put_item().table_name(&table).set_item(Some(item)).send().await.unwrap();
    };
    testkit::contract::former_records(&cloud(), store).await;
}

#[tokio::test]
async fn audit_log() {
    let group = env("AUDIT_LOG_GROUP");
    let read = async |stream: &str| {
        let (mut texts, mut token) = (Vec::new(), Value::Null);
        loop {
            let mut body = json!({ "logGroupName": group, "logStreamName": stream, "startFromHead": true });
            if token.is_string() {
                body["nextToken"] = token.clone();
            }
            let page = ask("logs", Method::POST, "/", Some("Logs_20140328.GetLogEvents"), &body).await;
            texts.extend(
                page["events"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap().to_owned()),
            );
            if page["nextForwardToken"] == token {
                return texts;
            }
            token = page["nextForwardToken"].clone();
        }
    };
    let log = AuditLogGroup::new(&aws::sdk_config().unwrap(), &group);
    testkit::contract::audit_log(&cloud(), &log, read).await;
}

#[tokio::test]
async fn multiparts() {
    let put = async |_: &Upload, _, request: &UploadUrl, bytes| {
        let headers = request.headers.iter().cloned().collect();
        assert_eq!(put_to(&request.url, &headers, bytes).await, StatusCode::OK);
    };
    testkit::contract::multiparts(&cloud(), put).await;
}

/// How many do the same at once.
const CROWD: u64 = 8;

/// A parameter of every [`job`].
const PARAMETER: &str = "parameter-of-the-job";

/// A job of a tenant of its own.
pub fn job(ports: &Cloud) -> Job {
    let account = build::account_ref(&build::tenant(ports), "1@N00");
    let spec = build::spec(&account, "flickr.test.echo", &format!(r#"{{"a": "{PARAMETER}"}}"#));
    build::job(ports.random(), spec, ports.now())
}

async fn insert(ports: &Cloud, job: &Job) {
    assert_eq!(ports.insert(&build::acceptance(job)).await.unwrap(), Inserted::New);
}

async fn stored(ports: &Cloud, job: &Job) -> Job {
    ports.job(&job.reference()).await.unwrap().unwrap()
}

/// A claim of an accepted job, new with each call.
fn claim(ports: &Cloud, job: &Job) -> ClaimRequest {
    let (claim, now) = (ClaimId::from_bytes(ports.random()), ports.now());
    let lease_until = now + Timing::REST.lease;
    ClaimRequest { job: job.reference(), fencing_number: job.state.fencing_number, claim, lease_until, now }
}

/// The job, inserted and claimed, with its claim.
async fn running(ports: &Cloud, job: &Job) -> (Job, ClaimId) {
    insert(ports, job).await;
    let request = claim(ports, job);
    let claimed = ports.claim(&request).await.unwrap();
    let Claimed::Held(running) = claimed else { panic!("not held: {claimed:?}") };
    (*running, request.claim)
}

#[tokio::test]
async fn of_many_insertions_at_once_one_is_new() {
    let ports = cloud();
    let job = job(&ports);
    let mut insertions = JoinSet::new();
    for number in 0..CROWD {
        let ports = ports.clone();
        let job = Job { created_at: job.created_at + Duration::from_millis(number), ..job.clone() };
        insertions.spawn(async move { ports.insert(&build::acceptance(&job)).await.unwrap() });
    }
    let found = insertions.join_all().await;
    let stored = Inserted::Exists(Box::new(stored(&ports, &job).await));
    let (new, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| *found == Inserted::New);
    assert_eq!(new.len(), 1);
    assert!(others.iter().all(|found| *found == stored), "the others find the one: {others:?}");
}

#[tokio::test]
async fn of_many_claims_at_once_one_holds() {
    let ports = cloud();
    let job = job(&ports);
    insert(&ports, &job).await;
    let mut claims = JoinSet::new();
    for _ in 0..CROWD {
        let (ports, request) = (ports.clone(), claim(&ports, &job));
        claims.spawn(async move { ports.claim(&request).await.unwrap() });
    }
    let found = claims.join_all().await;
    let stored = Box::new(stored(&ports, &job).await);
    assert_eq!(stored.state.attempts, 1);
    let (held, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| matches!(found, Claimed::Held(_)));
    assert_eq!(held, [Claimed::Held(stored.clone())]);
    let refused = Claimed::Refused(stored);
    assert!(others.iter().all(|found| *found == refused), "the others find it held: {others:?}");
}

/// When an item of the job expires, if it does.
async fn expiry(job: &Job, sort: &str) -> Option<Timestamp> {
    let dynamo = aws_sdk_dynamodb::Client::new(&aws::sdk_config().unwrap());
    let get = dynamo.get_item().table_name(env("JOBS_TABLE")).key("pk", AttributeValue::S(job.reference().to_string()));
    let found = get.key("sk", AttributeValue::S(sort.to_owned())).consistent_read(true).send().await.unwrap();
    let seconds = found.item.unwrap().get("expires_at")?.as_n().unwrap().parse::<i64>().unwrap();
    Some(Timestamp::from_milliseconds(seconds * 1000))
}

#[tokio::test]
async fn long_parameters_leave_with_their_jobs_record_also_after_a_replay() {
    let ports = cloud();
    let short = job(&ports);
    let params = format!(r#"{{"a": "{}"}}"#, "x".repeat(5_000));
    let spec = build::spec(&short.spec.account, "flickr.test.echo", &params);
    let job = build::job(ports.random(), spec, ports.now());
    let (mut job, mut claim) = running(&ports, &job).await;
    assert_eq!(expiry(&job, "JOB").await, None, "an open job does not expire");
    for replayed_after in [Some(JOB_RETENTION), None] {
        let failure = Failure { code: FailureCode::AttemptsExhausted, message: String::new(), flickr_code: None };
        let end = step(&job, Event::GiveUp(claim.clone(), failure), job.state.eligible_at).unwrap();
        assert_eq!(ports.commit(&end).await.unwrap(), Committed::Written);
        let (record, spec) = (expiry(&job, "JOB").await.unwrap(), expiry(&job, "SPEC").await.unwrap());
        let days_longer = spec.since(record).as_secs() / (24 * 60 * 60);
        assert!(spec >= record && days_longer <= 2, "{days_longer} days: {spec} {record}");
        let Some(length) = replayed_after else { break };
        let at = job.state.eligible_at + length;
        let replay = step(&end.after, Event::Replay { force: false, admission: None }, at).unwrap();
        assert_eq!(ports.commit(&replay).await.unwrap(), Committed::Written);
        let request =
            ClaimRequest { now: at, lease_until: at + Timing::REST.lease, ..self::claim(&ports, &replay.after) };
        let Claimed::Held(held) = ports.claim(&request).await.unwrap() else { panic!("not held") };
        (job, claim) = (*held, request.claim);
    }
    assert_eq!(stored(&ports, &job).await.spec, job.spec);
}

/// Under which key the cache has the answer of a call, always the same.
fn cache_key() -> CacheKey {
    CacheKey::of(&RestCall { method: "flickr.photos.getInfo".parse().unwrap(), params: Params::default() })
}

/// What the cache has for the account under [`cache_key`].
pub async fn view(ports: &Cloud, account: &AccountRef) -> CacheView {
    ports.look_up(account, &cache_key()).await.unwrap().1
}

/// Writes an entry under [`cache_key`], where there was none.
async fn set_entry(ports: &Cloud, account: &AccountRef, entry: &CacheEntry) -> bool {
    ports.set_entry(NewCacheEntry { account, key: &cache_key(), entry, seen: None }).await.unwrap()
}

#[tokio::test]
async fn of_many_that_invalidate_at_once_each_does() {
    let ports = cloud();
    let account = job(&ports).spec.account;
    let mut changes = JoinSet::new();
    for _ in 0..CROWD {
        let (ports, account) = (ports.clone(), account.clone());
        let tags = [CacheTag::Photos].into_iter().collect();
        let change = Invalidation { tags, written_at: None, unsettled_until: None };
        changes.spawn(async move { ports.invalidate(&account, &change).await.unwrap() });
    }
    changes.join_all().await;
    let generations = view(&ports, &account).await.generations;
    assert_eq!((generations.by_tag, generations.unsettled_until), ([(CacheTag::Photos, CROWD)].into(), None));
}

#[tokio::test]
async fn what_is_unsettled_stays_so_for_the_longest() {
    let ports = cloud();
    let account = job(&ports).spec.account;
    let (early, late) = (ports.now(), ports.now() + Duration::from_secs(5));
    for (number, unsettled_until) in [(1, Some(late)), (2, Some(early)), (3, None), (4, Some(late))] {
        let tags = [CacheTag::Photos].into_iter().collect();
        let change = Invalidation { tags, written_at: None, unsettled_until };
        ports.invalidate(&account, &change).await.unwrap();
        let generations = view(&ports, &account).await.generations;
        let expected = ([(CacheTag::Photos, number)].into(), Some(late));
        assert_eq!((generations.by_tag, generations.unsettled_until), expected);
    }
}

#[tokio::test]
async fn of_many_jobs_at_once_no_more_are_counted_than_may_be_pending() {
    let ports = cloud();
    let account = job(&ports).spec.account;
    let today = Day::of(ports.now());
    let mut counts = JoinSet::new();
    for _ in 0..3 * CROWD {
        let (ports, account) = (ports.clone(), account.clone());
        counts.spawn(async move { ports.count_pending(&account, today, 10).await.unwrap() });
    }
    assert_eq!(counts.join_all().await.into_iter().filter(|counted| *counted).count(), 10);
    assert_eq!(ports.pending_jobs(&account, today).await.unwrap(), [(today, 10)].into());
}

#[tokio::test]
async fn of_many_files_at_once_no_more_bytes_are_counted_than_may_be_stored() {
    let ports = cloud();
    let (tenant, today) = (build::tenant(&ports), Day::of(ports.now()));
    let mut counts = JoinSet::new();
    for _ in 0..3 * CROWD {
        let (ports, tenant) = (ports.clone(), tenant.clone());
        counts.spawn(async move { ports.count_bytes(&tenant, today, 1 << 30, (10 << 30) + 5).await.unwrap() });
    }
    assert_eq!(counts.join_all().await.into_iter().filter(|counted| *counted).count(), 10);
    assert_eq!(ports.stored_bytes(&tenant, today).await.unwrap(), [(today, 10 << 30)].into());
}

#[tokio::test]
async fn of_many_that_ask_at_once_one_leads() {
    let ports = cloud();
    let of = job(&ports);
    let mut settings = JoinSet::new();
    for _ in 0..CROWD {
        let (ports, account) = (ports.clone(), of.spec.account.clone());
        let entry = CacheEntry { leader: JobId::from_bytes(ports.random()), generation: 0, as_of: ports.now() };
        settings.spawn(async move { set_entry(&ports, &account, &entry).await.then_some(entry) });
    }
    let set: Vec<CacheEntry> = settings.join_all().await.into_iter().flatten().collect();
    assert_eq!(set.len(), 1);
    assert_eq!(view(&ports, &of.spec.account).await.entry.as_ref(), set.first());
}

#[tokio::test]
async fn an_entry_whose_time_is_over_is_none() {
    let ports = cloud();
    let of = job(&ports);
    let now = ports.now();
    let retention = i64::try_from((JOB_DEADLINE + LONGEST_CACHE_TTL).as_millis()).unwrap();
    let long_ago = Timestamp::from_milliseconds(now.as_milliseconds() - retention);
    let entry = |as_of| CacheEntry { leader: of.id.clone(), generation: 0, as_of };
    for (as_of, found) in [(long_ago, None), (now, Some(entry(now)))] {
        assert!(set_entry(&ports, &of.spec.account, &entry(as_of)).await);
        assert_eq!(view(&ports, &of.spec.account).await.entry, found);
    }
}

#[tokio::test]
async fn a_fair_queue_whose_time_is_over_begins_anew() {
    let ports = cloud_with_own_shard();
    let app = build::app_in_last_shard(&ports);
    let long_ago = ports.now();
    let bucket = Bucket::of(7, 0);
    ports.join_queue(&app, bucket, None, long_ago).await.unwrap();
    let (_, old) = ports.budget_and_queue(&app).await.unwrap();

    // Its time is over, and it is not deleted yet.
    let dynamo = aws_sdk_dynamodb::Client::new(&aws::sdk_config().unwrap());
    dynamo
        .update_item()
        .table_name(env("RUNTIME_TABLE"))
        .key("pk", AttributeValue::S(format!("FAIR_QUEUE#{app}")))
        .key("sk", AttributeValue::S("QUEUE".to_owned()))
        .condition_expression("attribute_exists(pk)")
        .update_expression("SET expires_at = :over, anchor_tag = :early, allocated_tag = :early")
        .expression_attribute_values(":over", AttributeValue::N((ports.now().as_seconds() - 1).to_string()))
        .expression_attribute_values(":early", AttributeValue::N("5".to_owned()))
        .send()
        .await
        .unwrap();
    let listed = async || ports.fair_queues(ports.shards().of(app.as_str())).await.unwrap().contains(&app);
    let (_, none) = ports.budget_and_queue(&app).await.unwrap();
    assert_eq!((none.waiting_jobs(), none.joined_at), (0, None));
    ports.unlist(&app, none.joined_at).await.unwrap();
    assert!(!listed().await, "the sweep takes it off the list");

    let mut joins = JoinSet::new();
    for number in 0..CROWD {
        let (ports, app) = (ports.clone(), app.clone());
        joins.spawn(
            async move { ports.join_queue(&app, Bucket::of(8 + number % 2, 0), None, ports.now()).await.unwrap() },
        );
    }
    joins.join_all().await;
    let (_, queue) = ports.budget_and_queue(&app).await.unwrap();
    assert_eq!(queue.waiting, [8, 9].map(|tag| (Bucket::of(tag, 0), u32::try_from(CROWD / 2).unwrap())).into());
    assert!(queue.virtual_time(ports.now()) >= old.virtual_time(long_ago), "its time does not go back");
    ports.unlist(&app, none.joined_at).await.unwrap();
    assert!(listed().await);
}

#[tokio::test]
async fn the_number_of_shards_may_grow_without_migration() {
    let (few, many) = (cloud_with_own_shard(), cloud_with_shards(40));
    let account = build::account_ref(&build::tenant(&few), "1@N00");
    let (was, is) = (|id: &str| few.shards().of(id), |id: &str| many.shards().of(id));

    let job = loop {
        let job = build::job(few.random(), build::spec(&account, "flickr.test.null", "{}"), few.now());
        if was(job.id.as_str()) != is(job.id.as_str()) {
            break job;
        }
    };
    build::insert(&few, &job).await;
    let shard_of_job = async |until: Timestamp| {
        for shard in many.shards().all() {
            let due = many.due_checks(shard, until, None, 1000).await.unwrap();
            if due.iter().any(|check| check.job == job.reference()) {
                return Some(shard);
            }
        }
        None
    };
    let first_at = job.next_check_at().unwrap();
    assert_eq!(shard_of_job(first_at).await, Some(was(job.id.as_str())), "it is found where it was listed");
    let checked = step(&job, Event::Check, first_at).unwrap();
    assert_eq!(many.commit(&checked).await.unwrap(), Committed::Written);
    let next_at = checked.after.next_check_at().unwrap();
    assert_eq!(shard_of_job(next_at).await, Some(is(job.id.as_str())), "the next write moves it");

    let app = loop {
        let app = build::app_in_last_shard(&few);
        if was(app.as_str()) < is(app.as_str()) {
            break app;
        }
    };
    let bucket = Bucket::of(7, 0);
    few.join_queue(&app, bucket, None, few.now()).await.unwrap();
    let listed = async |shard: u8| many.fair_queues(shard).await.unwrap().contains(&app);
    assert!(listed(was(app.as_str())).await && !listed(is(app.as_str())).await);
    many.join_queue(&app, bucket, None, few.now()).await.unwrap();
    assert!(!listed(was(app.as_str())).await && listed(is(app.as_str())).await);
    assert_eq!(many.budget_and_queue(&app).await.unwrap().1.waiting_jobs(), 2, "the queue is the same");
}

#[tokio::test]
async fn shards_are_handed_over_to_another_invocation() {
    let sweeping = Sweeping { function: Some(env("SWEEP_FUNCTION")), at_once: 2 };
    let sweeps = SweepInvocations::new(&aws::sdk_config().unwrap(), &sweeping);
    testkit::contract::sweeps(&sweeps).await;
    sweeps.begin(&SweepScope::of(vec![7, 3])).await.unwrap();
    until("a sweep of these shards to be logged", async || {
        logs(&env("SWEEP_FUNCTION")).await.iter().any(|line| line.contains("Some([7, 3])")).then_some(())
    })
    .await;
    let nameless = SweepInvocations::new(&aws::sdk_config().unwrap(), &Sweeping { function: None, ..sweeping });
    assert_eq!(nameless.at_once(), 1, "which function is its own it does not know");
}

#[tokio::test]
async fn a_fair_queue_is_dispatched_however_many_counts_change() {
    let ports = cloud_with_own_shard();
    let app = build::app_in_last_shard(&ports);
    let tags: Vec<u64> = (0..250).map(|number| 1 + number % 60 + 64 * (number / 60)).collect();
    for tag in &tags {
        ports.join_queue(&app, Bucket::of(*tag, *tag), None, ports.now()).await.unwrap();
    }
    let (_, queue) = ports.budget_and_queue(&app).await.unwrap();
    assert_eq!((queue.waiting.len(), queue.waiting_jobs()), (tags.len(), 250));
    let batch = queue.dispatched(&tags[..200], false);
    assert!(batch.emptied.len() >= 200);
    ports.record_dispatch(&app, &batch).await.unwrap();
    let (_, after) = ports.budget_and_queue(&app).await.unwrap();
    assert_eq!(after, queue.after_dispatch(&batch));
}

#[tokio::test]
async fn a_message_comes_after_its_delay_and_holds_ids_and_numbers_alone() {
    const DELAY: Duration = Duration::from_secs(3);
    let config = aws::sdk_config().unwrap();
    let sqs = aws_sdk_sqs::Client::new(&config);
    let queue = sqs.create_queue().queue_name(random_key()).send().await.unwrap().queue_url.unwrap();
    let stores = Stores { queue_urls: PerTarget::new(|_| queue.clone()), ..Settings::from_env().unwrap().stores };
    let ports = Cloud::new(&config, &stores);
    let job = job(&ports);
    let prompt = Dispatch::of(&job);
    let late = Dispatch { fencing_number: prompt.fencing_number + 1, ..prompt.clone() };
    let received = async || {
        let receive = sqs.receive_message().queue_url(&queue).max_number_of_messages(10);
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        let messages = receive.send().await.unwrap().messages.unwrap_or_default();
        for message in &messages {
            let delete = sqs.delete_message().queue_url(&queue);
            delete.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
        }
        messages
    };

    // The same twice is two messages: a queue that took one for the other would lose the second.
    for _ in 0..2 {
        ports.send(&prompt, Duration::ZERO).await.unwrap();
    }
    let mut messages = Vec::new();
    until("the prompt messages", async || {
        messages.extend(received().await);
        (messages.len() >= 2).then_some(())
    })
    .await;
    let sent = Instant::now();
    ports.send(&late, DELAY).await.unwrap();
    until("the late message", async || {
        messages.extend(received().await);
        (messages.len() >= 3).then_some(())
    })
    .await;
    // Clocks differ a little.
    assert!(sent.elapsed() + Duration::from_millis(500) > DELAY, "it came after {:?}", sent.elapsed());

    let dispatches = messages.iter().map(|message| serde_json::from_str(message.body().unwrap()).unwrap());
    assert_eq!(dispatches.collect::<Vec<Dispatch>>(), [prompt.clone(), prompt, late]);
    for message in &messages {
        let body = message.body().unwrap();
        let object: Value = serde_json::from_str(body).unwrap();
        let keys: BTreeSet<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, BTreeSet::from(["fencing_number", "job", "target", "tenant", "trace", "user"]));
        assert!(!body.contains(PARAMETER), "{body}");
        let group = message.attributes().and_then(|found| found.get(&MessageSystemAttributeName::MessageGroupId));
        assert!(group.is_none_or(|group| group == job.tenant().as_str()), "{group:?}");
    }
    sqs.delete_queue().queue_url(&queue).send().await.unwrap();
}

/// As a former version of FlickrHub wrote them: under the same key, with nothing but the job's id.
#[tokio::test]
async fn an_entry_of_a_dead_job_that_only_names_it_is_read_with_the_job() {
    let ports = cloud();
    let (running, claim) = running(&ports, &job(&ports)).await;
    let failure = Failure::new(FailureCode::AttemptsExhausted, "HTTP 502");
    let dead = step(&running, Event::GiveUp(claim, failure), ports.now()).unwrap();
    assert_eq!(ports.commit(&dead).await.unwrap(), Committed::Written);
    let (job, said) = (&dead.after, DeadJob::of(&dead.after).unwrap());
    let expected = ListedDeadJob { cursor: said.cursor(), job: Some(said.clone()) };

    let entry = async |cursor: &str, id: &JobId| {
        let dynamo = aws_sdk_dynamodb::Client::new(&aws::sdk_config().unwrap());
        let put = dynamo.put_item().table_name(env("JOBS_TABLE"));
        let put = put.item("pk", AttributeValue::S(format!("{}#DEAD", job.tenant())));
        let put = put.item("sk", AttributeValue::S(cursor.to_owned()));
        put.item("job", AttributeValue::S(id.as_str().to_owned())).send().await.unwrap();
    };
    entry(&said.cursor(), &job.id).await;
    assert_eq!(ports.dead_jobs(job.tenant(), "", 10).await.unwrap(), std::slice::from_ref(&expected));

    // One whose job's record is gone still takes its place on the page.
    let unknown = JobId::from_bytes(ports.random());
    let first = format!("{:015}.{unknown}", 1);
    entry(&first, &unknown).await;
    let gone = ListedDeadJob { cursor: first, job: None };
    assert_eq!(ports.dead_jobs(job.tenant(), "", 10).await.unwrap(), [gone, expected]);
}

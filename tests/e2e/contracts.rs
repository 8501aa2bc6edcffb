//! The adapters keep the ports' contracts, as the fakes do, and what only the services themselves
//! can show: many writes at once, an end that was written alone, messages.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use aws::{Cloud, Settings};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::MessageSystemAttributeName;
use domain::{
    AppId, ClaimId, JobId, TenantId, Timestamp, UserId,
    budget::MAX_PENDING,
    cache::{Change, Family, Pointer, Question},
    call::Params,
    job::{Event, Failure, FailureCode, Job, Phase, StoredResult, step},
    line::Bucket,
    outcome::Nature,
    timing::{JOB_DEADLINE, LEASE, LONGEST_CACHE_TTL},
};
use hub::{
    dispatch::Dispatch,
    ports::{
        Cached, ChangeFreshness, ClaimJob, Claimed, Clock, CountPending, DiscardDead, Entropy, FindCached, FindJob,
        FindLine, InsertJob, Inserted, JoinLine, LOOK_SHARDS, ListDead, Look, SaveJob, SendDispatch, ServeLine,
        SetPointer, SettleJob,
    },
};
use serde_json::Value;
use testkit::{build, contract};
use tokio::task::JoinSet;

use crate::{
    emulator::{cloud, random_key},
    stack::{env, until},
};

macro_rules! contracts {
    ($($name:ident)*) => {
        $(#[tokio::test]
        async fn $name() {
            contract::$name(&cloud()).await;
        })*
    };
}

contracts!(accounts answers apps budgets claims desk insertion lines logins looks objects pressure reception results saving tenants turns uses waits);

/// How many do the same at once.
const CROWD: u64 = 8;

/// A parameter of every [`job`].
const PARAMETER: &str = "parameter-of-the-job";

/// A job of a tenant of its own.
pub fn job(ports: &Cloud) -> Job {
    let tenant = build::tenant(ports);
    let order = build::order(&UserId::of(&tenant, "1@N00"), "flickr.test.echo", &format!(r#"{{"a": "{PARAMETER}"}}"#));
    build::job(&tenant, ports.random(), order, ports.now())
}

async fn pending(ports: &Cloud, job: &Job) -> u32 {
    ports.pending(&job.tenant, &job.order.user).await.unwrap()
}

#[tokio::test]
async fn of_many_insertions_at_once_one_is_new() {
    let ports = cloud();
    let job = job(&ports);
    let mut insertions = JoinSet::new();
    for number in 0..CROWD {
        let ports = ports.clone();
        let job = Job { created_at: job.created_at + Duration::from_millis(number), ..job.clone() };
        insertions.spawn(async move { ports.insert_job(&job, MAX_PENDING).await.unwrap() });
    }
    let found = insertions.join_all().await;
    let stored = Inserted::Exists(Box::new(ports.job(&job.tenant, &job.id).await.unwrap().unwrap()));
    let (new, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| *found == Inserted::New);
    assert_eq!(new.len(), 1);
    assert!(others.iter().all(|found| *found == stored), "the others find the one: {others:?}");
    assert_eq!(pending(&ports, &job).await, 1);
}

#[tokio::test]
async fn of_many_claims_at_once_one_holds() {
    let ports = cloud();
    let job = job(&ports);
    ports.insert_job(&job, MAX_PENDING).await.unwrap();
    let now = ports.now();
    let mut claims = JoinSet::new();
    for _ in 0..CROWD {
        let (ports, job, claim) = (ports.clone(), job.clone(), ClaimId::from_bytes(ports.random()));
        claims.spawn(async move { ports.claim_job(&job.tenant, &job.id, 1, &claim, now + LEASE, now).await.unwrap() });
    }
    let found = claims.join_all().await;
    let stored = Box::new(ports.job(&job.tenant, &job.id).await.unwrap().unwrap());
    assert_eq!(stored.state.attempts, 1);
    let (held, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| matches!(found, Claimed::Held(_)));
    assert_eq!(held, [Claimed::Held(stored.clone())]);
    let refused = Claimed::Refused(stored);
    assert!(others.iter().all(|found| *found == refused), "the others find it held: {others:?}");
}

#[tokio::test]
async fn an_end_that_was_written_alone_is_settled_once() {
    let ports = cloud();
    let dynamo = aws_sdk_dynamodb::Client::new(&aws::sdk_config().unwrap());
    let claim = ClaimId::from_bytes(ports.random());
    let failure = Failure { code: FailureCode::WorkerCrashed, message: "x".to_owned(), flickr_code: None };
    let ends = [
        Event::Complete(claim.clone(), StoredResult::Inline(r#"{"stat":"ok"}"#.to_owned())),
        Event::Bury(claim.clone(), failure),
    ];
    for end in ends {
        let (job, now) = (job(&ports), ports.now());
        ports.insert_job(&job, MAX_PENDING).await.unwrap();
        let claimed = ports.claim_job(&job.tenant, &job.id, 1, &claim, now + LEASE, now).await.unwrap();
        let Claimed::Held(running) = claimed else { panic!("not held: {claimed:?}") };
        let ended = Job { state: step(&running.state, end, now).unwrap().0, ..job.clone() };
        assert!(ports.save_job(&ended, &running.state, Look::AsTold).await.unwrap());

        // As if only the job's item had been written. The look is in the future, where the stack's
        // own sweep does not see it.
        ports.discard_dead(&ended).await.unwrap();
        let look_at = now + Duration::from_secs(60 * 60);
        let item = |id: &str, sort: &str| {
            let key = AttributeValue::S(format!("{}#{id}", job.tenant));
            let update = dynamo.update_item().table_name(env("JOBS_TABLE")).key("pk", key);
            update.key("sk", AttributeValue::S(sort.to_owned()))
        };
        item(job.id.as_str(), "JOB")
            .update_expression("SET look_at = :at, look_shard = :shard")
            .expression_attribute_values(":at", AttributeValue::N(look_at.as_milliseconds().to_string()))
            .expression_attribute_values(":shard", AttributeValue::S("0".to_owned()))
            .send()
            .await
            .unwrap();
        item(job.order.user.as_str(), "PENDING")
            .update_expression("ADD pending :one")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .send()
            .await
            .unwrap();
        let desk = async || {
            let listed = ports.dead_jobs(&job.tenant, None, 10).await.unwrap();
            listed.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
        };
        assert_eq!((pending(&ports, &job).await, desk().await), (1, vec![]));

        for settled in [true, false] {
            assert_eq!(ports.settle_job(&job.tenant, &job.id).await.unwrap(), settled);
            assert_eq!(pending(&ports, &job).await, 0);
            let is_dead = matches!(ended.state.phase, Phase::Dead { .. });
            assert_eq!(desk().await, Vec::from_iter(is_dead.then(|| job.id.clone())), "a dead job is on the desk");
            assert_eq!(ports.job(&job.tenant, &job.id).await.unwrap().as_ref(), Some(&ended));
        }
    }
}

/// A question, always the same.
fn question() -> Question {
    Question::of(&"flickr.photos.getInfo".parse().unwrap(), &Params::default())
}

/// What is known of the answer to [`question`].
pub async fn cached(ports: &Cloud, tenant: &TenantId, user: &UserId) -> Cached {
    ports.account_and_cached(tenant, user, &question()).await.unwrap().1
}

/// A write of the account of `of`, running, with what it is when it has ended so at `at`.
pub async fn ending(ports: &Cloud, of: &Job, at: Timestamp, end: impl FnOnce(ClaimId) -> Event) -> (Job, Job) {
    let raises = [Family::Photos].into_iter().collect();
    let job = Job { id: JobId::from_bytes(ports.random()), nature: Nature::NaturalWrite, raises, ..of.clone() };
    ports.insert_job(&job, MAX_PENDING).await.unwrap();
    let (claim, now) = (ClaimId::from_bytes(ports.random()), ports.now());
    let claimed = ports.claim_job(&job.tenant, &job.id, 1, &claim, now + LEASE, now).await.unwrap();
    let Claimed::Held(running) = claimed else { panic!("not held: {claimed:?}") };
    let ended = Job { state: step(&running.state, end(claim), at).unwrap().0, ..job };
    (*running, ended)
}

#[tokio::test]
async fn of_many_writes_that_end_at_once_each_makes_answers_void() {
    let ports = cloud();
    let of = job(&ports);
    let mut ends = JoinSet::new();
    for _ in 0..CROWD {
        let done = |claim| Event::Complete(claim, StoredResult::Inline("{}".to_owned()));
        let (running, ended) = ending(&ports, &of, ports.now(), done).await;
        let ports = ports.clone();
        ends.spawn(async move { ports.save_job(&ended, &running.state, Look::AsTold).await.unwrap() });
    }
    assert!(ends.join_all().await.into_iter().all(|written| written));
    let freshness = cached(&ports, &of.tenant, &of.order.user).await.freshness;
    // One that was written alone made them void before, and may have done so for nothing.
    assert!(freshness.generations[&Family::Photos] >= CROWD, "{freshness:?}");
    assert_eq!(freshness.unsettled_until, None);
}

#[tokio::test]
async fn what_is_unsettled_stays_so_for_the_longest() {
    let ports = cloud();
    let of = job(&ports);
    let (tenant, user) = (&of.tenant, &of.order.user);
    let unknown = |claim| {
        let failure = Failure { code: FailureCode::OutcomeUnknown, message: String::new(), flickr_code: None };
        Event::Fail(claim, failure)
    };
    let (early, late) = (ports.now(), ports.now() + Duration::from_secs(5));
    let mut until = None;
    for (number, at) in [(1, late), (2, early)] {
        let (running, ended) = ending(&ports, &of, at, unknown).await;
        assert!(ports.save_job(&ended, &running.state, Look::AsTold).await.unwrap());
        let freshness = cached(&ports, tenant, user).await.freshness;
        assert_eq!(freshness.generations, [(Family::Photos, number)].into());
        assert_eq!(*until.get_or_insert(freshness.unsettled_until), freshness.unsettled_until);
    }
    assert_eq!(pending(&ports, &of).await, 0, "both were counted as they ended");
    for (number, unsettled_until) in [(3, Some(early)), (4, None)] {
        let change = Change { families: [Family::Photos].into_iter().collect(), unsettled_until };
        ports.change_freshness(tenant, user, &change).await.unwrap();
        let freshness = cached(&ports, tenant, user).await.freshness;
        assert_eq!(
            (freshness.generations, Some(freshness.unsettled_until)),
            ([(Family::Photos, number)].into(), until)
        );
    }
}

#[tokio::test]
async fn of_many_that_ask_at_once_one_leads() {
    let ports = cloud();
    let of = job(&ports);
    let mut settings = JoinSet::new();
    for _ in 0..CROWD {
        let (ports, tenant, user) = (ports.clone(), of.tenant.clone(), of.order.user.clone());
        let pointer = Pointer { leader: JobId::from_bytes(ports.random()), generation: 0, as_of: ports.now() };
        settings.spawn(async move {
            let set = ports.set_pointer(&tenant, &user, &question(), &pointer, None).await.unwrap();
            set.then_some(pointer)
        });
    }
    let set: Vec<Pointer> = settings.join_all().await.into_iter().flatten().collect();
    assert_eq!(set.len(), 1);
    assert_eq!(cached(&ports, &of.tenant, &of.order.user).await.pointer.as_ref(), set.first());
}

#[tokio::test]
async fn a_pointer_whose_time_is_over_is_none() {
    let ports = cloud();
    let of = job(&ports);
    let (tenant, user) = (&of.tenant, &of.order.user);
    let now = ports.now();
    let kept = i64::try_from((JOB_DEADLINE + LONGEST_CACHE_TTL).as_millis()).unwrap();
    let long_ago = Timestamp::from_milliseconds(now.as_milliseconds() - kept);
    let pointer = |as_of| Pointer { leader: of.id.clone(), generation: 0, as_of };
    for (as_of, found) in [(long_ago, None), (now, Some(pointer(now)))] {
        assert!(ports.set_pointer(tenant, user, &question(), &pointer(as_of), None).await.unwrap());
        assert_eq!(cached(&ports, tenant, user).await.pointer, found);
    }
}

#[tokio::test]
async fn a_line_whose_time_is_over_begins_anew() {
    let ports = cloud();
    let app = AppId::from_bytes(ports.random());
    let long_ago = ports.now();
    let bucket = Bucket::of(7, 0);
    ports.join_line(&app, bucket, long_ago).await.unwrap();
    let (_, old) = ports.budget_and_line(&app).await.unwrap();

    // Its time is over, and it is not deleted yet.
    let shard = app.as_str().chars().next_back().unwrap().to_digit(16).unwrap() % u32::from(LOOK_SHARDS);
    let dynamo = aws_sdk_dynamodb::Client::new(&aws::sdk_config().unwrap());
    dynamo
        .update_item()
        .table_name(env("RUNTIME_TABLE"))
        .key("pk", AttributeValue::S(format!("LINE#{shard}")))
        .key("sk", AttributeValue::S(app.as_str().to_owned()))
        .condition_expression("attribute_exists(pk)")
        .update_expression("SET expires_at = :over, anchor_tag = :early, allotted_tag = :early")
        .expression_attribute_values(":over", AttributeValue::N((ports.now().as_seconds() - 1).to_string()))
        .expression_attribute_values(":early", AttributeValue::N("5".to_owned()))
        .send()
        .await
        .unwrap();
    let listed = async || ports.lines(u8::try_from(shard).unwrap()).await.unwrap().contains(&app);
    assert!(!listed().await);
    assert_eq!(ports.budget_and_line(&app).await.unwrap().1.waiting_jobs(), 0);

    let mut joins = JoinSet::new();
    for number in 0..CROWD {
        let (ports, app) = (ports.clone(), app.clone());
        joins.spawn(async move { ports.join_line(&app, Bucket::of(8 + number % 2, 0), ports.now()).await.unwrap() });
    }
    joins.join_all().await;
    let (_, line) = ports.budget_and_line(&app).await.unwrap();
    assert_eq!(line.waiting, [8, 9].map(|tag| (Bucket::of(tag, 0), u32::try_from(CROWD / 2).unwrap())).into());
    assert!(line.virtual_time(ports.now()) >= old.virtual_time(long_ago), "its time does not go back");
    assert!(listed().await);
}

#[tokio::test]
async fn a_line_is_served_however_many_counts_change() {
    let ports = cloud();
    let app = AppId::from_bytes(ports.random());
    let tags: Vec<u64> = (0..250).map(|number| 1 + number % 60 + 64 * (number / 60)).collect();
    for tag in &tags {
        ports.join_line(&app, Bucket::of(*tag, *tag), ports.now()).await.unwrap();
    }
    let (_, line) = ports.budget_and_line(&app).await.unwrap();
    assert_eq!((line.waiting.len(), line.waiting_jobs()), (tags.len(), 250));
    let served = line.served(&tags[..200], false);
    assert!(served.emptied.len() >= 200);
    ports.serve_line(&app, &served).await.unwrap();
    let (_, after) = ports.budget_and_line(&app).await.unwrap();
    assert_eq!(after, line.after(&served));
}

#[tokio::test]
async fn a_message_comes_after_its_delay_and_holds_ids_and_numbers_alone() {
    const DELAY: Duration = Duration::from_secs(3);
    let config = aws::sdk_config().unwrap();
    let sqs = aws_sdk_sqs::Client::new(&config);
    let queue = sqs.create_queue().queue_name(random_key()).send().await.unwrap().queue_url.unwrap();
    let settings = Settings { rest_queue_url: queue.clone(), ..Settings::from_env().unwrap() };
    let ports = Cloud::new(&config, &settings);
    let job = job(&ports);
    let prompt = Dispatch::of(&job);
    let late = Dispatch { dispatch: prompt.dispatch + 1, ..prompt.clone() };
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
        ports.send_dispatch(&prompt, Duration::ZERO).await.unwrap();
    }
    let mut messages = Vec::new();
    until("the prompt messages", async || {
        messages.extend(received().await);
        (messages.len() >= 2).then_some(())
    })
    .await;
    let sent = Instant::now();
    ports.send_dispatch(&late, DELAY).await.unwrap();
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
        assert_eq!(keys, BTreeSet::from(["dispatch", "job", "tenant", "trace", "user"]));
        assert!(!body.contains(PARAMETER), "{body}");
        let group = message.attributes().and_then(|found| found.get(&MessageSystemAttributeName::MessageGroupId));
        assert!(group.is_none_or(|group| group == job.order.user.as_str()), "{group:?}");
    }
    sqs.delete_queue().queue_url(&queue).send().await.unwrap();
}

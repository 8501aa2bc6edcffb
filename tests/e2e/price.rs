//! The price of a job: which requests each use case makes of AWS, and the units they cost.
//!
//! The use cases run as in a warm function, over adapters of their own, on tables of their own that
//! are described as the stack's are: nothing else touches them. A connector under the SDK's clients
//! sees each HTTP request, repetitions included.
//!
//! Units are those that DynamoDB is asked for with each request (`ReturnConsumedCapacity`), counted
//! by the emulator by AWS's rules ("Read and write operations" and "On-demand capacity mode" in the
//! Amazon DynamoDB Developer Guide):
//!
//! - a write is one unit for each KB of the item, of its size before or after, whichever is larger,
//!   rounded up; in a transaction twice that;
//! - an index adds, for each KB of the entry, one unit where an entry is put or removed, two where
//!   its key changes, none where neither its key nor what is projected changes; in a transaction no
//!   more than that (the Guide does not say: so MiniStack's authors measured it);
//! - a write that its condition refuses costs what it would have cost. Neither AWS's answer nor the
//!   emulator's says so: it is counted here, as one unit, since no item here is over one KB;
//! - a read of up to 4 KB is one unit, also of an item that is not there, an eventually consistent one
//!   half a unit. The emulator counts each read as one of up to 4 KB, which all are here, and so are
//!   the pages of ten jobs. It counts no `BatchGetItem`: its keys are counted here.
//!
//! That the emulator does so is part of what is asserted: the units are named request by request.
//!
//! With `FLICKRHUB_PRICE_OUT` each measure is also appended to that file, as a JSON line.

use std::{collections::BTreeMap, io::Write, sync::Arc, time::Duration};

use aws::{Cloud, Settings, settings::Stores};
use aws_sdk_dynamodb::types::{BillingMode, GlobalSecondaryIndex};
use domain::{
    AccountRef, AppId, ClaimId, Day, Timestamp, TraceId,
    budget::{self, HostClass, Limit},
    cache::{CacheEntry, CacheKey, CacheStats},
    egress::Policy,
    job::{
        DeadJob, Event, Failure, FailureCode, Job, MAX_INLINE_RESULT_BYTES, PerTarget, Phase, RetryPolicy, Start,
        StoredResult, Waiting, WakeBy, Work, step,
    },
    outcome::{Class, Outcome},
    timing::Timing,
};
use hub::{
    budget::Grants,
    credentials::{AppCredentials, TokenCredentials},
    dead_jobs,
    limits::Limits,
    message::Dispatch,
    ports::{
        Accounts, Apps, BudgetKey, Budgets, Changed, ClaimRequest, Claimed, Clock, Committed, Entropy, Jobs,
        NewCacheEntry, ResponseCache, SweepScope,
    },
    response_cache::{self, CacheUse},
    run::{Disposition, Worker},
    submit::{Submit, SubmitRequest},
    sweep, tenants, vaults,
};
use serde_json::json;
use testkit::{CATALOGUE, ScriptedFlickr, ScriptedSources, World, build};
use vault::DataKeys;

use crate::{
    emulator::random_key,
    recorder::{Request, Requests, recording},
    stack::until,
};

/// The most write units a REST job may cost, from its submission to its end (docs/cost.md); a cached read that misses
/// one more.
const MAX_WRITE_UNITS: f64 = 9.0;

/// The most requests of AWS that such a job may make in warm functions; a cached read that misses one more.
const MAX_REQUESTS: usize = 9;

/// An answer that leaves the job's item under one KB.
const SHORT_ANSWER_BYTES: usize = 100;

/// What a job calls where nothing else is said: a read whose answer is not cached.
const PLAIN: Call = ("flickr.people.getInfo", r#"{"user_id": "12345678@N00"}"#);

/// A read whose answer is cached.
const CACHED: Call = ("flickr.photos.getInfo", r#"{"photo_id": "53000000000"}"#);

/// A write that invalidates the answers of such reads.
const WRITE: Call = ("flickr.photos.setMeta", r#"{"photo_id": "53000000000", "title": "t"}"#);

/// A method and its parameters.
type Call = (&'static str, &'static str);

/// What a use case costs, or a part of it that several share.
struct Measure {
    use_case: &'static str,
    /// The functions that it invokes, as `scripts/price.py` names them.
    functions: &'static [&'static str],
    requests: BTreeMap<String, f64>,
    write_units: f64,
    read_units: f64,
}

impl Measure {
    fn of(use_case: &'static str, functions: &'static [&'static str], requests: &[Request]) -> Self {
        let mut counts = BTreeMap::new();
        for request in requests {
            *counts.entry(request.operation.clone()).or_default() += 1.0;
        }
        Self {
            use_case,
            functions,
            requests: counts,
            write_units: requests.iter().fold(0.0, |units, request| units + request.write_units),
            read_units: requests.iter().fold(0.0, |units, request| units + request.read_units),
        }
    }

    /// What one of so many adds to what was there without them.
    fn each_beyond(mut self, without: &Self, jobs: u32) -> Self {
        let jobs = f64::from(jobs);
        for (operation, count) in &mut self.requests {
            *count = (*count - without.requests.get(operation).copied().unwrap_or_default()) / jobs;
        }
        self.requests.retain(|_, count| *count != 0.0);
        self.write_units = (self.write_units - without.write_units) / jobs;
        self.read_units = (self.read_units - without.read_units) / jobs;
        self
    }

    /// Tells the measure to whoever asked for it.
    fn tell(self) -> Self {
        if let Ok(path) = std::env::var("FLICKRHUB_PRICE_OUT") {
            let line = json!({
                "use_case": self.use_case, "functions": self.functions, "requests": self.requests,
                "write_units": self.write_units, "read_units": self.read_units,
            });
            let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
            file.unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
        }
        self
    }
}

/// The operations with their write units, in order.
fn written(requests: &[Request]) -> Vec<(&str, f64)> {
    requests.iter().map(|request| (request.operation.as_str(), request.write_units)).collect()
}

/// Tables and a queue like the stack's, that nobody else uses.
async fn own_stores(of_stack: Stores) -> Stores {
    let config = aws::sdk_config().unwrap();
    let dynamo = aws_sdk_dynamodb::Client::new(&config);
    let like = async |name: &str| {
        let table = dynamo.describe_table().table_name(name).send().await.unwrap().table.unwrap();
        let indexes = table.global_secondary_indexes.unwrap_or_default().into_iter().map(|index| {
            let copy = GlobalSecondaryIndex::builder().set_index_name(index.index_name);
            copy.set_key_schema(index.key_schema).set_projection(index.projection).build().unwrap()
        });
        let indexes: Vec<_> = indexes.collect();
        let copy = format!("price-{}", random_key());
        let create = dynamo.create_table().table_name(&copy).billing_mode(BillingMode::PayPerRequest);
        let create = create.set_key_schema(table.key_schema).set_attribute_definitions(table.attribute_definitions);
        create.set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes)).send().await.unwrap();
        copy
    };
    let sqs = aws_sdk_sqs::Client::new(&config);
    let queue = sqs.create_queue().queue_name(random_key()).send().await.unwrap().queue_url.unwrap();
    Stores {
        vault_table: like(&of_stack.vault_table).await,
        jobs_table: like(&of_stack.jobs_table).await,
        runtime_table: like(&of_stack.runtime_table).await,
        queue_urls: PerTarget::new(|_| queue.clone()),
        ..of_stack
    }
}

/// An answer of Flickr of this many bytes.
fn answer_of(bytes: usize) -> String {
    let around = r#"{"stat":"ok","text":""}"#.len();
    format!(r#"{{"stat":"ok","text":"{}"}}"#, "x".repeat(bytes - around))
}

/// A tenant with a connected account, and the functions that serve it, each a process of its own.
struct Hub<K> {
    account: AccountRef,
    app: AppId,
    limits: Limits,
    flickr: ScriptedFlickr,
    /// Not measured.
    ports: Cloud,
    enqueue: Submit<Cloud>,
    worker: Worker<Cloud, ScriptedFlickr, K>,
    sweep: Cloud,
    requests: Requests,
}

async fn hub(limits: Limits) -> Hub<impl DataKeys> {
    let Settings { stores, keys, .. } = Settings::from_env().unwrap();
    let stores = own_stores(stores).await;
    let config = aws::sdk_config().unwrap();
    let ports = Cloud::new(&config, &stores);
    let tenant = build::tenant(&ports);
    let app = AppId::from_bytes(ports.random());
    let mut account = build::account(&tenant, "1@N00", ports.now());
    account.account.app = app.clone();
    let of = AccountRef::new(&tenant, &account.account.user);

    let sealing = aws::vaults(&config, &keys).unwrap();
    let token = TokenCredentials::new("token", "secret").to_secret().unwrap();
    let context = vaults::account(&tenant, &of.user).unwrap();
    account.sealed_token = sealing.tokens.seal(&context, &token).await.unwrap().into_bytes();
    ports.save_account(&account).await.unwrap();
    let secret = AppCredentials::new("key", "secret").to_secret().unwrap();
    let sealed = sealing.secrets.seal(&vaults::app(&tenant, &app).unwrap(), &secret).await.unwrap();
    ports.save_app(&tenant, &app, &sealed.into_bytes()).await.unwrap();
    build::principal_of(&ports, &tenant, limits).await;

    let (config, requests) = recording(&config);
    let process = || Cloud::new(&config, &stores);
    let flickr = ScriptedFlickr::default();
    flickr.answer_with(&answer_of(SHORT_ANSWER_BYTES));
    let enqueue = Submit { ports: process(), catalogue: &CATALOGUE, sources: Policy::default() };
    // Hardly a wait between attempts: it is not what is measured.
    let retries = PerTarget::new(|target| RetryPolicy { base: Duration::from_millis(1), ..target.profile().retry });
    let vaults = aws::vaults(&config, &keys).unwrap();
    let worker = Worker {
        ports: process(),
        flickr: flickr.clone(),
        catalogue: &CATALOGUE,
        vaults,
        retries,
        file_rules: domain::upload::FileRules::default(),
        sources: Arc::new(ScriptedSources::default()),
        limits,
        grants: Grants::default(),
    };
    let sweep = process();
    Hub { account: of, app, limits, flickr, ports, enqueue, worker, sweep, requests }
}

impl<K: DataKeys> Hub<K> {
    /// Submits a [`PLAIN`] job; and what that took.
    async fn submit(&self) -> (Job, Vec<Request>) {
        self.submit_call(PLAIN).await
    }

    /// Submits a job, as `enqueue` does for each request; and what that took.
    async fn submit_call(&self, (method, params): Call) -> (Job, Vec<Request>) {
        let ports = &self.enqueue.ports;
        let api_key = build::api_key_of(&self.account.tenant);
        let principal = tenants::authenticate(ports, &build::keyed_hash(), self.limits, &api_key).await.unwrap();
        let spec = build::spec(&self.account, method, params);
        let trace = TraceId::from_bytes(ports.random());
        let request = SubmitRequest { spec, start: Start::Now, key: None, trace };
        let accepted = self.enqueue.accept(&principal, request).await.unwrap();
        (accepted.job, self.requests.take())
    }

    /// Handles the job's message as it stands, and gives the job after that; and what that took.
    async fn handle(&self, job: &Job) -> (Job, Vec<Request>) {
        let (job, requests, _) = self.handle_with_use(job).await;
        (job, requests)
    }

    /// The same, with what the job's cache lookup is to be counted as.
    async fn handle_with_use(&self, job: &Job) -> (Job, Vec<Request>, Option<CacheUse>) {
        let stored = self.stored(job).await;
        let handled = Box::pin(self.worker.handle(&Dispatch::of(&stored))).await;
        assert_eq!(handled.disposition.unwrap(), Disposition::Ack);
        (self.stored(job).await, self.requests.take(), handled.cache_use)
    }

    async fn sweep(&self) -> (sweep::Report, Vec<Request>) {
        let stop_at = self.sweep.now() + Duration::from_secs(60);
        // No other sweep is needed: a fake will do.
        let others = World::new(build::NOW, 1);
        let report = sweep::run(&self.sweep, &others, &self.limits, &SweepScope::ALL, stop_at).await.unwrap();
        (report, self.requests.take())
    }

    async fn stored(&self, job: &Job) -> Job {
        self.ports.job(&job.reference()).await.unwrap().unwrap()
    }

    /// A [`PLAIN`] job from its submission to its end.
    async fn run(&self) -> Vec<Request> {
        self.run_call(PLAIN).await
    }

    /// A job from its submission to its end.
    async fn run_call(&self, call: Call) -> Vec<Request> {
        self.run_with_use(call).await.0
    }

    /// The same, with what the job's cache lookup is to be counted as.
    async fn run_with_use(&self, call: Call) -> (Vec<Request>, Option<CacheUse>) {
        let (job, mut requests) = self.submit_call(call).await;
        let (ended, more, cache_use) = self.handle_with_use(&job).await;
        assert!(matches!(ended.state.phase, Phase::Completed { .. }), "{ended:?}");
        requests.extend(more);
        (requests, cache_use)
    }

    /// Records cache statistics, as a worker does when a batch ends; and what that took.
    async fn record_stats(&self, uses: impl IntoIterator<Item = CacheUse>) -> Vec<Request> {
        response_cache::record_stats(&self.worker.ports, uses).await;
        self.requests.take()
    }

    /// How often Flickr was called so far.
    fn calls(&self) -> usize {
        self.flickr.calls().len()
    }
}

/// What `enqueue` asks for a job: the account, with its pending jobs and its app's budget and fair queue; the count of
/// pending jobs; the job with its entries in the index of open jobs and in the history of its account; the message.
const SUBMISSION: [(&str, f64); 4] =
    [("BatchGetItem", 0.0), ("UpdateItem", 1.0), ("PutItem", 1.0 + 1.0 + 1.0), ("SendMessage", 0.0)];

/// A call of the budget.
const GRANT: (&str, f64) = ("UpdateItem", 1.0);

/// The end of a job: its item, with its entry in the index of open jobs; the count of pending jobs.
const END: [(&str, f64); 2] = [("UpdateItem", 1.0 + 1.0), ("UpdateItem", 1.0)];

/// What a worker asks for a job that completes: the job; the account; the budget; the end.
const COMPLETION: [(&str, f64); 5] = [("UpdateItem", 1.0), ("GetItem", 0.0), GRANT, END[0], END[1]];

#[tokio::test]
async fn a_rest_job() {
    let hub = hub(Limits::default()).await;
    let cold = hub.run().await;
    let keys = cold.iter().filter(|request| request.operation == "Decrypt").count();
    assert_eq!(keys, 2, "the token's key and the app's: {cold:?}");
    Measure::of("rest_job_cold", &["enqueue", "worker"], &cold).tell();

    let warm = hub.run().await;
    assert_eq!(written(&warm), [&SUBMISSION[..], &COMPLETION].concat());
    let measure = Measure::of("rest_job", &["enqueue", "worker"], &warm).tell();
    assert!(warm.len() <= MAX_REQUESTS && measure.write_units <= MAX_WRITE_UNITS, "{warm:?}");
    assert!(!measure.requests.contains_key("Decrypt"), "no key is asked for twice: {warm:?}");
    let reads = 1.0 + 3.0 + 1.0;
    assert_eq!(measure.read_units, reads, "two accounts, a count, a budget and a fair queue: {warm:?}");
}

/// What a worker asks first for a job that the cache may answer: the job; the account with what the cache has.
const ASKING: [(&str, f64); 2] = [("UpdateItem", 1.0), ("BatchGetItem", 0.0)];

/// What it asks then where the job is to call: that others follow it; the budget; the end.
const LEADING: [(&str, f64); 4] = [("PutItem", 1.0), GRANT, END[0], END[1]];

#[tokio::test]
async fn a_cached_read() {
    let hub = hub(Limits::default()).await;
    hub.run().await;
    let calls = hub.calls();
    let (miss, first_use) = hub.run_with_use(CACHED).await;
    assert_eq!(written(&miss), [&SUBMISSION[..], &ASKING, &LEADING].concat());
    assert_eq!(hub.calls(), calls + 1);
    let measure = Measure::of("cache_miss", &["enqueue", "worker"], &miss).tell();
    assert!(miss.len() <= MAX_REQUESTS + 1 && measure.write_units <= MAX_WRITE_UNITS + 1.0, "{miss:?}");
    assert_eq!(
        measure.read_units,
        4.0 + 3.0,
        "two accounts, a count, a budget and a fair queue, generations and an entry: {miss:?}"
    );

    let (hit, second_use) = hub.run_with_use(CACHED).await;
    assert_eq!(hub.calls(), calls + 1, "Flickr is not called");
    // The job that has the answer; no budget.
    let answered = [("GetItem", 0.0), END[0], END[1]];
    assert_eq!(written(&hit), [&SUBMISSION[..], &ASKING, &answered].concat());
    Measure::of("cache_hit", &["enqueue", "worker_without_call"], &hit).tell();

    // However many a batch had of one method.
    let (_, third_use) = hub.run_with_use(CACHED).await;
    let recorded = hub.record_stats([first_use, second_use, third_use].into_iter().flatten()).await;
    assert_eq!(written(&recorded), [("UpdateItem", 1.0)]);
    Measure::of("cache_stats", &[], &recorded).tell();
    assert!(hub.record_stats([]).await.is_empty());
    let stats = hub.ports.stats(&hub.account.tenant, &Day::of(hub.ports.now())).await.unwrap();
    let expected = CacheStats { hits: 2, misses: 1, ..CacheStats::default() };
    assert_eq!(stats, [(CACHED.0.parse().unwrap(), expected)]);

    // The entry as it were if the answer had been asked for so long ago that it is too old.
    let (job, mut stale) = hub.submit_call(CACHED).await;
    let Work::Rest(call) = &job.spec.work else { panic!("a job of the REST API") };
    let key = CacheKey::of(call);
    let (_, view) = hub.ports.look_up(&hub.account, &key).await.unwrap();
    let seen = view.entry.unwrap();
    let ttl = i64::try_from(ScriptedFlickr::TTL.as_millis()).unwrap();
    let as_of = Timestamp::from_milliseconds(seen.as_of.as_milliseconds() - ttl);
    let old = CacheEntry { as_of, ..seen.clone() };
    let aged = NewCacheEntry { account: &hub.account, key: &key, entry: &old, seen: Some(&seen) };
    assert!(hub.ports.set_entry(aged).await.unwrap());
    stale.extend(hub.handle(&job).await.1);
    assert_eq!(hub.calls(), calls + 2);
    // The job that has the old answer is read: it might be about to ask anew.
    assert_eq!(written(&stale), [&SUBMISSION[..], &ASKING, &[("GetItem", 0.0)], &LEADING].concat());
    Measure::of("cache_miss_too_old", &["enqueue", "worker"], &stale).tell();
}

#[tokio::test]
async fn a_write_invalidates_cached_answers_by_one_update() {
    let hub = hub(Limits::default()).await;
    hub.run_call(CACHED).await;
    let write = hub.run_call(WRITE).await;
    let [claim, account, grant, end @ ..] = COMPLETION;
    let invalidating = [claim, account, grant, ("UpdateItem", 1.0)];
    assert_eq!(written(&write), [&SUBMISSION[..], &invalidating, &end].concat());
    Measure::of("write_job", &["enqueue", "worker"], &write).tell();
    let calls = hub.calls();
    let read = hub.run_call(CACHED).await;
    assert_eq!(hub.calls(), calls + 1, "what is invalidated is not given");
    assert_eq!(written(&read), [&SUBMISSION[..], &ASKING, &LEADING].concat(), "its job is not even read");
}

#[tokio::test]
async fn a_read_that_another_makes_already() {
    let hub = hub(Limits::default()).await;
    hub.run().await;
    hub.flickr.answer_once(Outcome::new(Class::Transient, "one of those days"));
    let (leader, _) = hub.submit_call(CACHED).await;
    hub.handle(&leader).await;
    let calls = hub.calls();
    let (follower, _) = hub.submit_call(CACHED).await;
    let (waiting, wait) = hub.handle(&follower).await;
    assert_eq!(waiting.state.follows, Some(leader.id.clone()));
    // The job that is to have the answer; the wait and its message.
    let waits = [("GetItem", 0.0), ("UpdateItem", 1.0), ("SendMessage", 0.0)];
    assert_eq!(written(&wait), [&ASKING[..], &waits].concat());
    Measure::of("follower_wait", &["worker_without_call"], &wait).tell();

    hub.handle(&leader).await;
    let ended = until("the follower's end", async || {
        let (job, _) = hub.handle(&follower).await;
        job.state.is_terminal().then_some(job)
    })
    .await;
    let is_shared = |phase: &Phase| matches!(phase, Phase::Completed { result: StoredResult::Shared { leader: of, .. }, .. } if *of == leader.id);
    assert!(is_shared(&ended.state.phase), "{ended:?}");
    assert_eq!(hub.calls(), calls + 1, "one call for both");
}

#[tokio::test]
async fn a_rest_job_whose_budget_another_worker_changed() {
    let hub = hub(Limits::default()).await;
    hub.run().await;
    let (job, mut requests) = hub.submit().await;
    take(&hub.ports, &hub.app, &Limit::FLICKR, 1).await;
    let (_, more) = hub.handle(&job).await;
    assert_eq!(written(&more), COMPLETION, "who takes calls at once does not get into each other's way");
    requests.extend(more);
    Measure::of("rest_job_contended", &["enqueue", "worker"], &requests).tell();
}

#[tokio::test]
async fn a_rest_job_with_a_longer_answer() {
    let hub = hub(Limits::default()).await;
    hub.run().await;
    let [claim, account, take, ..] = COMPLETION;
    // The longest in the job's own item, which then has two KB.
    hub.flickr.answer_with(&answer_of(MAX_INLINE_RESULT_BYTES));
    let inline = hub.run().await;
    assert_eq!(written(&inline[SUBMISSION.len()..]), [claim, account, take, ("UpdateItem", 2.0 + 1.0), END[1]]);
    let measure = Measure::of("rest_job_1_kb_answer", &["enqueue", "worker"], &inline).tell();
    assert!(inline.len() <= MAX_REQUESTS && measure.write_units <= MAX_WRITE_UNITS + 1.0, "{inline:?}");

    // One in a separate item, as that of most reads is: four KB with its keys.
    hub.flickr.answer_with(&answer_of(3_800));
    let separate = hub.run().await;
    let keep = ("PutItem", 4.0);
    assert_eq!(written(&separate[SUBMISSION.len()..]), [&[claim, account, take, keep], &END[..]].concat());
    Measure::of("rest_job_4_kb_answer", &["enqueue", "worker"], &separate).tell();
}

#[tokio::test]
async fn a_retry() {
    let hub = hub(Limits::default()).await;
    hub.run().await;
    hub.flickr.answer_once(Outcome::new(Class::Transient, "one of those days"));
    let (job, _) = hub.submit().await;
    let (deferred, failure) = hub.handle(&job).await;
    assert_eq!(deferred.state.phase.name(), "deferred", "{deferred:?}");
    let (ended, completion) = hub.handle(&job).await;
    assert!(matches!(ended.state.phase, Phase::Completed { .. }) && ended.state.attempts == 2, "{ended:?}");
    let [claim, account, take, end @ ..] = COMPLETION;
    // The app's budget and the account's circuit hear of the failure, and then that it is over.
    let hear = [("UpdateItem", 1.0); 2];
    let put_off = [("UpdateItem", 1.0), ("SendMessage", 0.0)];
    assert_eq!(written(&failure), [&[claim, account, take][..], &hear, &put_off].concat());
    assert_eq!(written(&completion), [&[claim, account, take][..], &hear, &end].concat());
    let (_, plain) = hub.handle(&hub.submit().await.0).await;
    assert_eq!(written(&plain), COMPLETION);
    let plain = Measure::of("plain", &[], &plain);
    let retry = Measure::of("retry", &["worker"], &[failure, completion].concat());
    retry.each_beyond(&plain, 1).tell();
}

#[tokio::test]
async fn a_deferral() {
    // Its wait is one that SQS can keep: a longer one is kept by the sweep.
    let one_a_minute = Limit { calls_per_hour: 60, burst_calls: 1 };
    let hub = hub(Limits { account: Some(one_a_minute), ..Limits::default() }).await;
    hub.run().await;
    let (job, _) = hub.submit().await;
    let (deferred, requests) = hub.handle(&job).await;
    assert_eq!((deferred.state.phase.name(), deferred.state.attempts), ("deferred", 0), "{deferred:?}");
    let [claim, account, ..] = COMPLETION;
    let expected = [claim, account, ("GetItem", 0.0), ("UpdateItem", 1.0), ("SendMessage", 0.0)];
    assert_eq!(written(&requests), expected, "what is remembered refuses, and is asked for once more");
    Measure::of("deferral", &["worker_without_call"], &requests).tell();
}

#[tokio::test]
async fn a_job_in_the_fair_queue() {
    const JOBS: u32 = 10;
    // So large a rate that a sweep dispatches at once, and so large a burst that it stays spent.
    let app = Limit { calls_per_hour: 3_600_000, burst_calls: 1_000_000 };
    let hub = hub(Limits { app, ..Limits::default() }).await;
    hub.run().await;
    let (_, idle) = hub.sweep().await;
    let idle = Measure::of("empty_sweep", &["sweep"], &idle).tell();
    take(&hub.ports, &hub.app, &app, app.burst_calls).await;

    // The first take their account's share, the next begins the fair queue.
    let in_queue = |job: &Job| job.state.waiting().map(Waiting::wake_by) == Some(WakeBy::Turn);
    let first = loop {
        let (job, _) = hub.submit().await;
        if in_queue(&job) {
            break job;
        }
        hub.handle(&job).await;
    };
    // A read that the cache may answer looks there before it takes a turn.
    let (cached, asking) = hub.submit_call(CACHED).await;
    assert!(in_queue(&cached), "{cached:?}");
    assert_eq!(written(&asking)[..3], [("BatchGetItem", 0.0), ("UpdateItem", 1.0), ("BatchGetItem", 0.0)]);
    let mut join = Vec::new();
    for _ in 2..JOBS {
        let (job, requests) = hub.submit().await;
        assert!(in_queue(&job), "{job:?}");
        join = requests;
    }
    // The account with its pending jobs, the budget and the fair queue; the count; a tag, the count in the queue; the
    // job with its entries in all three indexes.
    let joining = [
        ("BatchGetItem", 0.0),
        ("UpdateItem", 1.0),
        ("UpdateItem", 1.0),
        ("UpdateItem", 1.0),
        ("PutItem", 1.0 + 1.0 + 1.0 + 1.0),
    ];
    assert_eq!(written(&join), joining);
    let (swept, requests) = hub.sweep().await;
    assert_eq!(swept.dispatched, JOBS, "{swept:?}");
    // The job, its entry in the index of open jobs moved, that in the index of fair queues removed. Several jobs
    // are dispatched at once, in no order.
    for each in [("GetItem", 0.0), ("UpdateItem", 1.0 + 2.0 + 1.0), ("SendMessage", 0.0)] {
        let found = written(&requests).into_iter().filter(|request| *request == each).count();
        assert_eq!(found, usize::try_from(JOBS).unwrap(), "{each:?}: {requests:?}");
    }
    let dispatch = Measure::of("queue_dispatch", &[], &requests).each_beyond(&idle, JOBS).tell();
    let (ended, completion) = hub.handle(&first).await;
    assert!(matches!(ended.state.phase, Phase::Completed { .. }), "{ended:?}");
    assert_eq!(written(&completion), COMPLETION);
    let mut whole = Measure::of("rest_job_in_fair_queue", &["enqueue", "worker"], &[join, completion].concat());
    for (operation, count) in dispatch.requests {
        *whole.requests.entry(operation).or_default() += count;
    }
    whole.write_units += dispatch.write_units;
    whole.read_units += dispatch.read_units;
    whole.tell();
}

#[tokio::test]
async fn a_page_of_dead_jobs_is_one_query_however_much_they_were_asked() {
    let hub = hub(Limits::default()).await;
    let failure = Failure::new(FailureCode::AttemptsExhausted, "HTTP 502");
    let mut dead = Vec::new();
    for _ in 0..5 {
        let params = format!(r#"{{"text": "{}"}}"#, "x".repeat(5_000));
        let spec = build::spec(&hub.account, "flickr.test.echo", &params);
        let job = build::job(hub.ports.random(), spec, hub.ports.now());
        build::insert(&hub.ports, &job).await;
        let (claim, now) = (ClaimId::from_bytes(hub.ports.random()), hub.ports.now());
        let lease_until = now + Timing::REST.lease;
        let request = ClaimRequest { job: job.reference(), fencing_number: 1, claim: claim.clone(), lease_until, now };
        let Claimed::Held(running) = hub.ports.claim(&request).await.unwrap() else { panic!("not held: {job:?}") };
        let transition = step(&running, Event::GiveUp(claim, failure.clone()), hub.ports.now()).unwrap();
        assert_eq!(hub.ports.commit(&transition).await.unwrap(), Committed::Written);
        dead.push(DeadJob::of(&transition.after).unwrap());
    }
    let principal = build::principal_of(&hub.ports, &hub.account.tenant, hub.limits).await;
    hub.requests.take();
    let mut listed = dead_jobs::list(&hub.sweep, &principal, None).await.unwrap().items;
    assert_eq!(written(&hub.requests.take()), [("Query", 0.0)]);
    listed.sort_by(|one, other| one.id.cmp(&other.id));
    dead.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(listed, dead);
}

/// Takes calls of an app's budget, as another process would: so many, or all there are.
async fn take(ports: &Cloud, app: &AppId, limit: &Limit, calls: u32) {
    let key = BudgetKey::App(app.clone());
    let request = budget::Request { limit: *limit, class: Some(HostClass::Rest), calls };
    let change = ports.budget(&key).await.unwrap().take(&request, ports.now()).unwrap();
    assert!(matches!(ports.change_budget(&key, &change).await.unwrap(), Changed::Done(_)));
}

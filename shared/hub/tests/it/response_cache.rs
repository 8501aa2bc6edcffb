//! The response cache, from a job that calls to the jobs that need not.

use std::{cell::RefCell, ops::Deref, time::Duration};

use domain::{
    ClaimId, Day, JobId, UserId,
    account::Status,
    budget::Limit,
    cache::{CacheEvent, CacheKey, CacheOptions, CacheStats, CacheTag, CacheTags},
    call::{Params, RestCall},
    job::{FailureCode, Job, JobSpec, Phase, ResultForm, StoredResult},
    outcome::{Class, Outcome},
    timing::{JOB_RETENTION, Timing, VERIFICATION},
};
use futures_util::FutureExt;
use hub::{
    Kind, accounts,
    message::Dispatch,
    ports::{Accounts, ClaimRequest, Clock, Jobs, ResponseCache},
    read::{self, Content},
    response_cache::{CacheUse, invalidate, record_stats},
    run::Disposition,
};
use testkit::{CATALOGUE, Call, Fault, FaultPoint, Injection, Scene, ScriptedFlickr, build};

const READ: &str = "flickr.photos.getInfo";
const WRITE: &str = "flickr.photos.setMeta";
const LEASE: Duration = Timing::REST.lease;

/// A scene that collects the outcomes of cache lookups.
struct CacheScene {
    scene: Scene,
    uses: RefCell<Vec<CacheUse>>,
}

impl Deref for CacheScene {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.scene
    }
}

async fn scene() -> CacheScene {
    CacheScene { scene: Scene::new().await, uses: RefCell::default() }
}

impl CacheScene {
    async fn submit_with(&self, cache: CacheOptions) -> Job {
        let spec = self.spec(0, READ, r#"{"photo_id": "1"}"#);
        self.request(JobSpec { cache, ..spec }, None).await.unwrap().job
    }

    /// The job after its message was handled.
    async fn handle(&self, job: &Job) -> Job {
        let handled = self.handled(job).await;
        assert_eq!(handled.disposition.unwrap(), Disposition::Ack);
        self.uses.borrow_mut().extend(handled.cache_use);
        self.stored(job).await
    }

    async fn run(&self, account: usize, method: &str) -> Job {
        self.handle(&self.submit_call(account, method).await).await
    }

    /// The answer that the job has.
    async fn read(&self, job: &Job) -> Content {
        let reading = read::job(&self.world, &self.principal, &job.id, None).await.unwrap();
        read::result(&self.world, &reading.source.unwrap(), ResultForm::Inline).await.unwrap()
    }

    fn calls(&self) -> usize {
        self.flickr.calls().len()
    }

    /// The outcomes so far.
    fn stats(&self) -> CacheStats {
        let mut all = CacheStats::default();
        for cache_use in self.uses.borrow().iter() {
            assert_eq!(cache_use.method.as_str(), READ, "only lookups of what is cached are counted");
            all += cache_use.event.into();
        }
        all
    }
}

/// The job whose answer this job has; `None` when that is its own.
fn leader(job: &Job) -> Option<JobId> {
    match &job.state.phase {
        Phase::Completed { result: StoredResult::Shared { leader, .. }, .. } => Some(leader.clone()),
        Phase::Completed { .. } => None,
        open => panic!("{open:?}"),
    }
}

fn follows(job: &Job) -> Option<&JobId> {
    job.state.follows.as_ref().filter(|_| job.state.phase.name() == "deferred")
}

#[tokio::test]
async fn what_was_answered_is_not_asked_again() {
    let scene = scene().await;
    scene.flickr.answer_with(r#"{"stat":"ok","photo":{"id":"1"}}"#);
    let first = scene.run(0, READ).await;
    assert_eq!(leader(&first), None);
    scene.pass_seconds(60);
    let job = scene.submit_call(0, READ).await;
    scene.world.forget_calls();
    let second = scene.handle(&job).await;
    assert_eq!(scene.world.calls()[1..5], [Call::Claim, Call::LookUp, Call::Job, Call::Commit]);
    assert_eq!((leader(&second), second.state.attempts, scene.calls()), (Some(first.id.clone()), 0, 1));
    for job in [&first, &second] {
        let text = Some(r#"{"stat":"ok","photo":{"id":"1"}}"#.to_owned());
        assert_eq!(scene.read(job).await, Content { text, url: None });
    }
    assert_eq!(scene.stats(), CacheStats { hits: 1, misses: 1, ..CacheStats::default() });
}

#[tokio::test]
async fn long_answers_are_shared_where_they_are() {
    for bytes in [2_000, 50_000, 300_000, 5_000_000] {
        let scene = scene().await;
        scene.flickr.answer_with(&format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes)));
        scene.run(0, READ).await;
        let second = scene.run(0, READ).await;
        assert!(leader(&second).is_some());
        let Content { text, url } = scene.read(&second).await;
        assert_eq!((text.is_some(), url.is_some()), (bytes <= 4 << 20, bytes >= 256 << 10), "{bytes}");
        assert!(text.is_none_or(|text| text.len() == bytes + r#"{"text":""}"#.len()));
        assert!(url.is_none_or(|url| !url.contains(second.id.as_str())), "it is the other job's");
    }
}

/// Pages of different ages do not fit together: what moved from one to another would be missed.
#[tokio::test]
async fn one_page_of_several_is_shared_with_who_waits_for_it_and_with_who_says_how_old_it_may_be() {
    let scene = scene().await;
    let ask = async |page: &str, ttl_seconds| {
        let spec = scene.spec(0, "flickr.photos.search", &format!(r#"{{"tags": "a", "page": "{page}"}}"#));
        let cache = CacheOptions::new(ttl_seconds, false).unwrap();
        scene.request(JobSpec { cache, ..spec }, None).await.unwrap().job
    };
    let run = async |job: &Job| scene.scene.handle(job).await;
    let shares = async |page, ttl_seconds| leader(&run(&ask(page, ttl_seconds).await).await).is_some();

    scene.flickr.answer_with(r#"{"photos":{"page":1,"pages":2},"stat":"ok"}"#);
    assert!(!shares("1", None).await && !shares("2", None).await);
    assert!(!shares("1", None).await && !shares("2", None).await, "all pages are asked for anew");
    assert!(shares("1", Some(300)).await && shares("2", Some(300)).await);
    assert_eq!(scene.calls(), 4);

    // The first worker stops before it writes the end, so the second job waits for it.
    let [first, second] = [ask("3", None).await, ask("3", None).await];
    scene.world.forget_calls();
    scene.world.fault(5, FaultPoint::Before, Fault::Crash);
    assert!(scene.worker.handle(&Dispatch::of(&first)).now_or_never().is_none());
    let second = run(&second).await;
    assert_eq!(follows(&second), Some(&first.id));
    scene.world.pass(LEASE + Duration::from_secs(2));
    assert_eq!(leader(&run(&first).await), None);
    assert_eq!(leader(&run(&second).await), Some(first.id));

    scene.flickr.answer_with(r#"{"photos":{"page":1,"pages":1},"stat":"ok"}"#);
    assert!(!shares("1", None).await && shares("1", None).await, "the only page is cached");
}

#[tokio::test]
async fn a_shared_answer_can_be_read_as_long_as_its_job() {
    let scene = scene().await;
    scene.run(0, READ).await;
    let day = CacheOptions::new(Some(86_400), false).unwrap();
    scene.pass_seconds(86_400 - 60);
    let late = scene.handle(&scene.submit_with(day).await).await;
    assert!(leader(&late).is_some());
    let read = || read::job(&scene.world, &scene.principal, &late.id, None);
    scene.world.pass(JOB_RETENTION - Duration::from_secs(1));
    assert!(read().await.unwrap().source.is_some());
    scene.pass_seconds(1);
    assert!(matches!(read().await.unwrap_err().kind(), Kind::JobNotFound));
}

#[tokio::test]
async fn an_answer_is_given_as_long_as_the_job_that_asks_takes_it() {
    let scene = scene().await;
    scene.run(0, READ).await;
    scene.pass_seconds(120);
    let strict = scene.handle(&scene.submit_with(CacheOptions::new(Some(60), false).unwrap()).await).await;
    assert_eq!(leader(&strict), None, "an answer of two minutes is too old for it");
    scene.pass_seconds(250);
    assert_eq!(leader(&scene.run(0, READ).await), Some(strict.id), "the later answer is cached");
    scene.pass_seconds(100);
    let patient = scene.handle(&scene.submit_with(CacheOptions::new(Some(3_600), false).unwrap()).await).await;
    assert!(leader(&patient).is_some());
    assert_eq!(leader(&scene.run(0, READ).await), None, "the method's own time is over");
    assert_eq!(scene.calls(), 3);
}

#[tokio::test]
async fn who_bypasses_calls_and_refreshes_what_is_cached() {
    let scene = scene().await;
    scene.run(0, READ).await;
    let fresh = scene.handle(&scene.submit_with(CacheOptions::new(None, true).unwrap()).await).await;
    assert_eq!((leader(&fresh), scene.calls()), (None, 2));
    assert_eq!(leader(&scene.run(0, READ).await), Some(fresh.id));
    assert_eq!(scene.stats(), CacheStats { hits: 1, misses: 1, bypassed: 1, ..CacheStats::default() });
}

#[tokio::test]
async fn answers_are_of_one_account_and_one_key() {
    let scene = scene().await;
    scene.run(0, READ).await;
    assert_eq!(leader(&scene.run(1, READ).await), None, "another account");
    let other = scene.request(scene.spec(0, READ, r#"{"photo_id": "2"}"#), None).await.unwrap().job;
    assert_eq!(leader(&scene.handle(&other).await), None, "another photo");
    for _ in 0..2 {
        assert_eq!(leader(&scene.run(0, "flickr.test.login").await), None, "a method that is never cached");
        assert_eq!(leader(&scene.run(0, WRITE).await), None, "a write");
    }
    assert_eq!(scene.calls(), 7);
}

#[tokio::test]
async fn the_end_of_a_write_invalidates_answers() {
    let scene = scene().await;
    scene.run(0, READ).await;
    let write = scene.submit_call(0, WRITE).await;
    assert!(leader(&scene.run(0, READ).await).is_some(), "it has not begun");
    scene.run(1, WRITE).await;
    assert!(leader(&scene.run(0, READ).await).is_some(), "it was another account's");
    scene.handle(&write).await;
    assert_eq!(leader(&scene.run(0, READ).await), None);
    assert!(leader(&scene.run(0, READ).await).is_some());
}

#[tokio::test]
async fn an_end_that_cannot_invalidate_is_not_written() {
    let scene = scene().await;
    scene.run(0, READ).await;
    let write = scene.submit_call(0, WRITE).await;
    scene.world.set_fault_plan(Box::new(|call, point| match (call, point) {
        (Call::Invalidate, FaultPoint::Before) => Injection::Fault(Fault::Fail),
        _ => Injection::Pass,
    }));
    let put_off = scene.handle(&write).await;
    assert_eq!((put_off.state.phase.name(), put_off.state.attempts), ("deferred", 1), "Flickr was called");
    assert!(leader(&scene.run(0, READ).await).is_some(), "it has not ended");
    scene.world.set_fault_plan(Box::new(|_, _| Injection::Pass));
    scene.pass_seconds(120);
    scene.handle(&write).await;
    assert_eq!(leader(&scene.run(0, READ).await), None);
}

#[tokio::test]
async fn an_answer_that_was_asked_for_before_a_write_ended_is_not_given_after_it() {
    let scene = scene().await;
    let reader = scene.submit_call(0, READ).await;
    scene.flickr.answer([Outcome::new(Class::Transient, "502")]);
    let deferred = scene.handle(&reader).await;
    assert_eq!(deferred.state.phase.name(), "deferred");
    // A reader that saw the account before the write, and answers after it: its entry is older.
    scene.run(0, WRITE).await;
    let next = scene.run(0, READ).await;
    assert_eq!(leader(&next), None);
    scene.pass_seconds(20);
    assert_eq!(leader(&scene.handle(&reader).await), Some(next.id), "who led before follows now");
}

/// The index of Flickr's search lags: what it answers right after a write may miss what the write did.
#[tokio::test]
async fn an_answer_from_within_the_index_lag_of_a_write_is_not_given_after_the_lag() {
    const SEARCH: &str = "flickr.photos.search";
    let scene = scene().await;
    scene.flickr.answer_with(r#"{"photos":{"page":1,"pages":1},"stat":"ok"}"#);
    scene.run(0, WRITE).await;
    scene.pass_seconds(1);
    assert_eq!(leader(&scene.run(0, SEARCH).await), None);
    assert!(leader(&scene.run(0, SEARCH).await).is_some(), "for the rest of the lag");
    scene.world.pass(ScriptedFlickr::INDEX_LAG);
    assert_eq!(leader(&scene.run(0, SEARCH).await), None, "the index has caught up");
    scene.world.pass(ScriptedFlickr::INDEX_LAG);
    assert!(leader(&scene.run(0, SEARCH).await).is_some());

    // Of an account that wrote nothing, and after an invalidation that is no write, an answer lives as long as it may.
    scene.run(1, SEARCH).await;
    scene.world.pass(ScriptedFlickr::INDEX_LAG);
    assert!(leader(&scene.run(1, SEARCH).await).is_some());
}

#[tokio::test]
async fn nothing_is_cached_while_a_write_may_still_take_effect() {
    let scene = scene().await;
    scene.run(0, READ).await;
    scene.flickr.answer([Outcome::new(Class::UnknownOutcome, "timeout")]);
    let write = scene.run(0, "flickr.photos.people.add").await;
    assert!(matches!(&write.state.phase, Phase::Failed { failure, .. } if failure.code == FailureCode::OutcomeUnknown));
    for _ in 0..2 {
        assert_eq!(leader(&scene.run(0, READ).await), None);
    }
    scene.world.pass(VERIFICATION);
    assert_eq!(leader(&scene.run(0, READ).await), None);
    assert!(leader(&scene.run(0, READ).await).is_some());
}

#[tokio::test]
async fn who_asks_the_same_meanwhile_waits_and_shares_the_answer() {
    let scene = scene().await;
    let [first, second] = [scene.submit_call(0, READ).await, scene.submit_call(0, READ).await];
    // The first worker stops just before it writes the end: its lease holds.
    scene.world.forget_calls();
    scene.world.fault(6, FaultPoint::Before, Fault::Crash);
    assert!(scene.worker.handle(&Dispatch::of(&first)).now_or_never().is_none());
    assert_eq!(scene.calls(), 1);
    scene.world.forget_calls();

    let waits = scene.handle(&second).await;
    assert_eq!((follows(&waits), waits.state.attempts), (Some(&first.id), 0));
    assert!(waits.state.due_at.since(scene.world.now()) <= Duration::from_secs(2));
    scene.pass_seconds(2);
    let waits = scene.handle(&waits).await;
    assert_eq!(waits.state.due_at.since(scene.world.now()), Duration::from_secs(2), "it looks again");

    // The first comes again, calls and ends.
    scene.world.pass(LEASE);
    let ended = scene.handle(&first).await;
    assert_eq!(leader(&ended), None);
    let shared = scene.handle(&waits).await;
    assert_eq!((leader(&shared), scene.calls()), (Some(first.id), 2));
    let expected = CacheStats { shared: 1, misses: 1, ..CacheStats::default() };
    assert_eq!(scene.stats(), expected, "a worker that stops counts nothing, nor does a wait");
}

#[tokio::test]
async fn followers_are_refused_as_their_leader_is_and_go_on_by_themselves_where_it_fails_otherwise() {
    let outcomes = [
        (Outcome::new(Class::Permanent, "Photo not found").with_code(1), Some(FailureCode::FlickrRejected)),
        (Outcome::new(Class::Quota, "used up"), None),
    ];
    for (outcome, shared) in outcomes {
        let scene = scene().await;
        let [first, second, third] = three_that_ask_the_same(&scene).await;
        assert_eq!((follows(&second), follows(&third)), (Some(&first.id), Some(&first.id)));
        scene.pass_seconds(600);
        scene.flickr.answer([outcome]);
        scene.handle(&first).await;
        let (second, third) = (scene.handle(&second).await, scene.handle(&third).await);
        match shared {
            Some(code) => {
                for job in [&second, &third] {
                    assert!(matches!(&job.state.phase, Phase::Failed { failure, .. } if failure.code == code));
                }
                assert_eq!(scene.calls(), 2);
                assert_eq!(leader(&scene.run(0, READ).await), None, "a refusal is not cached");
            }
            None => {
                assert_eq!((leader(&second), leader(&third)), (None, Some(second.id)));
                assert_eq!(scene.calls(), 3);
            }
        }
    }
}

/// Three jobs that ask the same, of which the first called without success and the others wait for it.
async fn three_that_ask_the_same(scene: &CacheScene) -> [Job; 3] {
    let [first, second, third] =
        [scene.submit_call(0, READ).await, scene.submit_call(0, READ).await, scene.submit_call(0, READ).await];
    scene.flickr.answer([Outcome::new(Class::Transient, "502")]);
    [scene.handle(&first).await, scene.handle(&second).await, scene.handle(&third).await]
}

#[tokio::test]
async fn who_waited_in_vain_waits_for_no_other() {
    let scene = scene().await;
    let [first, second, third] = three_that_ask_the_same(&scene).await;
    scene.pass_seconds(600);
    let transient = || Outcome::new(Class::Transient, "502");
    scene.flickr.answer([Outcome::new(Class::Quota, "used up"), transient(), transient()]);
    scene.handle(&first).await;
    let second = scene.handle(&second).await;
    assert_eq!((follows(&second).is_some(), second.state.attempts), (true, 1), "it called, and comes again");
    let third = scene.handle(&third).await;
    assert_eq!((third.state.attempts, scene.calls()), (1, 4), "and does not wait for the second");
}

#[tokio::test]
async fn a_cache_that_does_not_answer_is_done_without() {
    // What is asked of it: the entry, the leader, an entry of one's own.
    for (call, name) in [(1, Call::LookUp), (2, Call::Job), (2, Call::SetEntry)] {
        let scene = scene().await;
        if name == Call::Job {
            scene.run(0, READ).await;
        }
        let job = scene.submit_call(0, READ).await;
        scene.world.forget_calls();
        scene.world.fault(call, FaultPoint::Before, Fault::Fail);
        let handled = scene.worker.handle(&Dispatch::of(&job)).await;
        assert_eq!(handled.disposition.unwrap(), Disposition::Ack);
        assert_eq!(scene.world.calls()[call], name);
        assert_eq!(leader(&scene.stored(&job).await), None, "{name:?}");
        assert_eq!(handled.cache_use.map(|cache_use| cache_use.event), Some(CacheEvent::Unavailable), "{name:?}");
    }
}

#[tokio::test]
async fn an_account_that_must_connect_again_is_given_nothing() {
    let scene = scene().await;
    scene.run(0, READ).await;
    let mut account = build::account(scene.principal.tenant(), "1@N00", build::NOW);
    account.account.status = Status::ReconnectNeeded;
    scene.world.save_account(&account).await.unwrap();
    let job = scene.run(0, READ).await;
    assert!(matches!(&job.state.phase, Phase::Failed { failure, .. } if failure.code == FailureCode::ReconnectNeeded));
}

#[tokio::test]
async fn who_needs_no_call_takes_no_tag_in_the_fair_queue() {
    let scene = scene().await;
    scene.run(0, READ).await;
    scene.spend_budget(0);
    assert_eq!(scene.limits().app, Limit::FLICKR);
    scene.world.forget_calls();
    let job = scene.submit_call(0, READ).await;
    assert_eq!(
        scene.world.calls(),
        [Call::SubmitContext, Call::CountPending, Call::LookUp, Call::Job, Call::Insert, Call::Send]
    );
    assert!(leader(&scene.handle(&job).await).is_some(), "though the budget is spent");

    let other = scene.spec(0, READ, r#"{"photo_id": "2"}"#);
    let bypass = JobSpec { cache: CacheOptions::new(None, true).unwrap(), ..job.spec };
    for spec in [&other, &bypass] {
        scene.world.forget_calls();
        scene.request(spec.clone(), None).await.unwrap();
        assert_eq!(scene.world.count(Call::TakeTag), 1);
    }

    // A cache that does not answer keeps nobody out.
    scene.world.forget_calls();
    scene.world.fault(2, FaultPoint::Before, Fault::Fail);
    scene.request(other, None).await.unwrap();
    assert_eq!(scene.world.calls()[2..4], [Call::LookUp, Call::TakeTag]);
}

#[tokio::test]
async fn a_follower_whose_leader_stops_ends_all_the_same() {
    let scene = scene().await;
    let [first, second] = [scene.submit_call(0, READ).await, scene.submit_call(0, READ).await];
    scene.flickr.answer([Outcome::new(Class::Transient, "502")]);
    scene.handle(&first).await;
    scene.handle(&second).await;
    // The leader's message is lost, and its worker with it: the sweep will see to that.
    scene.pass_seconds(600);
    let (stored, now) = (scene.stored(&first).await, scene.world.now());
    let request = ClaimRequest {
        job: stored.reference(),
        fencing_number: stored.state.fencing_number,
        claim: ClaimId::from_bytes([8; 16]),
        lease_until: now + LEASE,
        now,
    };
    scene.world.claim(&request).await.unwrap();
    let second = scene.handle(&second).await;
    assert_eq!(follows(&second), Some(&first.id));
    scene.world.pass(LEASE);
    assert_eq!(leader(&scene.handle(&first).await), None);
    assert_eq!(leader(&scene.handle(&second).await), Some(first.id));
}

#[tokio::test]
async fn what_is_cached_can_be_invalidated() {
    let scene = scene().await;
    let invalidate = async |user: &UserId, pattern: Option<&str>| {
        let pattern = pattern.map(|text| text.parse().unwrap());
        invalidate(&scene.world, &CATALOGUE, &scene.principal, user, pattern.as_ref()).await
    };
    let user = &scene.accounts[0].user;
    for pattern in [None, Some(READ), Some("flickr.photos.*")] {
        scene.run(0, READ).await;
        assert!(leader(&scene.run(0, READ).await).is_some());
        let tags = invalidate(user, pattern).await.unwrap();
        assert!(tags == CacheTags::all() || tags.to_string() == "photos", "{tags}");
        assert_eq!(leader(&scene.run(0, READ).await), None);
    }
    let stranger = UserId::of(scene.principal.tenant(), "9@N00");
    let unknown = invalidate(&stranger, None).await.unwrap_err();
    assert!(matches!(unknown.kind(), Kind::AccountNotFound), "{unknown:?}");
    let none = invalidate(user, Some(WRITE)).await.unwrap_err();
    assert!(matches!(none.kind(), Kind::InvalidField { field: "method", .. }), "{none:?}");
}

#[tokio::test]
async fn a_time_to_live_for_what_is_never_cached_is_refused() {
    let scene = scene().await;
    let cache = CacheOptions::new(Some(60), false).unwrap();
    for method in [WRITE, "flickr.test.login"] {
        let spec = JobSpec { cache, ..scene.spec(0, method, "{}") };
        let refused = scene.request(spec, None).await.unwrap_err();
        assert!(matches!(refused.kind(), Kind::InvalidField { field: "cache.ttl_seconds", .. }), "{refused:?}");
    }
    let cache = CacheOptions::new(None, true).unwrap();
    scene.request(JobSpec { cache, ..scene.spec(0, WRITE, "{}") }, None).await.unwrap();
}

#[tokio::test]
async fn handling_a_message_gives_the_outcome_of_its_lookup() {
    let scene = scene().await;
    let outcome = async |job: &Job| scene.handled(job).await.cache_use;
    let now = Day::of(scene.world.now());
    let expected = |event| {
        let (tenant, method) = (scene.principal.tenant().clone(), READ.parse().unwrap());
        Some(CacheUse { tenant, day: now, method, event })
    };
    let first = scene.submit_call(0, READ).await;
    let second = scene.submit_call(0, READ).await;
    scene.flickr.answer([Outcome::new(Class::Transient, "502")]);
    assert_eq!(outcome(&first).await, expected(CacheEvent::Miss), "each call is counted");
    assert_eq!(outcome(&second).await, None, "who waits has no outcome yet");
    scene.pass_seconds(60);
    assert_eq!(outcome(&first).await, expected(CacheEvent::Miss));
    assert_eq!(outcome(&second).await, expected(CacheEvent::Shared));
    assert_eq!(outcome(&second).await, None, "a job that has ended looks nothing up");
    assert_eq!(outcome(&scene.submit_call(0, READ).await).await, expected(CacheEvent::Hit));
    for method in [WRITE, "flickr.test.login"] {
        assert_eq!(outcome(&scene.submit_call(0, method).await).await, None, "{method} is never cached");
    }
}

#[tokio::test]
async fn the_statistics_of_a_batch_are_added_up_by_tenant_day_and_method() {
    let scene = scene().await;
    let stranger = build::tenant(&scene.world);
    let (today, tomorrow) = (scene.world.now(), scene.world.now() + Duration::from_secs(86_400));
    let cache_use = |tenant: &domain::TenantId, at, event| CacheUse {
        tenant: tenant.clone(),
        day: Day::of(at),
        method: READ.parse().unwrap(),
        event,
    };
    let tenant = scene.principal.tenant();
    let batch = [
        cache_use(tenant, today, CacheEvent::Miss),
        cache_use(&stranger, today, CacheEvent::Miss),
        cache_use(tenant, today, CacheEvent::Hit),
        cache_use(tenant, tomorrow, CacheEvent::Shared),
    ];
    scene.world.forget_calls();
    record_stats(&scene.world, batch.clone()).await;
    assert_eq!(scene.world.count(Call::RecordStats), 3, "one write each");
    let stats = |day| scene.world.stats(tenant, day);
    let of_today = CacheStats { hits: 1, misses: 1, ..CacheStats::default() };
    let method = || READ.parse().unwrap();
    let of_tomorrow = CacheStats { shared: 1, ..CacheStats::default() };
    let (today, tomorrow) = (Day::of(today), Day::of(tomorrow));
    assert_eq!(stats(&today).await.unwrap(), [(method(), of_today), (method(), of_tomorrow)]);
    assert_eq!(stats(&tomorrow).await.unwrap(), [(method(), of_tomorrow)]);

    // What cannot be recorded is lost, and the rest of the batch is recorded all the same.
    scene.world.fault_next(FaultPoint::Before, Fault::Fail);
    record_stats(&scene.world, batch).await;
    let mut recorded = 0;
    for tenant in [tenant, &stranger] {
        let stats = scene.world.stats(tenant, &today).await.unwrap();
        recorded += stats.iter().map(|(_, stats)| stats.hits + stats.misses + stats.shared).sum::<u64>();
    }
    assert!((6..8).contains(&recorded), "{recorded} of 8, with one write of one or two lost");
}

/// How often the account's answers about photos were invalidated.
async fn generation(scene: &Scene) -> u64 {
    let call = RestCall { method: READ.parse().unwrap(), params: Params::default() };
    let (_, view) = scene.world.look_up(&scene.accounts[0], &CacheKey::of(&call)).await.unwrap();
    view.generations.by_tag.get(&CacheTag::Photos).copied().unwrap_or_default()
}

#[tokio::test]
async fn what_was_cached_of_an_account_goes_when_its_access_ends() {
    let scene = Scene::new().await;
    let user = &scene.accounts[0].user;
    scene.flickr.answer([Outcome::new(Class::Account, "98: Invalid auth token")]);
    let refused = scene.handle(&scene.submit_call(0, READ).await).await;
    assert_eq!((refused.state.phase.name(), generation(&scene).await), ("failed", 1));

    // A disconnection that failed halfway is found by whoever repeats it.
    scene.world.forget_calls();
    scene.world.fault(2, FaultPoint::Before, Fault::Fail);
    accounts::disconnect(&scene.world, &scene.principal, user).await.unwrap_err();
    assert_eq!(scene.world.calls(), [Call::Account, Call::Invalidate, Call::RemoveAccount]);
    accounts::disconnect(&scene.world, &scene.principal, user).await.unwrap();
    assert_eq!(generation(&scene).await, 3);
    let gone = accounts::disconnect(&scene.world, &scene.principal, user).await.unwrap_err();
    assert_eq!((gone.kind(), generation(&scene).await), (&Kind::AccountNotFound, 3));
}

//! Kept answers, from a job that calls to the jobs that need not.

use std::{sync::Arc, time::Duration};

use domain::{
    ClaimId, Day, JobId, TenantId, TraceId, UserId,
    account::Status,
    budget::{Budget, HostClass, Limit, MAX_PENDING},
    cache::{Families, Terms, Uses},
    job::{FailureCode, Job, Order, Phase, Policy, StoredResult},
    outcome::{Class, Outcome},
    timing::{JOB_RETENTION, LEASE, VERIFICATION},
};
use futures_util::FutureExt;
use hub::{
    Error, Kind,
    budget::Limits,
    cache::{Tally, invalidate},
    dispatch::Dispatch,
    ports::{BudgetKey, ClaimJob, Clock, FindJob, KeepBudget, ListUses, SaveAccount, SaveApp},
    read::{self, Content},
    submit::{Start, Submit, Wish},
    worker::{Disposition, Worker},
};
use testkit::{Fault, Moment, ScriptedFlickr, World, build};
use vault::memory::MemoryKeys;

const READ: &str = "flickr.photos.getInfo";
const WRITE: &str = "flickr.photos.setMeta";

struct Scene {
    ports: World,
    flickr: ScriptedFlickr,
    submit: Submit<World, ScriptedFlickr>,
    worker: Worker<World, ScriptedFlickr, Arc<MemoryKeys>>,
    tenant: TenantId,
    /// Two accounts.
    users: [UserId; 2],
}

async fn scene() -> Scene {
    let (ports, flickr, limits) = (World::new(build::NOW, 1), ScriptedFlickr::default(), Limits::default());
    let vaults = build::vaults();
    let tenant = build::tenant(&ports);
    let mut users = Vec::new();
    for nsid in ["1@N00", "2@N00"] {
        let (account, app) = build::sealed_account(&vaults, &tenant, nsid, build::NOW).await;
        ports.save_app(&tenant, &account.account.app, &app).await.unwrap();
        ports.save_account(&account).await.unwrap();
        users.push(account.account.user);
    }
    let submit = Submit { ports: ports.clone(), catalogue: flickr.clone(), limits, max_pending_jobs: MAX_PENDING };
    let (policy, tally) = (Policy::REST, Tally::default());
    let worker = Worker { ports: ports.clone(), flickr: flickr.clone(), vaults, policy, limits, tally };
    Scene { ports, flickr, submit, worker, tenant, users: users.try_into().unwrap() }
}

impl Scene {
    async fn order(&self, order: Order) -> Result<Job, Error> {
        let wish = Wish { order, start: Start::Now, key: None, trace: TraceId::from_bytes([3; 16]) };
        Ok(self.submit.accept(&self.tenant, wish).await?.job)
    }

    async fn ask(&self, user: usize, method: &str) -> Job {
        self.order(build::order(&self.users[user], method, r#"{"photo_id": "1"}"#)).await.unwrap()
    }

    async fn ask_with(&self, cache: Terms) -> Job {
        let order = build::order(&self.users[0], READ, r#"{"photo_id": "1"}"#);
        self.order(Order { cache, ..order }).await.unwrap()
    }

    /// The job after its message was handled.
    async fn handle(&self, job: &Job) -> Job {
        let job = self.stored(job).await;
        assert_eq!(self.worker.handle(&Dispatch::of(&job)).await.unwrap(), Disposition::Finished);
        self.stored(&job).await
    }

    async fn run(&self, user: usize, method: &str) -> Job {
        self.handle(&self.ask(user, method).await).await
    }

    async fn stored(&self, job: &Job) -> Job {
        self.ports.job(&self.tenant, &job.id).await.unwrap().unwrap()
    }

    fn calls(&self) -> usize {
        self.flickr.calls().len()
    }

    fn pass(&self, seconds: u64) {
        self.ports.pass(Duration::from_secs(seconds));
    }

    /// What was counted of reads so far.
    async fn uses(&self) -> Uses {
        self.worker.tally.write(&self.ports).await;
        let mut all = Uses::default();
        for (method, uses) in self.ports.uses(&self.tenant, &Day::of(self.ports.now())).await.unwrap() {
            assert_eq!(method.as_str(), READ, "only what is kept is counted");
            all += uses;
        }
        all
    }
}

/// The job whose answer this job has; its own is none.
fn leader(job: &Job) -> Option<JobId> {
    match &job.state.phase {
        Phase::Completed { result: StoredResult::Shared { leader, .. }, .. } => Some(leader.clone()),
        Phase::Completed { .. } => None,
        open => panic!("{open:?}"),
    }
}

fn follows(job: &Job) -> Option<&JobId> {
    job.state.follows.as_ref().filter(|_| matches!(job.state.phase, Phase::Deferred { .. }))
}

#[tokio::test]
async fn a_question_that_was_answered_is_not_asked_again() {
    let scene = scene().await;
    scene.flickr.answer_with(r#"{"stat":"ok","photo":{"id":"1"}}"#);
    let first = scene.run(0, READ).await;
    assert_eq!(leader(&first), None);
    scene.pass(60);
    let job = scene.ask(0, READ).await;
    scene.ports.forget_calls();
    let second = scene.handle(&job).await;
    assert_eq!(scene.ports.calls()[1..5], ["claim_job", "account_and_cached", "job", "save_job"]);
    assert_eq!((leader(&second), second.state.attempts, scene.calls()), (Some(first.id.clone()), 0, 1));
    for job in [&first, &second] {
        let reading = read::job(&scene.ports, &Limit::FLICKR, &scene.tenant, &job.id, None).await.unwrap();
        assert_eq!(reading.result, Some(Content::Text(r#"{"stat":"ok","photo":{"id":"1"}}"#.to_owned())));
    }
    assert_eq!(scene.uses().await, Uses { hits: 1, misses: 1, ..Uses::default() });
}

#[tokio::test]
async fn long_answers_are_shared_where_they_are() {
    for bytes in [2_000, 50_000, 5_000_000] {
        let scene = scene().await;
        scene.flickr.answer_with(&format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes)));
        scene.run(0, READ).await;
        let second = scene.run(0, READ).await;
        assert!(leader(&second).is_some());
        let reading = read::job(&scene.ports, &Limit::FLICKR, &scene.tenant, &second.id, None).await.unwrap();
        match reading.result.unwrap() {
            Content::Text(text) => assert_eq!(text.len(), bytes + r#"{"text":""}"#.len()),
            Content::Url(url) => assert!(bytes > 4 << 20 && !url.contains(second.id.as_str())),
        }
    }
}

#[tokio::test]
async fn a_shared_answer_can_be_read_as_long_as_its_job() {
    let scene = scene().await;
    scene.run(0, READ).await;
    let day = Terms::new(Some(86_400), false).unwrap();
    scene.pass(86_400 - 60);
    let late = scene.handle(&scene.ask_with(day).await).await;
    assert!(leader(&late).is_some());
    let read = || read::job(&scene.ports, &Limit::FLICKR, &scene.tenant, &late.id, None);
    scene.ports.pass(JOB_RETENTION - Duration::from_secs(1));
    assert!(read().await.unwrap().result.is_some());
    scene.pass(1);
    assert!(matches!(read().await.unwrap_err().kind(), Kind::JobNotFound));
}

#[tokio::test]
async fn an_answer_is_given_as_long_as_the_job_that_asks_takes_it() {
    let scene = scene().await;
    scene.run(0, READ).await;
    scene.pass(120);
    let strict = scene.handle(&scene.ask_with(Terms::new(Some(60), false).unwrap()).await).await;
    assert_eq!(leader(&strict), None, "an answer of two minutes is too old for it");
    scene.pass(250);
    assert_eq!(leader(&scene.run(0, READ).await), Some(strict.id), "the later answer is kept");
    scene.pass(100);
    let patient = scene.handle(&scene.ask_with(Terms::new(Some(3_600), false).unwrap()).await).await;
    assert!(leader(&patient).is_some());
    assert_eq!(leader(&scene.run(0, READ).await), None, "the method's own time is over");
    assert_eq!(scene.calls(), 3);
}

#[tokio::test]
async fn who_bypasses_calls_and_refreshes_what_is_kept() {
    let scene = scene().await;
    scene.run(0, READ).await;
    let fresh = scene.handle(&scene.ask_with(Terms::new(None, true).unwrap()).await).await;
    assert_eq!((leader(&fresh), scene.calls()), (None, 2));
    assert_eq!(leader(&scene.run(0, READ).await), Some(fresh.id));
    assert_eq!(scene.uses().await, Uses { hits: 1, misses: 1, bypassed: 1, ..Uses::default() });
}

#[tokio::test]
async fn answers_are_of_one_account_and_one_question() {
    let scene = scene().await;
    scene.run(0, READ).await;
    assert_eq!(leader(&scene.run(1, READ).await), None, "another account");
    let other = build::order(&scene.users[0], READ, r#"{"photo_id": "2"}"#);
    assert_eq!(leader(&scene.handle(&scene.order(other).await.unwrap()).await), None, "another photo");
    for _ in 0..2 {
        assert_eq!(leader(&scene.run(0, "flickr.test.login").await), None, "a method that is never kept");
        assert_eq!(leader(&scene.run(0, WRITE).await), None, "a write");
    }
    assert_eq!(scene.calls(), 7);
}

#[tokio::test]
async fn the_end_of_a_write_makes_answers_void() {
    let scene = scene().await;
    scene.run(0, READ).await;
    let write = scene.ask(0, WRITE).await;
    assert!(leader(&scene.run(0, READ).await).is_some(), "it has not begun");
    scene.run(1, WRITE).await;
    assert!(leader(&scene.run(0, READ).await).is_some(), "it was another account's");
    scene.handle(&write).await;
    assert_eq!(leader(&scene.run(0, READ).await), None);
    assert!(leader(&scene.run(0, READ).await).is_some());
}

#[tokio::test]
async fn an_answer_that_was_asked_for_before_a_write_ended_is_not_kept_after_it() {
    let scene = scene().await;
    let reader = scene.ask(0, READ).await;
    scene.flickr.answer([Outcome::new(Class::Transient, "502")]);
    let deferred = scene.handle(&reader).await;
    assert!(matches!(deferred.state.phase, Phase::Deferred { .. }));
    // A reader that saw the account before the write, and answers after it: its pointer is older.
    scene.run(0, WRITE).await;
    let next = scene.run(0, READ).await;
    assert_eq!(leader(&next), None);
    scene.pass(60);
    assert_eq!(leader(&scene.handle(&reader).await), Some(next.id), "who led before follows now");
}

#[tokio::test]
async fn nothing_is_kept_while_a_write_may_still_take_effect() {
    let scene = scene().await;
    scene.run(0, READ).await;
    scene.flickr.answer([Outcome::new(Class::UnknownOutcome, "timeout")]);
    let write = scene.run(0, "flickr.photos.people.add").await;
    assert!(matches!(&write.state.phase, Phase::Failed { failure, .. } if failure.code == FailureCode::OutcomeUnknown));
    for _ in 0..2 {
        assert_eq!(leader(&scene.run(0, READ).await), None);
    }
    scene.ports.pass(VERIFICATION);
    assert_eq!(leader(&scene.run(0, READ).await), None);
    assert!(leader(&scene.run(0, READ).await).is_some());
}

#[tokio::test]
async fn who_asks_the_same_meanwhile_waits_and_shares_the_answer() {
    let scene = scene().await;
    let [first, second] = [scene.ask(0, READ).await, scene.ask(0, READ).await];
    // The first worker stops just before it writes the end: its lease holds.
    scene.ports.forget_calls();
    scene.ports.fault(5, Moment::Before, Fault::Crash);
    assert!(scene.worker.handle(&Dispatch::of(&first)).now_or_never().is_none());
    assert_eq!(scene.calls(), 1);
    scene.ports.forget_calls();

    let waits = scene.handle(&second).await;
    assert_eq!((follows(&waits), waits.state.attempts), (Some(&first.id), 0));
    assert!(waits.state.due_at.since(scene.ports.now()) <= Duration::from_secs(2));
    scene.pass(2);
    let waits = scene.handle(&waits).await;
    assert_eq!(waits.state.due_at.since(scene.ports.now()), Duration::from_secs(2), "it looks again");

    // The first comes again, calls and ends.
    scene.ports.pass(LEASE);
    let ended = scene.handle(&first).await;
    assert_eq!(leader(&ended), None);
    let shared = scene.handle(&waits).await;
    assert_eq!((leader(&shared), scene.calls()), (Some(first.id), 2));
    assert_eq!(scene.uses().await, Uses { shared: 1, misses: 2, ..Uses::default() });
}

#[tokio::test]
async fn followers_are_refused_as_their_leader_is_and_go_on_by_themselves_where_it_fails_otherwise() {
    let outcomes = [
        (Outcome::new(Class::Permanent, "Photo not found").with_code(1), Some(FailureCode::FlickrRejected)),
        (Outcome::new(Class::Quota, "used up"), None),
    ];
    for (outcome, shared) in outcomes {
        let scene = scene().await;
        let [first, second, third] = [scene.ask(0, READ).await, scene.ask(0, READ).await, scene.ask(0, READ).await];
        scene.flickr.answer([Outcome::new(Class::Transient, "502")]);
        scene.handle(&first).await;
        let (second, third) = (scene.handle(&second).await, scene.handle(&third).await);
        assert_eq!((follows(&second), follows(&third)), (Some(&first.id), Some(&first.id)));
        scene.pass(600);
        scene.flickr.answer([outcome]);
        scene.handle(&first).await;
        let (second, third) = (scene.handle(&second).await, scene.handle(&third).await);
        match shared {
            Some(code) => {
                for job in [&second, &third] {
                    assert!(matches!(&job.state.phase, Phase::Failed { failure, .. } if failure.code == code));
                }
                assert_eq!(scene.calls(), 2);
                assert_eq!(leader(&scene.run(0, READ).await), None, "a refusal is not kept");
            }
            None => {
                assert_eq!((leader(&second), leader(&third)), (None, Some(second.id)));
                assert_eq!(scene.calls(), 3);
            }
        }
    }
}

#[tokio::test]
async fn who_waited_in_vain_waits_for_no_other() {
    let scene = scene().await;
    let [first, second, third] = [scene.ask(0, READ).await, scene.ask(0, READ).await, scene.ask(0, READ).await];
    scene.flickr.answer([Outcome::new(Class::Transient, "502")]);
    scene.handle(&first).await;
    let (second, third) = (scene.handle(&second).await, scene.handle(&third).await);
    scene.pass(600);
    let transient = || Outcome::new(Class::Transient, "502");
    scene.flickr.answer([Outcome::new(Class::Quota, "used up"), transient(), transient()]);
    scene.handle(&first).await;
    let second = scene.handle(&second).await;
    assert_eq!((follows(&second).is_some(), second.state.attempts), (true, 1), "it called, and comes again");
    let third = scene.handle(&third).await;
    assert_eq!((third.state.attempts, scene.calls()), (1, 4), "and does not wait for the second");
}

#[tokio::test]
async fn a_cache_that_cannot_be_asked_is_done_without() {
    // What is asked of it: the pointer, the leader, a pointer of one's own.
    for (call, name) in [(1, "account_and_cached"), (2, "job"), (2, "set_pointer")] {
        let scene = scene().await;
        if name == "job" {
            scene.run(0, READ).await;
        }
        let job = scene.ask(0, READ).await;
        let job = scene.stored(&job).await;
        scene.ports.forget_calls();
        scene.ports.fault(call, Moment::Before, Fault::Fail);
        assert_eq!(scene.worker.handle(&Dispatch::of(&job)).await.unwrap(), Disposition::Finished);
        assert_eq!(scene.ports.calls()[call], name);
        assert_eq!(leader(&scene.stored(&job).await), None, "{name}");
        assert_eq!(scene.uses().await.unavailable, 1, "{name}");
    }
}

#[tokio::test]
async fn an_account_that_must_connect_again_is_given_nothing() {
    let scene = scene().await;
    scene.run(0, READ).await;
    let mut account = build::account(&scene.tenant, "1@N00", build::NOW);
    account.account.status = Status::ReconnectNeeded;
    scene.ports.save_account(&account).await.unwrap();
    let job = scene.run(0, READ).await;
    assert!(matches!(&job.state.phase, Phase::Failed { failure, .. } if failure.code == FailureCode::ReconnectNeeded));
}

#[tokio::test]
async fn who_needs_no_call_takes_no_turn_in_line() {
    let scene = scene().await;
    scene.run(0, READ).await;
    let now = scene.ports.now();
    let spent = |budget: &Budget| {
        let left = budget.standing(&Limit::FLICKR, now).remaining_calls;
        budget.take(&Limit::FLICKR, HostClass::Rest, left, now)
    };
    scene.ports.change_budget(&BudgetKey::App(build::app()), spent).await.unwrap();
    scene.ports.forget_calls();
    let job = scene.ask(0, READ).await;
    assert_eq!(scene.ports.calls(), ["reception", "account_and_cached", "job", "insert_job", "send_dispatch"]);
    assert!(leader(&scene.handle(&job).await).is_some(), "though the budget is spent");

    let other = build::order(&scene.users[0], READ, r#"{"photo_id": "2"}"#);
    scene.ports.forget_calls();
    scene.order(other.clone()).await.unwrap();
    assert!(scene.ports.calls().contains(&"take_turn"));
    let bypass = Order { cache: Terms::new(None, true).unwrap(), ..job.order };
    scene.ports.forget_calls();
    scene.order(bypass).await.unwrap();
    assert!(scene.ports.calls().contains(&"take_turn"));

    // A cache that does not answer keeps nobody out.
    scene.ports.forget_calls();
    scene.ports.fault(1, Moment::Before, Fault::Fail);
    scene.order(other).await.unwrap();
    assert_eq!(scene.ports.calls()[1..3], ["account_and_cached", "take_turn"]);
}

#[tokio::test]
async fn a_follower_whose_leader_stops_ends_all_the_same() {
    let scene = scene().await;
    let [first, second] = [scene.ask(0, READ).await, scene.ask(0, READ).await];
    scene.flickr.answer([Outcome::new(Class::Transient, "502")]);
    scene.handle(&first).await;
    scene.handle(&second).await;
    // The leader's message is lost, and its worker with it: the sweep will see to that.
    scene.pass(600);
    scene.ports.forget_calls();
    let held = scene.stored(&first).await;
    let (claim, now) = (ClaimId::from_bytes([8; 16]), scene.ports.now());
    scene.ports.claim_job(&scene.tenant, &first.id, held.state.dispatch, &claim, now + LEASE, now).await.unwrap();
    let second = scene.handle(&second).await;
    assert_eq!(follows(&second), Some(&first.id));
    scene.ports.pass(LEASE);
    assert_eq!(leader(&scene.handle(&first).await), None);
    assert_eq!(leader(&scene.handle(&second).await), Some(first.id));
}

#[tokio::test]
async fn what_is_kept_can_be_made_void() {
    let scene = scene().await;
    let invalidate = async |user: &UserId, pattern: Option<&str>| {
        let pattern = pattern.map(|text| text.parse().unwrap());
        invalidate(&scene.ports, &scene.flickr, &scene.tenant, user, pattern.as_ref()).await
    };
    let user = &scene.users[0];
    for pattern in [None, Some(READ), Some("flickr.photos.*")] {
        scene.run(0, READ).await;
        assert!(leader(&scene.run(0, READ).await).is_some());
        let families = invalidate(user, pattern).await.unwrap();
        assert!(families == Families::all() || families.to_string() == "photos", "{families}");
        assert_eq!(leader(&scene.run(0, READ).await), None);
    }
    let stranger = UserId::of(&scene.tenant, "9@N00");
    let unknown = invalidate(&stranger, None).await.unwrap_err();
    assert!(matches!(unknown.kind(), Kind::AccountNotFound), "{unknown:?}");
    let none = invalidate(user, Some(WRITE)).await.unwrap_err();
    assert!(matches!(none.kind(), Kind::InvalidField { field: "method", .. }), "{none:?}");
}

#[tokio::test]
async fn a_time_to_live_for_what_is_never_kept_is_refused() {
    let scene = scene().await;
    let cache = Terms::new(Some(60), false).unwrap();
    for method in [WRITE, "flickr.test.login"] {
        let order = build::order(&scene.users[0], method, "{}");
        let refused = scene.order(Order { cache, ..order }).await.unwrap_err();
        assert!(matches!(refused.kind(), Kind::InvalidField { field: "cache.ttl_seconds", .. }), "{refused:?}");
    }
    let bypass = Order { cache: Terms::new(None, true).unwrap(), ..build::order(&scene.users[0], WRITE, "{}") };
    scene.order(bypass).await.unwrap();
}

#[tokio::test]
async fn what_could_not_be_counted_is_counted_later() {
    let scene = scene().await;
    scene.run(0, READ).await;
    scene.ports.fault_next(Moment::Before, Fault::Fail);
    assert_eq!(scene.uses().await, Uses::default());
    assert_eq!(scene.uses().await, Uses { misses: 1, ..Uses::default() });
}

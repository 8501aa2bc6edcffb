//! Running jobs.

use std::{sync::Arc, time::Duration};

use domain::{
    TenantId, UserId,
    account::Status,
    budget::{Budget, HostClass, Limit, MAX_PENDING},
    job::{Carrier, FailureCode, Job, Phase, Policy},
    outcome::{Class, Finding, Nature, Outcome},
    timing::{JOB_DEADLINE, VISIBILITY_TIMEOUT},
};
use futures_util::FutureExt;
use hub::{
    budget::Limits,
    cache::Tally,
    dispatch::Dispatch,
    ports::{
        BudgetKey, Clock, CountPending, FindAccount, InsertJob, KeepBudget, RemoveAccount, SaveAccount, SaveApp,
        SendDispatch,
    },
    sweep,
    worker::{Disposition, Worker},
};
use testkit::{Fault, Moment, ScriptedFlickr, World, build};
use vault::memory::MemoryKeys;

struct Scene {
    worker: Worker<World, ScriptedFlickr, Arc<MemoryKeys>>,
    tenant: TenantId,
    user: UserId,
}

const READ: &str = "flickr.photos.getInfo";
const NATURAL: &str = "flickr.photos.setMeta";
const UNREPEATABLE: &str = "flickr.photos.comments.addComment";

/// A worker, with an account connected and one job of `method` queued.
async fn scene(method: &str) -> Scene {
    scene_with(method, false).await
}

/// The same; whether its write took effect can be found out.
async fn scene_checkable(method: &str) -> Scene {
    scene_with(method, true).await
}

async fn scene_with(method: &str, checkable: bool) -> Scene {
    let worker = Worker {
        ports: World::new(build::NOW, 1),
        flickr: ScriptedFlickr::default(),
        vaults: build::vaults(),
        policy: Policy::REST,
        limits: Limits::default(),
        tally: Tally::default(),
    };
    let tenant = build::tenant(&worker.ports);
    let (account, app) = build::sealed_account(&worker.vaults, &tenant, "1@N00", build::NOW).await;
    let user = account.account.user.clone();
    worker.ports.save_app(&tenant, &account.account.app, &app).await.unwrap();
    worker.ports.save_account(&account).await.unwrap();
    let nature = match method {
        READ => Nature::Read,
        NATURAL => Nature::NaturalWrite,
        _ => Nature::UnrepeatableWrite,
    };
    let job = Job { nature, checkable, ..build::job(&tenant, [5; 16], build::order(&user, method, "{}"), build::NOW) };
    worker.ports.insert_job(&job, MAX_PENDING).await.unwrap();
    worker.ports.send_dispatch(&Dispatch::of(&job), Duration::ZERO).await.unwrap();
    worker.ports.forget_calls();
    Scene { worker, tenant, user }
}

impl Scene {
    /// Lets workers receive and handle messages until none is left, as SQS would deliver them.
    /// A crash is a message that is not acknowledged.
    fn run_to_the_end(&self) -> Job {
        for _ in 0..200 {
            while let Some(message) = self.worker.ports.receive() {
                // The fakes answer at once: what does not is a crashed worker.
                let finished = self.worker.handle(&message).now_or_never();
                if let Some(Ok(Disposition::Finished | Disposition::LostLease)) = finished {
                    self.worker.ports.acknowledge(&message);
                }
            }
            let jobs = self.worker.ports.jobs();
            if self.worker.ports.queue().is_empty() && jobs.iter().all(|job| job.state.is_terminal()) {
                break;
            }
            self.worker.ports.pass(Duration::from_secs(20));
            let stop_at = self.worker.ports.now() + Duration::from_secs(50);
            // A sweep that fails or crashes is followed by another.
            let _ = sweep::run(&self.worker.ports, &self.worker.limits, stop_at).now_or_never();
        }
        assert!(self.worker.ports.queue().is_empty(), "messages are left: {:?}", self.worker.ports.queue());
        let mut jobs = self.worker.ports.jobs();
        assert_eq!(jobs.len(), 1);
        jobs.remove(0)
    }

    fn flickr_calls(&self) -> usize {
        self.worker.flickr.calls().len()
    }
}

fn failure_code(job: &Job) -> Option<FailureCode> {
    match &job.state.phase {
        Phase::Failed { failure, .. } | Phase::Dead { failure, .. } => Some(failure.code),
        _ => None,
    }
}

#[tokio::test]
async fn a_job_runs_in_one_attempt() {
    let scene = scene(READ).await;
    let job = scene.run_to_the_end();
    assert!(matches!(job.state.phase, Phase::Completed { .. }), "{job:?}");
    assert_eq!(
        scene.worker.ports.calls(),
        ["claim_job", "account_and_cached", "set_pointer", "change_budget", "app", "save_job"]
    );
    assert_eq!((job.state.attempts, scene.flickr_calls()), (1, 1));
}

#[tokio::test]
async fn what_fails_for_now_is_tried_again_by_deferral() {
    let scene = scene(READ).await;
    let passing = || Outcome::new(Class::Transient, "500");
    scene.worker.flickr.answer([passing(), passing()]);
    let job = scene.run_to_the_end();
    assert!(matches!(job.state.phase, Phase::Completed { .. }), "{job:?}");
    assert_eq!((job.state.attempts, job.state.dispatch, scene.flickr_calls()), (3, 3, 3));
}

#[tokio::test]
async fn attempts_are_exhausted() {
    let scene = scene(READ).await;
    scene.worker.flickr.answer((0..9).map(|_| Outcome::new(Class::Transient, "500")));
    let job = scene.run_to_the_end();
    assert_eq!(failure_code(&job), Some(FailureCode::AttemptsExhausted));
    assert_eq!(scene.flickr_calls(), Policy::REST.attempts as usize);
}

#[tokio::test]
async fn a_job_that_gets_no_grant_waits_and_is_no_attempt() {
    let mut scene = scene(READ).await;
    let limit = Limit { calls_per_hour: 60, burst_calls: 1 };
    scene.worker.limits = Limits { app: limit, account: None };
    let app = BudgetKey::App(domain::AppId::from_bytes([9; 16]));
    let spent = |budget: &Budget| (budget.take(&limit, HostClass::Rest, 1, build::NOW).0, ());
    scene.worker.ports.change_budget(&app, spent).await.unwrap();

    let message = scene.worker.ports.receive().unwrap();
    assert_eq!(scene.worker.handle(&message).await.unwrap(), Disposition::Finished);
    let job = scene.worker.ports.jobs().pop().unwrap();
    assert_eq!((job.state.phase.name(), job.state.attempts, scene.flickr_calls()), ("deferred", 0, 0));
    assert!(job.state.carrier == Carrier::Line && job.state.due_at > build::NOW, "{:?}", job.state);
    assert!(scene.worker.ports.queue().iter().all(|waiting| waiting.dispatch == message), "no message is on the way");
    scene.worker.ports.acknowledge(&message);

    let job = scene.run_to_the_end();
    assert_eq!((job.state.phase.name(), job.state.attempts, scene.flickr_calls()), ("completed", 1, 1));
}

#[tokio::test]
async fn a_write_of_unknown_outcome_is_repeated_only_if_it_may_be() {
    for (method, calls, code) in [(NATURAL, 2, None), (UNREPEATABLE, 1, Some(FailureCode::OutcomeUnknown))] {
        let scene = scene(method).await;
        scene.worker.flickr.answer([Outcome::new(Class::UnknownOutcome, "reset")]);
        let job = scene.run_to_the_end();
        assert_eq!((scene.flickr_calls(), failure_code(&job)), (calls, code), "{method}");
    }
}

#[tokio::test]
async fn a_refused_token_marks_its_account_and_stops_its_jobs_unsent() {
    let scene = scene(READ).await;
    scene.worker.flickr.answer([Outcome::new(Class::Account, "Invalid auth token").with_code(98)]);
    let job = scene.run_to_the_end();
    assert_eq!(failure_code(&job), Some(FailureCode::ReconnectNeeded));
    let account = scene.worker.ports.account(&scene.tenant, &scene.user).await.unwrap().unwrap();
    assert_eq!(account.account.status, Status::ReconnectNeeded);

    let next = build::job(&scene.tenant, [6; 16], build::order(&scene.user, READ, "{}"), build::NOW);
    scene.worker.ports.insert_job(&next, MAX_PENDING).await.unwrap();
    assert_eq!(scene.worker.handle(&Dispatch::of(&next)).await.unwrap(), Disposition::Finished);
    let stopped = scene.worker.ports.jobs().pop().unwrap();
    assert_eq!((failure_code(&stopped), scene.flickr_calls()), (Some(FailureCode::ReconnectNeeded), 1));
}

#[tokio::test]
async fn a_disconnected_account_fails_its_jobs() {
    let scene = scene(READ).await;
    scene.worker.ports.remove_account(&scene.tenant, &scene.user).await.unwrap();
    let job = scene.run_to_the_end();
    assert_eq!((failure_code(&job), scene.flickr_calls()), (Some(FailureCode::AccountDisconnected), 0));
}

#[tokio::test]
async fn a_job_past_its_deadline_expires_unsent() {
    let scene = scene(READ).await;
    scene.worker.ports.pass(JOB_DEADLINE);
    let job = scene.run_to_the_end();
    assert!(matches!(job.state.phase, Phase::Expired { .. }));
    assert_eq!(scene.flickr_calls(), 0);
}

#[tokio::test]
async fn an_app_that_flickr_refuses_keeps_its_jobs_waiting_until_they_expire() {
    let scene = scene(READ).await;
    scene.worker.flickr.answer((0..9000).map(|_| Outcome::new(Class::App, "Invalid API Key").with_code(100)));
    for _ in 0..25 * 60 {
        while let Some(message) = scene.worker.ports.receive() {
            scene.worker.handle(&message).await.unwrap();
            scene.worker.ports.acknowledge(&message);
        }
        scene.worker.ports.pass(Duration::from_secs(60));
        sweep::run(&scene.worker.ports, &scene.worker.limits, scene.worker.ports.now() + Duration::from_secs(50))
            .await
            .unwrap();
    }
    let job = scene.worker.ports.jobs().pop().unwrap();
    assert!(matches!(job.state.phase, Phase::Expired { .. }), "{:?}", job.state);
    assert!((90..=97).contains(&scene.flickr_calls()), "about every quarter of an hour: {}", scene.flickr_calls());
}

#[tokio::test]
async fn a_write_in_doubt_is_searched_for_and_found() {
    let scene = scene_checkable(UNREPEATABLE).await;
    scene.worker.flickr.answer([Outcome::new(Class::UnknownOutcome, "reset")]);
    scene.worker.flickr.find([Finding::NotSeen, Finding::NotSeen, Finding::Done]);
    let job = scene.run_to_the_end();
    assert!(matches!(job.state.phase, Phase::Completed { .. }), "{job:?}");
    assert_eq!((scene.flickr_calls(), scene.worker.flickr.checks(), job.state.attempts), (1, 3, 1));
}

#[tokio::test]
async fn a_write_in_doubt_that_is_never_seen_ends_as_unknown_and_is_not_sent_again() {
    let scene = scene_checkable(UNREPEATABLE).await;
    scene.worker.flickr.answer([Outcome::new(Class::UnknownOutcome, "reset")]);
    scene.worker.flickr.find((0..1000).map(|_| Finding::NotSeen));
    let job = scene.run_to_the_end();
    assert_eq!((failure_code(&job), scene.flickr_calls()), (Some(FailureCode::OutcomeUnknown), 1));
    assert!((10..=30).contains(&scene.worker.flickr.checks()), "{}", scene.worker.flickr.checks());
}

#[tokio::test]
async fn an_end_that_meets_too_many_others_is_settled_by_the_sweep() {
    let scene = scene(READ).await;
    scene.worker.ports.crowd(1);
    let message = scene.worker.ports.receive().unwrap();
    scene.worker.handle(&message).await.unwrap();
    let job = scene.worker.ports.jobs().pop().unwrap();
    assert!(job.state.is_terminal());
    assert_eq!(scene.worker.ports.pending(&scene.tenant, &scene.user).await.unwrap(), 1, "too high, never too low");
    scene.worker.ports.pass(Duration::from_secs(300));
    let report =
        sweep::run(&scene.worker.ports, &scene.worker.limits, scene.worker.ports.now() + Duration::from_secs(50))
            .await
            .unwrap();
    assert_eq!(report.settled, 1);
    assert_eq!(scene.worker.ports.pending(&scene.tenant, &scene.user).await.unwrap(), 0);
}

#[tokio::test]
async fn duplicates_and_strangers_do_no_harm() {
    let scene = scene(UNREPEATABLE).await;
    let message = scene.worker.ports.queue()[0].dispatch.clone();
    scene.worker.ports.send_dispatch(&message, Duration::ZERO).await.unwrap();
    let stranger = Dispatch { job: domain::JobId::from_bytes([99; 16]), ..message.clone() };
    scene.worker.ports.send_dispatch(&stranger, Duration::ZERO).await.unwrap();
    let ahead = Dispatch { dispatch: 7, ..message };
    scene.worker.ports.send_dispatch(&ahead, Duration::ZERO).await.unwrap();
    scene.run_to_the_end();
    assert_eq!(scene.flickr_calls(), 1);
}

#[tokio::test]
async fn a_job_held_by_another_worker_comes_again() {
    let scene = scene(READ).await;
    let message = scene.worker.ports.receive().unwrap();
    // The worker that claims it crashes before the next call.
    scene.worker.ports.fault(1, Moment::Before, Fault::Crash);
    assert!(scene.worker.handle(&message).now_or_never().is_none());
    assert_eq!(scene.worker.handle(&message).await.unwrap(), Disposition::ComesAgain);
    scene.worker.ports.pass(VISIBILITY_TIMEOUT);
    assert_eq!(scene.worker.handle(&message).await.unwrap(), Disposition::Finished);
    assert_eq!(scene.flickr_calls(), 1);
}

/// Every port call of a job's life fails or crashes, before and after its effect: the job still
/// ends, a read is done, an unrepeatable write is sent at most once, and the count of pending jobs
/// comes back to zero (promises I1, I7).
#[tokio::test]
async fn a_job_survives_a_failure_at_every_call() {
    let answers = [None, Some(Class::Transient), Some(Class::Throttled), Some(Class::UnknownOutcome)];
    let faults = [Fault::Fail, Fault::Crash];
    for (method, checkable) in [(READ, false), (NATURAL, false), (UNREPEATABLE, false), (UNREPEATABLE, true)] {
        for first_answer in answers {
            for (fault, moment) in faults.into_iter().flat_map(|f| [(f, Moment::Before), (f, Moment::After)]) {
                for call in 0..14 {
                    let scene = scene_with(method, checkable).await;
                    scene.worker.flickr.answer(first_answer.map(|class| Outcome::new(class, "once")));
                    scene.worker.ports.fault(call, moment, fault);
                    let job = scene.run_to_the_end();
                    let case = format!("{method} {checkable} {first_answer:?} {fault:?} {moment:?} {call}: {job:?}");
                    assert!(job.state.is_terminal(), "{case}");
                    if method == UNREPEATABLE {
                        let known = [Class::Transient, Class::Throttled];
                        let allowed = 1 + usize::from(first_answer.is_some_and(|class| known.contains(&class)));
                        assert!(scene.flickr_calls() <= allowed, "{} calls: {case}", scene.flickr_calls());
                    } else {
                        assert!(matches!(job.state.phase, Phase::Completed { .. }), "{case}");
                    }
                    scene.worker.ports.forget_calls();
                    let pending = scene.worker.ports.pending(&scene.tenant, &scene.user).await.unwrap();
                    assert_eq!(pending, 0, "{case}");
                }
            }
        }
    }
}

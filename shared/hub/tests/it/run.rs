//! Running jobs.

use std::time::Duration;

use domain::{
    Jitter, JobId,
    account::Status,
    budget::{Circuit, CircuitRule, HostClass, Limit, Party, Signal},
    job::{FailureCode, Job, Phase, RetryPolicy, WaitReason, WakeBy},
    outcome::{Class, Outcome},
    timing::{JOB_DEADLINE, Timing},
    verification::{Verification, Verified},
};
use futures_util::FutureExt;
use hub::{
    limits::Limits,
    message::Dispatch,
    ports::{Accounts, Clock, FairQueues, Messages},
    run::{Disposition, Handled},
};
use testkit::{CATALOGUE, Call, Fault, FaultPoint, Scene, build};

const READ: &str = "flickr.photos.getInfo";
const IDEMPOTENT: &str = "flickr.photos.setMeta";
const NON_IDEMPOTENT: &str = "flickr.photos.comments.addComment";

/// A scene with one job of `method` in the queue, whose effect cannot be verified.
async fn scene(method: &str) -> Scene {
    scene_with(method, None, Limits::default()).await
}

/// The same; it can be verified whether the job's write took effect.
async fn scene_verifiable(method: &str) -> Scene {
    scene_with(method, Some(Verification::ReadBack), Limits::default()).await
}

async fn scene_with(method: &str, verification: Option<Verification>, limits: Limits) -> Scene {
    let scene = Scene::with_limits(limits).await;
    let idempotency = CATALOGUE.method(&method.parse().unwrap()).idempotency;
    let job = build::job([5; 16], scene.spec(0, method, "{}"), build::NOW);
    scene.insert(&Job { idempotency, verification, ..job }).await;
    scene.world.forget_calls();
    scene
}

/// The one job, as it stands.
fn job(scene: &Scene) -> Job {
    let mut jobs = scene.world.jobs();
    assert_eq!(jobs.len(), 1);
    jobs.remove(0)
}

/// Lets workers receive and handle messages until none is left, as SQS would deliver them. A crash is a message that is
/// not acknowledged.
fn run_to_the_end(scene: &Scene) -> Job {
    for _ in 0..200 {
        while let Some(message) = scene.world.receive() {
            // The fakes answer at once: a worker that does not has crashed.
            let handled = scene.worker.handle(&message).now_or_never();
            if let Some(Handled { disposition: Ok(Disposition::Ack | Disposition::LostLease), .. }) = handled {
                scene.world.acknowledge(&message);
            }
        }
        if scene.world.queue().is_empty() && scene.world.jobs().iter().all(|job| job.state.is_terminal()) {
            break;
        }
        scene.pass_seconds(20);
        // A sweep that fails or crashes is followed by another.
        let _ = scene.try_sweep().now_or_never();
    }
    assert!(scene.world.queue().is_empty(), "messages are left: {:?}", scene.world.queue());
    job(scene)
}

fn flickr_calls(scene: &Scene) -> usize {
    scene.flickr.calls().len()
}

fn failure_code(job: &Job) -> Option<FailureCode> {
    match &job.state.phase {
        Phase::Failed { failure, .. } | Phase::Dead { failure, .. } => Some(failure.code),
        _ => None,
    }
}

async fn handle(scene: &Scene, message: &Dispatch) -> Disposition {
    scene.worker.handle(message).await.disposition.unwrap()
}

#[tokio::test]
async fn a_job_runs_in_one_attempt() {
    let scene = scene(READ).await;
    let job = run_to_the_end(&scene);
    assert!(matches!(job.state.phase, Phase::Completed { .. }), "{job:?}");
    let expected = [Call::Claim, Call::LookUp, Call::SetEntry, Call::App, Call::Budget, Call::ChangeBudget];
    assert_eq!(scene.world.calls(), [&expected[..], &[Call::Commit, Call::DiscountPending]].concat());
    assert_eq!((job.state.attempts, flickr_calls(&scene)), (1, 1));
}

#[tokio::test]
async fn what_fails_for_now_is_tried_again_by_deferral() {
    let scene = scene(READ).await;
    let passing = || Outcome::new(Class::Transient, "500");
    scene.flickr.answer([passing(), passing()]);
    let job = run_to_the_end(&scene);
    assert!(matches!(job.state.phase, Phase::Completed { .. }), "{job:?}");
    assert_eq!((job.state.attempts, job.state.fencing_number, flickr_calls(&scene)), (3, 3, 3));
}

#[tokio::test]
async fn attempts_are_exhausted() {
    let scene = scene(READ).await;
    scene.flickr.answer((0..9).map(|_| Outcome::new(Class::Transient, "500")));
    let job = run_to_the_end(&scene);
    assert_eq!(failure_code(&job), Some(FailureCode::AttemptsExhausted));
    assert_eq!(flickr_calls(&scene), RetryPolicy::REST.attempts as usize);
}

#[tokio::test]
async fn a_job_that_gets_no_grant_waits_and_is_no_attempt() {
    let app = Limit { calls_per_hour: 60, burst_calls: 1 };
    let scene = scene_with(READ, None, Limits { app, ..Limits::default() }).await;
    scene.spend_budget(0);

    let message = scene.world.receive().unwrap();
    assert_eq!(handle(&scene, &message).await, Disposition::Ack);
    let waiting = job(&scene).state;
    assert_eq!((waiting.phase.name(), waiting.attempts, flickr_calls(&scene)), ("deferred", 0, 0));
    let wait = waiting.waiting().unwrap();
    assert_eq!((wait.reason(), wait.wake_by()), (&WaitReason::AppBudget, WakeBy::Turn));
    assert!(waiting.due_at > build::NOW, "{waiting:?}");
    assert!(scene.world.queue().iter().all(|queued| queued.dispatch == message), "no message is on the way");
    scene.world.acknowledge(&message);

    let job = run_to_the_end(&scene);
    assert_eq!((job.state.phase.name(), job.state.attempts, flickr_calls(&scene)), ("completed", 1, 1));
}

#[tokio::test]
async fn a_write_of_unknown_outcome_is_repeated_only_if_it_may_be() {
    for (method, calls, code) in [(IDEMPOTENT, 2, None), (NON_IDEMPOTENT, 1, Some(FailureCode::OutcomeUnknown))] {
        let scene = scene(method).await;
        scene.flickr.answer([Outcome::new(Class::UnknownOutcome, "reset")]);
        let job = run_to_the_end(&scene);
        assert_eq!((flickr_calls(&scene), failure_code(&job)), (calls, code), "{method}");
    }
}

/// What the edge before Flickr refused was not done: it is sent again, and at last given up without any doubt.
#[tokio::test]
async fn a_write_that_was_surely_not_done_is_tried_again_and_leaves_no_doubt() {
    let refused = || Outcome::new(Class::Transient, "HTTP 403: refused before it reached Flickr's API");
    let scene = scene_verifiable(NON_IDEMPOTENT).await;
    scene.flickr.answer((0..9).map(|_| refused()));
    let job = run_to_the_end(&scene);
    assert_eq!((failure_code(&job), job.state.in_doubt), (Some(FailureCode::AttemptsExhausted), false));
    assert_eq!((flickr_calls(&scene), scene.flickr.verifications()), (RetryPolicy::REST.attempts as usize, 0));

    let scene = scene_verifiable(NON_IDEMPOTENT).await;
    scene.flickr.answer([refused()]);
    assert_eq!(run_to_the_end(&scene).state.phase.name(), "completed");
    assert_eq!((flickr_calls(&scene), scene.flickr.verifications()), (2, 0));
}

#[tokio::test]
async fn a_refused_token_marks_its_account_and_stops_its_jobs_unsent() {
    let scene = scene(READ).await;
    scene.flickr.answer([Outcome::new(Class::Account, "Invalid auth token").with_code(98)]);
    let job = run_to_the_end(&scene);
    assert_eq!(failure_code(&job), Some(FailureCode::ReconnectNeeded));
    let account = scene.world.account(&scene.accounts[0]).await.unwrap().unwrap();
    assert_eq!(account.account.status, Status::ReconnectNeeded);

    let next = build::job([6; 16], scene.spec(0, READ, "{}"), build::NOW);
    scene.insert(&next).await;
    let stopped = scene.handle(&next).await;
    assert_eq!((failure_code(&stopped), flickr_calls(&scene)), (Some(FailureCode::ReconnectNeeded), 1));
}

#[tokio::test]
async fn a_disconnected_account_fails_its_jobs() {
    let scene = scene(READ).await;
    scene.world.remove_account(&scene.accounts[0]).await.unwrap();
    let job = run_to_the_end(&scene);
    assert_eq!((failure_code(&job), flickr_calls(&scene)), (Some(FailureCode::AccountDisconnected), 0));
}

#[tokio::test]
async fn a_job_past_its_deadline_expires_unsent() {
    let scene = scene(READ).await;
    scene.world.pass(JOB_DEADLINE);
    let job = run_to_the_end(&scene);
    assert!(matches!(job.state.phase, Phase::Expired { .. }));
    assert_eq!(flickr_calls(&scene), 0);
}

/// Whoever finds the deadline passed, a worker or the sweep, the job says what kept it from running.
#[tokio::test]
async fn an_expired_job_says_what_it_last_waited_for() {
    let throttled = WaitReason::Throttled { message: "429".to_owned() };
    for by_worker in [true, false] {
        let scene = scene(READ).await;
        let queued = job(&scene);
        scene.flickr.answer([Outcome::new(Class::Transient, "502"), Outcome::new(Class::Throttled, "429")]);
        scene.handle(&queued).await;
        scene.pass_seconds(60);
        let waiting = scene.handle(&queued).await;
        assert_eq!(waiting.state.waiting().map(|wait| wait.reason()), Some(&throttled));

        scene.world.pass(JOB_DEADLINE);
        if by_worker {
            scene.handle(&queued).await;
        } else {
            assert_eq!(scene.sweep().await.expired, 1);
        }
        let expired = job(&scene);
        assert!(
            matches!(&expired.state.phase, Phase::Expired { waited_for, .. } if *waited_for == throttled),
            "{:?}",
            expired.state
        );
        assert_eq!(flickr_calls(&scene), 2);
    }
}

#[tokio::test]
async fn an_app_that_flickr_refuses_keeps_its_jobs_waiting_until_they_expire() {
    let scene = scene(READ).await;
    scene.flickr.answer((0..9000).map(|_| Outcome::new(Class::App, "Invalid API Key").with_code(100)));
    for _ in 0..25 * 60 {
        while let Some(message) = scene.world.receive() {
            handle(&scene, &message).await;
            scene.world.acknowledge(&message);
        }
        scene.pass_seconds(60);
        scene.sweep().await;
    }
    let stopped = WaitReason::AppStopped { message: "Invalid API Key".to_owned() };
    let phase = job(&scene).state.phase;
    assert!(matches!(&phase, Phase::Expired { waited_for, .. } if *waited_for == stopped), "{phase:?}");
    let calls = flickr_calls(&scene);
    assert!((15..=30).contains(&calls), "about every hour: {calls}");
}

#[tokio::test]
async fn a_write_in_doubt_is_verified_and_found_done() {
    let scene = scene_verifiable(NON_IDEMPOTENT).await;
    scene.flickr.answer([Outcome::new(Class::UnknownOutcome, "reset")]);
    scene.flickr.verify_as([Verified::NotSeen, Verified::NotSeen, Verified::Done]);
    let job = run_to_the_end(&scene);
    assert!(matches!(job.state.phase, Phase::Completed { .. }), "{job:?}");
    assert_eq!((flickr_calls(&scene), scene.flickr.verifications(), job.state.attempts), (1, 3, 1));
}

#[tokio::test]
async fn a_write_in_doubt_that_is_never_seen_ends_as_unknown_and_is_not_sent_again() {
    let scene = scene_verifiable(NON_IDEMPOTENT).await;
    scene.flickr.answer([Outcome::new(Class::UnknownOutcome, "reset")]);
    scene.flickr.verify_as((0..1000).map(|_| Verified::NotSeen));
    let job = run_to_the_end(&scene);
    assert_eq!((failure_code(&job), flickr_calls(&scene)), (Some(FailureCode::OutcomeUnknown), 1));
    assert!((10..=30).contains(&scene.flickr.verifications()), "{}", scene.flickr.verifications());
}

#[tokio::test]
async fn duplicates_and_strangers_do_no_harm() {
    let scene = scene(NON_IDEMPOTENT).await;
    let message = scene.world.queue()[0].dispatch.clone();
    let stranger = Dispatch { job: JobId::from_bytes([99; 16]), ..message.clone() };
    let ahead = Dispatch { fencing_number: 7, ..message.clone() };
    for other in [&message, &stranger, &ahead] {
        scene.world.send(other, Duration::ZERO).await.unwrap();
    }
    run_to_the_end(&scene);
    assert_eq!(flickr_calls(&scene), 1);
}

#[tokio::test]
async fn a_job_held_by_another_worker_comes_again() {
    let scene = scene(READ).await;
    let message = scene.world.receive().unwrap();
    // The worker that claims it crashes before the next call.
    scene.world.fault(1, FaultPoint::Before, Fault::Crash);
    assert!(scene.worker.handle(&message).now_or_never().is_none());
    assert_eq!(handle(&scene, &message).await, Disposition::Retry);
    scene.world.pass(Timing::REST.visibility_timeout);
    assert_eq!(handle(&scene, &message).await, Disposition::Ack);
    assert_eq!(flickr_calls(&scene), 1);
}

/// Every port call of a job's life fails or crashes, before and after its effect: the job still ends, a read is done, a
/// write that must not be repeated is sent at most once, and the count of pending jobs comes back to zero, or stays at
/// one where the fault hit it (promises I1, I7).
#[tokio::test]
async fn a_job_survives_a_failure_at_every_call() {
    let answers = [None, Some(Class::Transient), Some(Class::Throttled), Some(Class::UnknownOutcome)];
    let faults = [Fault::Fail, Fault::Crash].into_iter();
    let faults: Vec<_> = faults.flat_map(|fault| [(fault, FaultPoint::Before), (fault, FaultPoint::After)]).collect();
    let read_back = Some(Verification::ReadBack);
    for (method, verification) in
        [(READ, None), (IDEMPOTENT, None), (NON_IDEMPOTENT, None), (NON_IDEMPOTENT, read_back)]
    {
        for first_answer in answers {
            for (call, (fault, point)) in (0..16).flat_map(|call| faults.iter().map(move |fault| (call, *fault))) {
                let scene = scene_with(method, verification, Limits::default()).await;
                scene.flickr.answer(first_answer.map(|class| Outcome::new(class, "once")));
                scene.world.fault(call, point, fault);
                let job = run_to_the_end(&scene);
                let case = format!("{method} {verification:?} {first_answer:?} {fault:?} {point:?} {call}: {job:?}");
                assert!(job.state.is_terminal(), "{case}");
                if method == NON_IDEMPOTENT {
                    let known = [Class::Transient, Class::Throttled];
                    let allowed = 1 + usize::from(first_answer.is_some_and(|class| known.contains(&class)));
                    assert!(flickr_calls(&scene) <= allowed, "{} calls: {case}", flickr_calls(&scene));
                } else {
                    assert!(matches!(job.state.phase, Phase::Completed { .. }), "{case}");
                }
                let ends = [Call::Commit, Call::DiscountPending];
                let hit = scene.world.calls().get(call).is_some_and(|call| ends.contains(call));
                scene.world.forget_calls();
                assert!(scene.pending(0).await <= u32::from(hit), "{case}");
            }
        }
    }
}

/// Puts a token in place of the account's that cannot be opened.
async fn break_token(scene: &Scene) {
    let mut broken = scene.world.account(&scene.accounts[0]).await.unwrap().unwrap();
    broken.sealed_token = vec![1, 2, 3];
    scene.world.save_account(&broken).await.unwrap();
}

#[tokio::test]
async fn a_job_whose_token_cannot_be_opened_is_given_up_at_once_and_spends_nothing() {
    let scene = scene(NON_IDEMPOTENT).await;
    break_token(&scene).await;
    let (before, _) = scene.world.budget_and_queue(&build::app()).await.unwrap();
    let job = run_to_the_end(&scene);
    assert_eq!(job.state.phase.name(), "dead", "it can be replayed once the token can be opened");
    assert_eq!((failure_code(&job), job.state.attempts), (Some(FailureCode::TokenUnreadable), 1));
    assert_eq!((flickr_calls(&scene), job.state.in_doubt), (0, false));
    assert_eq!(scene.world.budget_and_queue(&build::app()).await.unwrap().0, before);
}

#[tokio::test]
async fn a_write_is_not_verified_with_a_token_that_cannot_be_opened() {
    let scene = scene_verifiable(NON_IDEMPOTENT).await;
    scene.flickr.answer([Outcome::new(Class::UnknownOutcome, "no answer")]);
    let job = scene.handle(&job(&scene)).await;
    assert_eq!(job.state.phase.name(), "verifying");
    break_token(&scene).await;
    let (before, _) = scene.world.budget_and_queue(&build::app()).await.unwrap();
    scene.pass_seconds(60);
    let ended = scene.handle(&job).await;
    assert_eq!(failure_code(&ended), Some(FailureCode::OutcomeUnknown), "{ended:?}");
    assert_eq!(scene.flickr.verifications(), 0);
    assert_eq!(scene.world.budget_and_queue(&build::app()).await.unwrap().0, before);
}

/// Has the job's message handled, where the call with this number, which must be of this port, fails.
async fn handled_with_fault(scene: &Scene, number: usize, call: Call, point: FaultPoint) -> Handled {
    scene.world.fault(number, point, Fault::Fail);
    let handled = scene.worker.handle(&Dispatch::of(&job(scene))).await;
    assert_eq!(scene.world.calls().get(number), Some(&call));
    handled
}

#[tokio::test]
async fn a_call_that_was_made_counts_though_its_end_cannot_be_written() {
    let scene = scene(IDEMPOTENT).await;
    let handled = handled_with_fault(&scene, 5, Call::Commit, FaultPoint::Before).await;
    assert_eq!(handled.disposition.unwrap(), Disposition::Ack);
    let put_off = job(&scene);
    assert_eq!(put_off.state.waiting().unwrap().reason(), &WaitReason::Outage);
    assert_eq!((put_off.state.attempts, flickr_calls(&scene)), (1, 1), "the next call is a repetition");
}

#[tokio::test]
async fn a_call_that_was_made_counts_though_its_result_cannot_be_stored() {
    let scene = scene(IDEMPOTENT).await;
    scene.flickr.answer_with(&format!(r#"{{"stat":"ok","text":"{}"}}"#, "x".repeat(3_000)));
    let handled = handled_with_fault(&scene, 5, Call::PutResult, FaultPoint::Before).await;
    assert_eq!(handled.disposition.unwrap(), Disposition::Ack);
    assert_eq!((job(&scene).state.attempts, flickr_calls(&scene)), (1, 1), "the next call is a repetition");
}

#[tokio::test]
async fn an_outage_before_a_write_is_sent_puts_it_off_and_one_after_does_not() {
    let before = scene(NON_IDEMPOTENT).await;
    let handled = handled_with_fault(&before, 4, Call::ChangeBudget, FaultPoint::Before).await;
    assert_eq!(handled.disposition.unwrap(), Disposition::Ack, "its message does not go to the dead-letter queue");
    let put_off = job(&before);
    assert_eq!(put_off.state.waiting().unwrap().reason(), &WaitReason::Outage);
    assert_eq!((put_off.state.attempts, flickr_calls(&before)), (0, 0));

    // The mark is the first commit. Whether or not it is written, its answer is lost.
    for (point, phase) in [(FaultPoint::Before, "deferred"), (FaultPoint::After, "running")] {
        let marking = scene(NON_IDEMPOTENT).await;
        let handled = handled_with_fault(&marking, 5, Call::Commit, point).await;
        assert_eq!(handled.disposition.is_ok(), phase == "deferred", "{point:?}");
        let left = job(&marking);
        let given_back = marking.world.count(Call::GiveBack);
        assert_eq!(given_back, 1, "the call that was granted is not made");
        assert_eq!((left.state.phase.name(), left.state.in_doubt), (phase, phase == "running"), "{point:?}");
        assert_eq!(flickr_calls(&marking), 0);
    }
}

#[tokio::test]
async fn a_verification_waits_for_a_call_until_the_deadline_and_no_longer() {
    let scene = scene_verifiable(NON_IDEMPOTENT).await;
    scene.flickr.answer([Outcome::new(Class::UnknownOutcome, "reset")]);
    scene.handle(&job(&scene)).await;
    scene.pass_seconds(3_600);
    scene.spend_budget(0);
    let waiting = scene.handle(&job(&scene)).await;
    assert_eq!((waiting.state.phase.name(), scene.flickr.verifications()), ("verifying", 0));
    scene.pass_seconds(JOB_DEADLINE.as_secs());
    let ended = scene.handle(&waiting).await;
    assert_eq!((failure_code(&ended), scene.flickr.verifications()), (Some(FailureCode::OutcomeUnknown), 0));
}

#[tokio::test]
async fn what_a_verification_hears_is_recorded_in_the_budget() {
    let scene = scene_verifiable(NON_IDEMPOTENT).await;
    scene.flickr.answer([Outcome::new(Class::UnknownOutcome, "reset")]);
    scene.handle(&job(&scene)).await;
    let learned = async || {
        let (budget, _) = scene.world.budget_and_queue(&build::app()).await.unwrap();
        budget.status(&scene.limits().app, HostClass::Rest, scene.world.now()).calls_per_hour
    };
    scene.pass_seconds(60);
    let before = learned().await;
    scene.flickr.fail_verification(Outcome::new(Class::Throttled, "429"));
    let job = scene.handle(&job(&scene)).await;
    assert_eq!((job.state.phase.name(), scene.flickr.verifications()), ("verifying", 1));
    assert!(learned().await < before, "{before}");
}

/// An account whose calls fail one after the other waits, and takes no calls of the app's meanwhile; its neighbour goes
/// on.
#[tokio::test]
async fn an_account_whose_calls_fail_waits_a_while_and_nobody_with_it() {
    let scene = Scene::new().await;
    scene.flickr.answer((0..6).map(|_| Outcome::new(Class::Transient, "502")));
    for number in 0..6 {
        let failing = scene.submit_call(0, IDEMPOTENT).await;
        assert_eq!(scene.handle(&failing).await.state.attempts, 1, "{number}");
    }
    let (budget, _) = scene.world.budget_and_queue(&build::app()).await.unwrap();
    let waiting = scene.submit_call(0, IDEMPOTENT).await;
    let put_off = scene.handle(&waiting).await;
    assert_eq!(put_off.state.waiting().unwrap().reason(), &WaitReason::Circuit);
    assert_eq!((put_off.state.attempts, flickr_calls(&scene)), (0, 6), "that is no attempt");
    assert!(put_off.state.due_at.since(build::NOW) >= Duration::from_secs(60));
    assert_eq!(scene.world.budget_and_queue(&build::app()).await.unwrap().0, budget, "and takes no call");
    let neighbour = scene.submit_call(1, IDEMPOTENT).await;
    assert!(matches!(scene.handle(&neighbour).await.state.phase, Phase::Completed { .. }));

    // When its time has come one finds out, and then all go on.
    scene.pass_seconds(200);
    let ended = scene.handle(&waiting).await;
    assert!(matches!(ended.state.phase, Phase::Completed { .. }), "{ended:?}");
    let next = scene.submit_call(0, IDEMPOTENT).await;
    assert!(matches!(scene.handle(&next).await.state.phase, Phase::Completed { .. }));
}

#[tokio::test]
async fn a_verification_waits_for_its_accounts_circuit_and_is_heard_there() {
    let scene = scene_verifiable(NON_IDEMPOTENT).await;
    scene.flickr.answer([Outcome::new(Class::UnknownOutcome, "reset")]);
    scene.flickr.verify_as([Verified::Done]);
    assert_eq!(scene.handle(&job(&scene)).await.state.phase.name(), "verifying");
    let account = &scene.accounts[0];
    let circuit = async || scene.world.account(account).await.unwrap().unwrap().circuit;
    let seen = circuit().await;
    let failed = Signal::Failed(Party::account(account));
    let fail = |circuit: Circuit| circuit.record(&failed, &CircuitRule::ACCOUNT, Jitter::NONE, scene.world.now());
    let open = (0..5).fold(seen.clone(), |circuit, _| fail(circuit));
    assert!(scene.world.set_circuit(account, &seen, &open).await.unwrap());

    scene.pass_seconds(30);
    let waits = scene.handle(&job(&scene)).await;
    assert_eq!((waits.state.phase.name(), scene.flickr.verifications()), ("verifying", 0));
    scene.pass_seconds(200);
    let done = scene.handle(&waits).await;
    assert_eq!((done.state.phase.name(), scene.flickr.verifications()), ("completed", 1));
}

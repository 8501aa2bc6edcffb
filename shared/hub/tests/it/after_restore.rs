//! A jobs table that was restored to a point in time: what ended since stands open again.

use std::{cell::RefCell, time::Duration};

use domain::{
    ClaimId, JobRef,
    account::Status,
    cache::CacheTag,
    job::{Event, FailureCode, Job, Phase, Start},
    outcome::{Class, Outcome},
    timing::VERIFICATION,
};
use hub::{
    Error,
    after_restore::{self, Report},
    dead_jobs::{self, Replayed},
    operator_mode::OperatorMode,
    ports::{Accounts, Clock, Jobs, ResponseCache},
    transition::{Applied, apply},
};
use testkit::{Call, Fault, FaultPoint, Scene, build};

const READ: &str = "flickr.photos.getInfo";
const REPEATABLE: &str = "flickr.photos.setMeta";
const WRITE: &str = "flickr.photos.people.add";
const VERIFIABLE: &str = "flickr.photos.comments.addComment";

async fn settled(scene: &Scene, mode: OperatorMode) -> Result<Report, Error> {
    after_restore::run(&scene.world, mode, |_| {}).await
}

fn code(job: &Job) -> Option<FailureCode> {
    match &job.state.phase {
        Phase::Failed { failure, .. } => Some(failure.code),
        _ => None,
    }
}

/// The job as the restored table has it, in which nothing of what `since` does to it is.
async fn restored_after(scene: &Scene, job: &Job, since: impl AsyncFnOnce(&Job)) {
    let then = scene.stored(job).await;
    since(job).await;
    scene.world.restore(&then);
}

#[tokio::test]
async fn a_write_that_ended_since_is_not_sent_again_and_what_may_be_repeated_runs_again() {
    let scene = Scene::new().await;
    let mut jobs = Vec::new();
    for method in [WRITE, VERIFIABLE, REPEATABLE, READ] {
        let job = scene.submit_call(0, method).await;
        restored_after(&scene, &job, async |job| {
            assert_eq!(scene.handle(job).await.state.phase.name(), "completed");
        })
        .await;
        jobs.push(job);
    }
    let calls = scene.flickr.calls().len();
    assert_eq!(calls, 4);

    let expected = Report { ended_writes: 2, open_repeatable: 2, accounts: 2, ..Report::default() };
    assert_eq!(settled(&scene, OperatorMode::DryRun).await.unwrap(), expected);
    for job in &jobs {
        assert_eq!(scene.stored(job).await, *job, "a dry run changes nothing");
    }
    assert_eq!(scene.world.count(Call::Invalidate), 3, "those of the three writes");

    assert_eq!(settled(&scene, OperatorMode::Apply).await.unwrap(), expected);
    for job in &jobs {
        scene.handle(job).await;
    }
    scene.pass_seconds(4_000);
    scene.sweep().await;
    for job in &jobs {
        scene.handle(job).await;
    }
    let again: Vec<String> = scene.flickr.calls()[calls..].to_vec();
    assert_eq!(again, [REPEATABLE, READ]);
    for job in &jobs[..2] {
        let job = scene.stored(job).await;
        assert_eq!((code(&job), job.state.in_doubt), (Some(FailureCode::OutcomeUnknown), true));
    }
    assert_eq!(scene.pending(0).await, 0, "they are counted no more");

    let again = Report { accounts: 2, ..Report::default() };
    assert_eq!(settled(&scene, OperatorMode::Apply).await.unwrap(), again, "a repetition finds nothing to do");
}

#[tokio::test]
async fn a_write_that_is_scheduled_for_later_runs_in_its_time() {
    let scene = Scene::new().await;
    let spec = scene.spec(0, WRITE, r#"{"photo_id": "1"}"#);
    let start = Start::After(Duration::from_secs(7_200));
    let job = scene.request_at(spec, None, start).await.unwrap().job;
    let report = settled(&scene, OperatorMode::Apply).await.unwrap();
    assert_eq!(report, Report { open_scheduled: 1, accounts: 2, ..Report::default() });
    scene.pass_seconds(7_200);
    scene.sweep().await;
    assert_eq!(scene.handle(&job).await.state.phase.name(), "completed");
}

#[tokio::test]
async fn a_dead_write_that_was_replayed_since_is_replayed_by_force_only() {
    let scene = Scene::new().await;
    let sound = scene.world.account(&scene.accounts[0]).await.unwrap().unwrap();
    let broken = build::account(scene.principal.tenant(), "1@N00", scene.world.now());
    scene.world.save_account(&broken).await.unwrap();
    let mut dead = Vec::new();
    for method in [WRITE, READ] {
        dead.push(scene.handle(&scene.submit_call(0, method).await).await);
        scene.pass_seconds(1);
    }
    scene.world.save_account(&sound).await.unwrap();
    let replay =
        async |job: &Job, force| dead_jobs::replay(&scene.world, &scene.principal, &job.id, force).await.unwrap();
    for job in &dead {
        restored_after(&scene, job, async |job| {
            assert_eq!(replay(job, false).await, Replayed::Yes);
            assert_eq!(scene.handle(job).await.state.phase.name(), "completed");
        })
        .await;
    }
    let report = settled(&scene, OperatorMode::Apply).await.unwrap();
    assert_eq!(report, Report { dead_writes: 1, accounts: 2, ..Report::default() });
    let listed = dead_jobs::list(&scene.world, &scene.principal, None).await.unwrap().items;
    let in_doubt = listed.iter().map(|job| (job.method.as_ref().unwrap().as_str(), job.in_doubt));
    assert_eq!(in_doubt.collect::<Vec<_>>(), [(WRITE, true), (READ, false)]);
    assert_eq!(replay(&dead[0], false).await, Replayed::NeedsForce);
    assert_eq!((replay(&dead[1], false).await, replay(&dead[0], true).await), (Replayed::Yes, Replayed::Yes));
}

#[tokio::test]
async fn a_write_that_was_in_doubt_already_is_verified_and_one_that_is_held_is_tried_again() {
    let scene = Scene::new().await;
    let verifying = scene.submit_call(0, VERIFIABLE).await;
    scene.flickr.answer_once(Outcome::new(Class::UnknownOutcome, "timed out"));
    assert_eq!(scene.handle(&verifying).await.state.phase.name(), "verifying");
    let held = scene.submit_call(0, WRITE).await;
    let claim = ClaimId::from_bytes([5; 16]);
    let lease_until = scene.world.now() + Duration::from_secs(40);
    let event = Event::Claim { fencing_number: 1, claim, lease_until };
    assert!(matches!(apply(&scene.world, &held, event).await.unwrap(), Applied::Done(_)));

    let report = settled(&scene, OperatorMode::Apply).await.unwrap();
    assert_eq!(report, Report { open_in_doubt: 1, failed: 1, accounts: 2, ..Report::default() });
    scene.pass_seconds(41);
    let report = settled(&scene, OperatorMode::Apply).await.unwrap();
    assert_eq!(report, Report { open_in_doubt: 1, ended_writes: 1, accounts: 2, ..Report::default() });
    assert_eq!(scene.flickr.calls().len(), 1, "neither is sent again");
}

/// The generations in the restored table are those from before the write, and so are those of the entry.
#[tokio::test]
async fn no_answer_from_before_a_write_that_is_lost_is_given() {
    let scene = Scene::new().await;
    let account = &scene.accounts[0];
    scene.flickr.answer_with(r#"{"title": "before"}"#);
    let before = scene.handle(&scene.submit_call(0, READ).await).await;
    assert_eq!(before.state.phase.name(), "completed");
    // The account's generations are in the jobs table: nothing was written there yet.
    settled(&scene, OperatorMode::Apply).await.unwrap();
    let seen = ResponseCache::look_up(&scene.world, account, &before.spec.work.cache_key().unwrap()).await.unwrap().1;
    let (entry, now) = (seen.entry.unwrap(), scene.world.now());
    assert!(seen.generations.tag(CacheTag::Photos, now).is_none(), "a write that is lost may still take effect");
    let later = now + VERIFICATION + Duration::from_secs(1);
    assert_ne!(seen.generations.tag(CacheTag::Photos, later).unwrap().generation, entry.generation);
    let again = scene.handle(&scene.submit_call(0, READ).await).await;
    assert_eq!((again.state.attempts, scene.flickr.calls().len()), (1, 2), "it asks Flickr");
    let sealed = scene.world.account(account).await.unwrap().unwrap();
    assert_eq!(sealed.account.status, Status::Connected, "and nothing else changes");
}

/// Wherever it stops, a repetition ends what is left.
#[tokio::test]
async fn it_may_fail_at_any_call_and_is_repeated() {
    let calls = {
        let scene = Scene::new().await;
        scene.submit_call(0, WRITE).await;
        scene.world.forget_calls();
        settled(&scene, OperatorMode::Apply).await.unwrap();
        scene.world.calls().len()
    };
    assert!(calls >= 8, "{calls}");
    for number in 0..calls {
        for point in [FaultPoint::Before, FaultPoint::After] {
            let scene = Scene::new().await;
            let job = scene.submit_call(0, WRITE).await;
            scene.world.forget_calls();
            scene.world.fault(number, point, Fault::Fail);
            let _ = settled(&scene, OperatorMode::Apply).await;
            scene.world.forget_calls();
            let report = settled(&scene, OperatorMode::Apply).await.unwrap();
            assert_eq!((report.failed, report.accounts), (0, 2), "{number} {point:?}");
            assert_eq!(code(&scene.stored(&job).await), Some(FailureCode::OutcomeUnknown), "{number} {point:?}");
        }
    }
}

#[tokio::test]
async fn all_jobs_are_found_page_by_page_and_progress_is_told() {
    let scene = Scene::new().await;
    let method = |number: u32| if number.is_multiple_of(3) { READ } else { WRITE };
    let mut jobs: Vec<(JobRef, &str)> = Vec::new();
    for number in 0..600 {
        let job = scene.submit_call(0, method(number)).await;
        jobs.push((job.reference(), method(number)));
    }
    let told = RefCell::new(Vec::new());
    let report =
        after_restore::run(&scene.world, OperatorMode::Apply, |so_far| told.borrow_mut().push(*so_far)).await.unwrap();
    assert_eq!((report.ended_writes, report.open_repeatable, report.failed), (400, 200, 0));
    let told = told.into_inner();
    assert_eq!((told.len(), told.last()), (3, Some(&report)), "two pages of jobs, one tenant");
    assert!(told[0].ended_writes < 400 && told[1].ended_writes == 400);
    for (job, method) in jobs {
        assert_eq!(scene.world.state(&job).await.unwrap().unwrap().is_terminal(), method == WRITE);
    }
}

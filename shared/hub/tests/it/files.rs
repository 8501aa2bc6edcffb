//! Jobs that send files.

use std::{pin::pin, time::Duration};

use domain::{
    JobId, UploadId,
    job::{Failure, FailureCode, Job, Phase, StoredResult, Target, WaitReason, Work},
    outcome::{Class, Outcome},
    upload::{
        Endpoint, FileRules, FileSource, FoundPhoto, MediaFile, MonthlyBytes, TicketState, UploadAllowance, Uploaded,
    },
};
use futures_util::FutureExt;
use hub::{
    Kind,
    dead_jobs::{self, Replayed},
    message::Dispatch,
    ports::{Clock, UploadTickets},
    run::{Disposition, Handled},
};
use testkit::{Call, Fault, FaultPoint, Injection, Scene, ScriptedFlickr, build, crowd, run_by_itself};

const PHOTO: &[u8] = b"the bytes of a photo";

fn done() -> Outcome {
    Outcome::new(Class::Done, "ok")
}

fn unknown() -> Outcome {
    Outcome::new(Class::UnknownOutcome, "HTTP 502")
}

fn duplicate(is_deleted: bool) -> Option<Uploaded> {
    Some(Uploaded::Duplicate { photo_id: Some("7".to_owned()), is_deleted })
}

/// The stored result of a job that is completed.
fn result(job: &Job) -> serde_json::Value {
    match &job.state.phase {
        Phase::Completed { result: StoredResult::Inline(text), .. } => serde_json::from_str(text).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn failure(job: &Job) -> Option<FailureCode> {
    match &job.state.phase {
        Phase::Failed { failure, .. } | Phase::Dead { failure, .. } => Some(failure.code),
        _ => None,
    }
}

/// Lets workers and the sweep go on until every job has ended; the jobs.
fn run_to_the_end(scene: &Scene) -> Vec<Job> {
    for _ in 0..2_000 {
        while let Some(message) = scene.world.receive() {
            // The fakes answer at once: a worker that does not has crashed.
            let handled = run_by_itself(scene.worker.handle(&message));
            if let Some(Handled { disposition: Ok(Disposition::Ack | Disposition::LostLease), .. }) = handled {
                scene.world.acknowledge(&message);
            }
        }
        if scene.world.jobs().iter().all(|job| job.state.is_terminal()) {
            return scene.world.jobs();
        }
        scene.pass_seconds(20);
        let _ = run_by_itself(scene.try_sweep());
    }
    panic!("jobs do not end: {:?}", scene.world.jobs());
}

#[tokio::test]
async fn a_file_is_sent_with_its_fields_and_then_forgotten() {
    let scene = Scene::new().await;
    let upload = scene.upload(0, PHOTO).await;
    let job = scene.submit_file(&upload, Target::Upload, r#"{"tags": ["sea", "two words"]}"#).await;
    let job = scene.handle(&job).await;
    let result = result(&job);
    assert_eq!(result["photo_id"], ScriptedFlickr::PHOTO_ID);
    assert_eq!(result["url"], format!("https://www.flickr.com/photos/1@N00/{}", ScriptedFlickr::PHOTO_ID));
    assert_eq!(result["duplicate_of"], serde_json::Value::Null);
    let sent = scene.flickr.sent_files();
    assert_eq!(sent.len(), 1);
    let sent = &sent[0];
    assert_eq!((sent.endpoint, &sent.bytes[..], sent.content_type.as_str()), (Endpoint::Upload, PHOTO, "image/jpeg"));
    assert_eq!((sent.name.as_str(), sent.field("title")), ("bung_1.jpg", Some("Übung 1")));
    let tags = format!("sea \"two words\" flickrhub:job={}", job.id);
    assert_eq!((sent.field("tags"), sent.field("dedup_check")), (Some(tags.as_str()), Some("1")));
    assert_eq!(scene.world.stored_files(), 0);
}

#[tokio::test]
async fn a_job_needs_a_file_of_its_account_that_has_arrived() {
    let scene = Scene::new().await;
    let upload = scene.upload(0, PHOTO).await;
    let refused = async |spec| scene.request(spec, None).await.map(|_| ()).unwrap_err().kind().clone();
    let of_other = domain::upload::Upload { account: scene.accounts[1].clone(), ..upload.clone() };
    assert_eq!(refused(build::file_spec(&of_other, Target::Upload, "{}")).await, Kind::UploadNotFound);
    let unknown = domain::upload::Upload { id: domain::UploadId::from_bytes([9; 16]), ..upload.clone() };
    assert_eq!(refused(build::file_spec(&unknown, Target::Upload, "{}")).await, Kind::UploadNotFound);
    scene.world.store_file(&upload, &PHOTO[1..]);
    assert_eq!(refused(build::file_spec(&upload, Target::Upload, "{}")).await, Kind::UploadNotArrived);
    assert_eq!(scene.pending(0).await, 0, "nothing was counted");

    scene.world.store_file(&upload, PHOTO);
    let spec = build::file_spec(&upload, Target::Upload, "{}");
    let job = scene.request(spec.clone(), Some("key")).await.unwrap().job;
    scene.handle(&job).await;
    let replayed = scene.request(spec, Some("key")).await.unwrap();
    assert!(replayed.replayed, "a repeat is answered though the file has gone");
    assert_eq!(replayed.job.id, job.id);
}

#[tokio::test]
async fn a_file_that_went_before_its_job_ran_ends_it() {
    let scene = Scene::new().await;
    let upload = scene.upload(0, PHOTO).await;
    let job = scene.submit_file(&upload, Target::Upload, "{}").await;
    hub::ports::Uploads::remove_upload(&scene.world, &upload.account.tenant, &upload.id).await.unwrap();
    assert_eq!(failure(&scene.handle(&job).await), Some(FailureCode::FileGone));
    assert!(scene.flickr.sent_files().is_empty());
}

#[tokio::test]
async fn a_living_duplicate_is_a_success_and_a_deleted_one_is_sent_anew() {
    for (is_deleted, sent, duplicate_of) in [(false, vec![Some("1")], Some("7")), (true, vec![Some("1"), None], None)] {
        let scene = Scene::new().await;
        scene.flickr.answer_file(done(), duplicate(is_deleted));
        let upload = scene.upload(0, PHOTO).await;
        let job = scene.handle(&scene.submit_file(&upload, Target::Upload, "{}").await).await;
        let result = result(&job);
        assert_eq!(result["duplicate_of"].as_str(), duplicate_of);
        assert_eq!(result["photo_id"].as_str(), Some(duplicate_of.unwrap_or(ScriptedFlickr::PHOTO_ID)));
        let files = scene.flickr.sent_files();
        let checks: Vec<Option<&str>> = files.iter().map(|file| file.field("dedup_check")).collect();
        assert_eq!(checks, sent);
        assert!(files.iter().all(|file| file.bytes == PHOTO), "whole each time");
    }
}

#[tokio::test]
async fn after_a_lost_answer_the_photo_is_looked_for_before_the_file_is_sent_again() {
    let scene = Scene::new().await;
    scene.flickr.answer_file(unknown(), None);
    scene.flickr.find([FoundPhoto::None, FoundPhoto::NotKnownYet]);
    let upload = scene.upload(0, PHOTO).await;
    let job = scene.submit_file(&upload, Target::Upload, "{}").await;
    assert_eq!(scene.handle(&job).await.state.phase.name(), "verifying");
    let jobs = run_to_the_end(&scene);
    assert_eq!(result(&jobs[0])["photo_id"], ScriptedFlickr::PHOTO_ID);
    assert_eq!((scene.flickr.sent_files().len(), scene.flickr.file_questions()), (1, 3));
}

#[tokio::test]
async fn a_file_that_never_arrived_is_sent_again_only_where_flickr_tells_a_repetition() {
    for (params, sent, code) in [("{}", 2, None), (r#"{"dedup_check": 0}"#, 1, Some(FailureCode::OutcomeUnknown))] {
        let scene = Scene::new().await;
        scene.flickr.answer_file(unknown(), None);
        scene.flickr.find(vec![FoundPhoto::None; 100]);
        let upload = scene.upload(0, PHOTO).await;
        let accepted_at = scene.world.now();
        scene.submit_file(&upload, Target::Upload, params).await;
        let jobs = run_to_the_end(&scene);
        assert_eq!((scene.flickr.sent_files().len(), failure(&jobs[0])), (sent, code), "{params}");
        assert!(scene.world.now().since(accepted_at) >= FileRules::default().index_lag, "{params}");
        assert_eq!(scene.world.stored_files(), usize::from(code.is_some()), "{params}");
    }
}

#[tokio::test]
async fn a_search_that_is_not_answered_decides_nothing() {
    let scene = Scene::new().await;
    scene.flickr.answer_file(unknown(), None);
    // Longer than the index lag.
    scene.flickr.find(vec![FoundPhoto::NotKnownYet; 40]);
    let upload = scene.upload(0, PHOTO).await;
    scene.submit_file(&upload, Target::Upload, r#"{"dedup_check": 0}"#).await;
    let jobs = run_to_the_end(&scene);
    assert_eq!(jobs[0].state.phase.name(), "completed", "the first answer finds it: {:?}", jobs[0].state);
    assert_eq!(scene.flickr.sent_files().len(), 1);
}

#[tokio::test]
async fn what_is_never_seen_is_not_sent_for_ever() {
    let scene = Scene::new().await;
    let attempts = scene.worker.retries.get(Target::Upload).attempts;
    for _ in 0..attempts {
        scene.flickr.answer_file(unknown(), None);
    }
    scene.flickr.find(vec![FoundPhoto::None; 1_000]);
    let upload = scene.upload(0, PHOTO).await;
    scene.submit_file(&upload, Target::Upload, "{}").await;
    let jobs = run_to_the_end(&scene);
    assert_eq!((jobs[0].state.phase.name(), failure(&jobs[0])), ("dead", Some(FailureCode::OutcomeUnknown)));
    assert!(jobs[0].state.in_doubt, "only force replays it");
    assert_eq!(scene.flickr.sent_files().len(), attempts as usize);
}

#[tokio::test]
async fn a_crash_in_mid_upload_is_noticed_and_the_photo_looked_for() {
    let scene = Scene::new().await;
    let upload = scene.upload(0, PHOTO).await;
    let job = scene.submit_file(&upload, Target::Upload, "{}").await;
    let message = scene.world.receive().unwrap();
    // The worker dies when it is to write what Flickr answered: the mark is there, and the file at Flickr.
    let end = {
        let probe = Scene::new().await;
        let upload = probe.upload(0, PHOTO).await;
        let job = probe.submit_file(&upload, Target::Upload, "{}").await;
        probe.world.forget_calls();
        probe.handle(&job).await;
        let calls = probe.world.calls();
        let end = calls.iter().rposition(|call| *call == Call::Commit).unwrap();
        end - calls.iter().position(|call| *call == Call::Claim).unwrap()
    };
    scene.world.fault(scene.world.calls().len() + end, FaultPoint::Before, Fault::Crash);
    assert!(run_by_itself(scene.worker.handle(&message)).is_none());
    let crashed_at = scene.world.now();
    let noticed_at = loop {
        scene.pass_seconds(10);
        scene.sweep().await;
        while let Some(message) = scene.world.receive() {
            scene.worker.handle(&message).await.disposition.unwrap();
            scene.world.acknowledge(&message);
        }
        if scene.stored(&job).await.state.phase.name() != "running" {
            break scene.world.now();
        }
    };
    assert!(noticed_at.since(crashed_at) <= Duration::from_secs(300), "{:?}", noticed_at.since(crashed_at));
    let jobs = run_to_the_end(&scene);
    assert_eq!(result(&jobs[0])["photo_id"], ScriptedFlickr::PHOTO_ID);
    assert_eq!(scene.flickr.sent_files().len(), 1);
}

#[tokio::test]
async fn files_with_the_same_bytes_go_one_after_the_other() {
    let scene = Scene::new().await;
    let (first, second) = (scene.upload(0, PHOTO).await, scene.upload(0, PHOTO).await);
    let other = scene.upload(1, PHOTO).await;
    let leader = scene.submit_file(&first, Target::Upload, "{}").await;
    let follower = scene.submit_file(&second, Target::Upload, "{}").await;
    let of_other = scene.submit_file(&other, Target::Upload, "{}").await;
    scene.flickr.answer_file(unknown(), None);
    assert_eq!(scene.handle(&leader).await.state.phase.name(), "verifying");
    let waiting = scene.handle(&follower).await;
    let reason = waiting.state.waiting().unwrap().reason().clone();
    assert_eq!(reason, WaitReason::Leader { job: leader.id.clone() });
    assert_eq!(waiting.state.attempts, 0);
    assert_eq!(
        scene.handle(&of_other).await.state.phase.name(),
        "completed",
        "another account has nothing to do with it"
    );
    scene.flickr.answer_file(done(), duplicate(false));
    let jobs = run_to_the_end(&scene);
    assert!(jobs.iter().all(|job| job.state.phase.name() == "completed"));
    let ended = |id: &JobId| jobs.iter().find(|job| job.id == *id).and_then(|job| job.state.phase.ended_at()).unwrap();
    let waited = ended(&follower.id).since(ended(&leader.id));
    assert!(waited >= FileRules::default().dedup_lag, "Flickr can tell the bytes by then: {waited:?}");
}

#[tokio::test]
async fn a_ticket_is_asked_for_until_flickr_has_made_the_photo() {
    let scene = Scene::new().await;
    scene.flickr.answer_file(done(), Some(Uploaded::Ticket("12-34".to_owned())));
    scene.flickr.answer_tickets(vec![TicketState::Pending; 5]);
    let upload = scene.upload(0, PHOTO).await;
    let job = scene.submit_file(&upload, Target::Upload, r#"{"async": 1, "dedup_check": 0}"#).await;
    let job = scene.handle(&job).await;
    assert_eq!((job.state.phase.name(), job.state.due_at.since(scene.world.now()).as_secs()), ("verifying", 2));
    let jobs = run_to_the_end(&scene);
    assert_eq!(result(&jobs[0])["photo_id"], ScriptedFlickr::PHOTO_ID);
    assert_eq!((scene.flickr.sent_files().len(), scene.flickr.file_questions()), (1, 6));
    assert_eq!(jobs[0].state.attempts, 1);
}

/// Has so many jobs of an account send files, each of which Flickr gives a ticket for.
async fn with_tickets(scene: &Scene, account: usize, jobs: usize) -> Vec<Job> {
    let mut all = Vec::new();
    for number in 0..jobs {
        scene.flickr.answer_file(done(), Some(Uploaded::Ticket(format!("1-{number:02}"))));
        let upload = scene.upload(account, PHOTO).await;
        all.push(scene.submit_file(&upload, Target::Upload, r#"{"async": 1, "dedup_check": 0}"#).await);
    }
    all
}

/// Lets workers go on for so many seconds.
async fn work(scene: &Scene, seconds: u64) {
    for _ in 0..=seconds {
        while let Some(message) = scene.world.receive() {
            scene.worker.handle(&message).await.disposition.unwrap();
            scene.world.acknowledge(&message);
        }
        scene.pass_seconds(1);
    }
}

#[tokio::test]
async fn one_question_is_for_all_tickets_that_an_account_awaits() {
    const JOBS: usize = 10;
    let scene = Scene::new().await;
    let jobs = with_tickets(&scene, 0, JOBS).await;
    let photo_id = |number: usize| format!("{}", 100 + number);
    scene.flickr.answer_tickets(vec![TicketState::Pending; JOBS]);
    scene.flickr.answer_tickets((0..JOBS).map(|number| TicketState::Done(photo_id(number))));
    work(&scene, 3).await;
    assert_eq!(scene.flickr.file_questions(), 1);
    assert!(scene.world.jobs().iter().all(|job| job.state.phase.name() == "verifying"));
    scene.world.forget_calls();
    work(&scene, 5).await;
    assert_eq!(scene.flickr.file_questions(), 2, "for the second time of all");
    for (number, job) in jobs.iter().enumerate() {
        assert_eq!(result(&scene.stored(job).await)["photo_id"], photo_id(number));
    }
    let count = |call| scene.world.calls().iter().filter(|made| **made == call).count();
    assert_eq!((count(Call::AwaitedTickets), count(Call::RecordTickets), count(Call::ChangeBudget)), (JOBS, 1, 1));
}

#[tokio::test]
async fn a_ticket_by_itself_is_recorded_once_it_is_settled() {
    let scene = Scene::new().await;
    with_tickets(&scene, 0, 1).await;
    with_tickets(&scene, 1, 1).await;
    scene.flickr.answer_tickets([TicketState::Pending, TicketState::Pending]);
    work(&scene, 10).await;
    assert!(scene.world.jobs().iter().all(|job| job.state.phase.name() == "completed"));
    assert_eq!(scene.flickr.file_questions(), 4, "other accounts are asked by themselves");
    let count = |call| scene.world.calls().iter().filter(|made| **made == call).count();
    assert_eq!((count(Call::AwaitTicket), count(Call::AwaitedTickets), count(Call::RecordTickets)), (2, 4, 2));
    for account in &scene.accounts {
        assert!(UploadTickets::awaited_tickets(&scene.world, account).await.unwrap().awaited.is_empty());
    }
}

#[tokio::test]
async fn jobs_hear_of_their_tickets_whatever_call_fails() {
    let of = async |fault: Option<(usize, FaultPoint)>| {
        // Tokio's channels have a task wait now and then that never does, and here that is a crash.
        tokio::task::yield_now().await;
        let scene = Scene::new().await;
        with_tickets(&scene, 0, 2).await;
        scene.flickr.answer_tickets([TicketState::Pending, TicketState::Pending]);
        scene.world.forget_calls();
        if let Some((call, point)) = fault {
            scene.world.fault(call, point, Fault::Fail);
        }
        let jobs = run_to_the_end(&scene);
        let names: Vec<&str> = jobs.iter().map(|job| job.state.phase.name()).collect();
        assert_eq!(names, ["completed"; 2], "{fault:?}");
        assert!(scene.flickr.sent_files().len() <= 2, "none is sent twice: {fault:?}");
        scene.world.calls().len()
    };
    for call in 0..of(None).await {
        for point in [FaultPoint::Before, FaultPoint::After] {
            of(Some((call, point))).await;
        }
    }
}

#[tokio::test]
async fn a_ticket_that_fails_ends_the_job_and_one_that_is_lost_or_pending_for_ever_has_the_photo_looked_for() {
    for (states, found, phase, code) in [
        (vec![TicketState::Failed], vec![], "failed", Some(FailureCode::FlickrRejected)),
        (vec![TicketState::Lost], vec![FoundPhoto::None], "completed", None),
        (vec![TicketState::Lost], vec![FoundPhoto::None; 100], "failed", Some(FailureCode::OutcomeUnknown)),
        (vec![TicketState::Pending; 1_000], vec![], "completed", None),
    ] {
        let scene = Scene::new().await;
        scene.flickr.answer_file(done(), Some(Uploaded::Ticket("12-34".to_owned())));
        scene.flickr.answer_tickets(states.clone());
        scene.flickr.find(found);
        let upload = scene.upload(0, PHOTO).await;
        let begun_at = scene.world.now();
        scene.submit_file(&upload, Target::Upload, r#"{"async": 1, "dedup_check": 0}"#).await;
        let jobs = run_to_the_end(&scene);
        assert_eq!((jobs[0].state.phase.name(), failure(&jobs[0])), (phase, code), "{:?}", states[0]);
        assert_eq!(scene.flickr.sent_files().len(), 1);
        assert!(scene.flickr.file_questions() < 100, "few questions");
        assert!(scene.world.now().since(begun_at) < Duration::from_secs(2 * 3600), "in stated time");
    }
}

#[tokio::test]
async fn a_replace_knows_afterwards_whether_it_happened() {
    for (secrets, sent) in [(["first", "second", "second"], 1), (["first", "first", "first"], 2)] {
        let scene = Scene::new().await;
        scene.flickr.answer_file(unknown(), None);
        scene.flickr.answer_versions(secrets);
        let upload = scene.upload(0, PHOTO).await;
        let job = scene.submit_file(&upload, Target::Replace, r#"{"photo_id": "42"}"#).await;
        let jobs = run_to_the_end(&scene);
        assert_eq!(jobs[0].state.phase.name(), "completed", "{:?}", jobs[0]);
        let sent_files = scene.flickr.sent_files();
        assert_eq!(sent_files.len(), sent, "{secrets:?}");
        assert!(
            sent_files.iter().all(|file| file.endpoint == Endpoint::Replace && file.field("photo_id") == Some("42"))
        );
        assert!(sent_files.iter().all(|file| file.field("tags").is_none() && file.field("dedup_check").is_none()));
        assert_eq!(jobs[0].id, job.id);
    }
}

#[tokio::test]
async fn replaces_of_one_photo_go_one_after_the_other() {
    let scene = Scene::new().await;
    let (first, second, third) =
        (scene.upload(0, PHOTO).await, scene.upload(0, b"another").await, scene.upload(0, PHOTO).await);
    let leader = scene.submit_file(&first, Target::Replace, r#"{"photo_id": "42"}"#).await;
    let follower = scene.submit_file(&second, Target::Replace, r#"{"photo_id": "42"}"#).await;
    let of_other_photo = scene.submit_file(&third, Target::Replace, r#"{"photo_id": "43"}"#).await;
    scene.flickr.answer_file(unknown(), None);
    scene.flickr.answer_versions(["before", "other photo", "after", "after"]);
    assert_eq!(scene.handle(&leader).await.state.phase.name(), "verifying");
    let waiting = scene.handle(&follower).await;
    let reason = waiting.state.waiting().unwrap().reason().clone();
    assert_eq!((reason, waiting.state.attempts), (WaitReason::Leader { job: leader.id.clone() }, 0));
    assert_eq!(scene.handle(&of_other_photo).await.state.phase.name(), "completed");
    assert_eq!(scene.flickr.sent_files().len(), 2);
    let jobs = run_to_the_end(&scene);
    assert!(jobs.iter().all(|job| job.state.phase.name() == "completed"));
    let sent = scene.flickr.sent_files();
    assert_eq!((sent.len(), &sent[2].bytes[..]), (3, &b"another"[..]), "the last is what the photo is to have");
}

#[tokio::test]
async fn after_a_replace_of_unknown_fate_the_next_waits_as_long_as_flickr_may_still_act() {
    let scene = Scene::new().await;
    let (first, second) = (scene.upload(0, PHOTO).await, scene.upload(0, b"another").await);
    let attempts = scene.worker.retries.get(Target::Replace).attempts;
    (0..attempts).for_each(|_| scene.flickr.answer_file(unknown(), None));
    let leader = scene.submit_file(&first, Target::Replace, r#"{"photo_id": "42"}"#).await;
    scene.handle(&leader).await;
    let follower = scene.submit_file(&second, Target::Replace, r#"{"photo_id": "42"}"#).await;
    let jobs = run_to_the_end(&scene);
    let [leader, follower] = [leader, follower].map(|job| jobs.iter().find(|end| end.id == job.id).unwrap());
    assert_eq!((leader.state.phase.name(), leader.state.in_doubt), ("dead", true));
    assert_eq!(follower.state.phase.name(), "completed");
    let waited = follower.state.phase.ended_at().unwrap().since(leader.state.phase.ended_at().unwrap());
    assert!(waited >= FileRules::default().index_lag, "{waited:?}");
}

#[tokio::test]
async fn who_saw_a_run_end_does_not_take_its_bytes_from_the_next_run() {
    let scene = Scene::new().await;
    let (first, second) = (scene.upload(0, PHOTO).await, scene.upload(0, PHOTO).await);
    let attempts = scene.worker.retries.get(Target::Upload).attempts;
    (0..attempts).for_each(|_| scene.flickr.answer_file(unknown(), None));
    scene.flickr.find(vec![FoundPhoto::None; 1_000]);
    let dead = scene.submit_file(&first, Target::Upload, "{}").await;
    assert_eq!(run_to_the_end(&scene)[0].state.phase.name(), "dead");
    scene.world.pass(FileRules::default().dedup_lag);
    let sent = scene.flickr.sent_files().len();

    // The follower has seen that the run has ended, and is about to take over the bytes.
    let follower = scene.submit_file(&second, Target::Upload, "{}").await;
    let mut asked = 0;
    scene.world.set_fault_plan(Box::new(move |call, point| {
        asked += u32::from((call, point) == (Call::AcquireUploadLock, FaultPoint::Before));
        if asked == 2 { Injection::Wait(Duration::from_secs(5)) } else { Injection::Pass }
    }));
    let message = Dispatch::of(&follower);
    let mut taking_over = pin!(scene.worker.handle(&message));
    assert!(taking_over.as_mut().now_or_never().is_none());
    scene.world.set_fault_plan(crowd::at_once());
    let replayed = dead_jobs::replay(&scene.world, &scene.principal, &dead.id, true).await.unwrap();
    assert_eq!(replayed, Replayed::Yes);
    let again = scene.handle(&dead).await;
    assert_eq!(again.state.phase.name(), "completed");
    scene.pass_seconds(10);
    taking_over.await.disposition.unwrap();
    let follower = scene.stored(&follower).await;
    assert_eq!(follower.state.waiting().unwrap().reason(), &WaitReason::Leader { job: dead.id.clone() });
    assert_eq!(scene.flickr.sent_files().len(), sent + 1, "the next run alone sends them");
}

#[tokio::test]
async fn a_refusal_of_flickr_ends_the_job_and_keeps_the_file() {
    for (class, code) in [
        (Class::Permanent, FailureCode::FlickrRejected),
        (Class::Quota, FailureCode::QuotaExceeded),
        (Class::TooSlow, FailureCode::TooSlow),
        (Class::Account, FailureCode::ReconnectNeeded),
    ] {
        let scene = Scene::new().await;
        scene.flickr.answer_file(Outcome::new(class, "m"), None);
        let upload = scene.upload(0, PHOTO).await;
        let job = scene.handle(&scene.submit_file(&upload, Target::Upload, "{}").await).await;
        assert_eq!(failure(&job), Some(code));
        assert_eq!(scene.world.stored_files(), 1, "the caller can ask for another job");
    }
}

#[tokio::test]
async fn bytes_that_are_not_those_the_job_was_accepted_with_are_not_sent() {
    let scene = Scene::new().await;
    let upload = scene.upload(0, PHOTO).await;
    let job = scene.submit_file(&upload, Target::Upload, "{}").await;
    let other = vec![b'x'; PHOTO.len()];
    scene.world.store_file(&upload, other);
    let ended = scene.handle(&job).await;
    assert!(matches!(&ended.state.phase, Phase::Failed { failure, .. } if failure.code == FailureCode::FileGone));
    assert_eq!(scene.flickr.sent_files(), []);
}

/// How the job of a file ended that Flickr refused for the account's allowance.
async fn refused_by_quota(scene: &Scene) -> Failure {
    let outcome = Outcome::new(Class::Quota, "no more").with_code(6);
    scene.flickr.answer_file(outcome, None);
    let upload = scene.upload(0, PHOTO).await;
    let job = scene.handle(&scene.submit_file(&upload, Target::Upload, "{}").await).await;
    match job.state.phase {
        Phase::Failed { failure, .. } => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refusal_by_quota_says_what_flickr_shows_of_the_allowance() {
    let month = Some(MonthlyBytes { remaining_bytes: 0, max_bytes: 1_000 });
    let allowance = UploadAllowance { is_pro: Some(false), month, remaining_videos: None };
    let shown = "no more. Flickr shows a free account, with 0 of 1000 bytes of this month left: try again next month";
    for (outcome, allowance, message) in [
        (done(), Some(allowance), shown),
        (done(), Some(UploadAllowance::default()), "no more"),
        (Outcome::new(Class::Transient, "HTTP 502"), None, "no more"),
        (Outcome::new(Class::Account, "Invalid auth token"), None, "no more"),
    ] {
        let scene = Scene::new().await;
        scene.flickr.answer_allowance(outcome, allowance);
        let expected = Failure { code: FailureCode::QuotaExceeded, message: message.to_owned(), flickr_code: Some(6) };
        assert_eq!(refused_by_quota(&scene).await, expected);
        assert_eq!(scene.flickr.file_questions(), 1);
        let grants = scene.world.calls().iter().filter(|call| **call == Call::ChangeBudget).count();
        assert!(grants >= 2, "each call is granted");
    }
}

#[tokio::test]
async fn without_a_call_to_spare_the_allowance_is_not_asked_for() {
    let scene = Scene::new().await;
    scene.spend_budget(1);
    let failure = refused_by_quota(&scene).await;
    assert_eq!((failure.code, failure.message.as_str()), (FailureCode::QuotaExceeded, "no more"));
    assert_eq!(scene.flickr.file_questions(), 0);
}

#[tokio::test]
async fn what_did_not_leave_whole_is_sent_again_without_a_search() {
    let scene = Scene::new().await;
    scene.flickr.answer_file(Outcome::new(Class::Transient, "the connection was cut"), None);
    let upload = scene.upload(0, PHOTO).await;
    scene.submit_file(&upload, Target::Upload, r#"{"dedup_check": 0}"#).await;
    let jobs = run_to_the_end(&scene);
    assert_eq!((jobs[0].state.phase.name(), jobs[0].state.attempts), ("completed", 2));
    assert_eq!((scene.flickr.sent_files().len(), scene.flickr.file_questions()), (2, 0));
}

#[tokio::test]
async fn a_job_that_may_have_arrived_says_so_at_its_deadline() {
    let scene = Scene::new().await;
    scene.flickr.answer_file(unknown(), None);
    scene.flickr.find(vec![FoundPhoto::None; 100]);
    let upload = scene.upload(0, PHOTO).await;
    let job = scene.submit_file(&upload, Target::Upload, "{}").await;
    let mut job = scene.handle(&job).await;
    while job.state.phase.name() == "verifying" {
        scene.pass_seconds(30);
        job = scene.handle(&job).await;
    }
    assert_eq!(job.state.phase.name(), "deferred", "it is to be sent again");
    scene.world.set_now(job.deadline());
    let job = scene.handle(&job).await;
    assert_eq!((job.state.phase.name(), failure(&job)), ("failed", Some(FailureCode::OutcomeUnknown)));
}

#[tokio::test]
async fn a_photo_that_was_made_minutes_ago_may_not_be_known_yet() {
    let scene = Scene::new().await;
    let not_found = || Outcome::new(Class::Permanent, "Photo not found").with_code(1);
    let params = format!(r#"{{"photo_id": "{}"}}"#, ScriptedFlickr::PHOTO_ID);
    let before = scene.request(scene.spec(0, "flickr.photos.setMeta", &params), None).await.unwrap().job;
    scene.flickr.answer([not_found()]);
    assert_eq!(scene.handle(&before).await.state.phase.name(), "failed", "of an old photo it is an answer");

    let upload = scene.upload(0, PHOTO).await;
    scene.handle(&scene.submit_file(&upload, Target::Upload, "{}").await).await;
    let after = scene.request(scene.spec(0, "flickr.photos.setMeta", &params), None).await.unwrap().job;
    scene.flickr.answer([not_found()]);
    let put_off = scene.handle(&after).await;
    assert_eq!((put_off.state.phase.name(), put_off.state.attempts), ("deferred", 0));
    let jobs = run_to_the_end(&scene);
    let after = jobs.iter().find(|job| job.id == after.id).unwrap();
    assert_eq!(after.state.phase.name(), "completed");

    let forbidden = scene.request(scene.spec(0, "flickr.photos.setMeta", &params), None).await.unwrap().job;
    scene.flickr.answer([Outcome::new(Class::Permanent, "Insufficient permissions").with_code(99)]);
    assert_eq!(scene.handle(&forbidden).await.state.phase.name(), "failed", "that has nothing to do with the photo");

    scene.pass_seconds(700);
    let later = scene.request(scene.spec(0, "flickr.photos.setMeta", &params), None).await.unwrap().job;
    scene.flickr.answer([not_found()]);
    assert_eq!(scene.handle(&later).await.state.phase.name(), "failed", "by then Flickr knows it");
}

const URL: &str = "https://photos.example/p/My%20Photo.jpg?signature=canary";

/// What the first account asks for: the file at [`URL`], uploaded.
fn from_url(scene: &Scene, url: &str) -> domain::job::JobSpec {
    let upload = domain::upload::Upload {
        id: UploadId::from_bytes([1; 16]),
        account: scene.accounts[0].clone(),
        file: MediaFile::new("a.jpg", "image/jpeg".parse().unwrap(), 1).unwrap(),
        sha256: None,
        multipart: None,
        pinned_etag: None,
        created_at: build::NOW,
    };
    let mut spec = build::file_spec(&upload, Target::Upload, "{}");
    if let Work::Upload(call) = &mut spec.work {
        call.source = FileSource::Url(url.to_owned());
    }
    spec
}

#[tokio::test]
async fn a_file_at_a_url_is_fetched_once_and_each_attempt_sends_the_same_bytes() {
    let scene = Scene::new().await;
    scene.sources.put(URL, Some("image/jpeg"), PHOTO);
    scene.flickr.answer_file(Outcome::new(Class::Transient, "cut"), None);
    let job = scene.request(from_url(&scene, URL), Some("key")).await.unwrap().job;
    let job = scene.handle(&job).await;
    assert_eq!((job.state.phase.name(), scene.sources.opened()), ("deferred", 1));
    scene.sources.put(URL, Some("image/jpeg"), &b"other bytes by now"[..]);
    let jobs = run_to_the_end(&scene);
    assert_eq!(jobs[0].state.phase.name(), "completed");
    let sent = scene.flickr.sent_files();
    assert!(sent.len() == 2 && sent.iter().all(|file| file.bytes == PHOTO), "{sent:?}");
    assert_eq!((sent[0].name.as_str(), sent[0].field("title")), ("My_Photo.jpg", Some("My Photo")));
    assert_eq!((scene.sources.opened(), scene.world.stored_files()), (1, 0));
    let repeated = scene.request(from_url(&scene, URL), Some("key")).await.unwrap();
    assert_eq!((repeated.replayed, repeated.job.id), (true, jobs[0].id.clone()));
}

#[tokio::test]
async fn a_file_that_breaks_off_is_fetched_anew_and_none_of_it_sent() {
    let scene = Scene::new().await;
    scene.sources.put(URL, None, PHOTO);
    scene.sources.break_after(7);
    scene.request(from_url(&scene, URL), None).await.unwrap();
    let jobs = run_to_the_end(&scene);
    assert_eq!((jobs[0].state.phase.name(), scene.sources.opened()), ("completed", 2));
    let sent = scene.flickr.sent_files();
    assert!(sent.len() == 1 && sent[0].bytes == PHOTO && sent[0].content_type == "image/jpeg");
}

#[tokio::test]
async fn what_cannot_be_fetched_ends_the_job_without_a_call() {
    for (content_type, url, failure_of, opened) in [
        (Some("text/html"), "https://a.example/page", None, 1),
        (Some("image/jpeg"), "https://a.example/gone.jpg", Some(("the server answered 404", false)), 1),
        (Some("image/jpeg"), "https://a.example/slow.jpg", Some(("the server did not answer", true)), 4),
    ] {
        let scene = Scene::new().await;
        scene.sources.put(url, content_type, PHOTO);
        for _ in 0..10 {
            if let Some((message, is_transient)) = failure_of {
                scene.sources.fail(message, is_transient);
            }
        }
        scene.request(from_url(&scene, url), None).await.unwrap();
        let jobs = run_to_the_end(&scene);
        assert_eq!(failure(&jobs[0]), Some(FailureCode::SourceRefused), "{url}");
        assert_eq!((scene.sources.opened(), scene.flickr.sent_files().len()), (opened, 0), "{url}");
    }
}

#[tokio::test]
async fn a_url_that_is_not_allowed_makes_no_job() {
    let scene = Scene::new().await;
    for url in
        ["http://a.example/a.jpg", "https://u:p@a.example/a.jpg", "https://127.0.0.1/a.jpg", "https://a.example:22/a"]
    {
        let refused = scene.request(from_url(&scene, url), None).await.unwrap_err();
        assert!(matches!(refused.kind(), Kind::InvalidField { field: "source_url", .. }), "{url}: {refused:?}");
    }
    assert_eq!(scene.pending(0).await, 0);
}

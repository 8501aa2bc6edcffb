//! The life of a job that sends a file.

use super::*;
use crate::{
    idempotency::Idempotency,
    job::{
        FileCall, StoredResult, Work,
        testing::{at, claim, job},
    },
    timing::{Timing, VERIFICATION},
    upload::{FileSource, PhotoVersion, UploadFields},
    verification::Verification,
};

const TIMING: &Timing = &Timing::FILE;

fn after(job: &Job, event: Event, now: Timestamp) -> Job {
    step(job, event, now).unwrap().after
}

fn claimed(job: &Job, now: Timestamp) -> Job {
    let fencing_number = job.state.fencing_number;
    after(job, Event::Claim { fencing_number, claim: claim(1), lease_until: now + TIMING.lease }, now)
}

fn upload() -> Job {
    let mut upload = job(State::first(at(0), at(0)));
    let fields = UploadFields::from_json("{}", crate::job::Target::Upload).unwrap();
    upload.spec.work = Work::Upload(FileCall { source: FileSource::Url("https://a.example/b.jpg".to_owned()), fields });
    upload.idempotency = Idempotency::NonIdempotent;
    upload.verification = Some(Verification::MachineTag);
    upload
}

fn sending() -> Job {
    after(&claimed(&upload(), at(0)), Event::WriteStarted { claim: claim(1), photo_version: None }, at(0))
}

fn sent_again() -> Job {
    let verifying = after(&sending(), verify(at(30)), at(1));
    after(&claimed(&verifying, at(700)), Event::SendAgain { claim: claim(1), due_at: at(701) }, at(700))
}

fn verify(due_at: Timestamp) -> Event {
    Event::Verify { claim: claim(1), due_at, window: VERIFICATION }
}

fn until(job: &Job) -> Timestamp {
    match job.state.waiting().map(Waiting::reason) {
        Some(WaitReason::Verification { until }) => *until,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_holder_renews_its_lease_and_nobody_else_does() {
    let renewed = after(&sending(), Event::Renew { claim: claim(1), lease_until: at(240) }, at(60));
    let Phase::Running(held) = &renewed.state.phase else { panic!("{:?}", renewed.state.phase) };
    assert_eq!((held.lease_until, held.activity), (at(240), Activity::NonIdempotentCall));
    assert_eq!(renewed.next_check_at(), Some(at(240) + TIMING.orphaned_after));
    let shorter = after(&renewed, Event::Renew { claim: claim(1), lease_until: at(200) }, at(61));
    assert_eq!(shorter.state.phase, renewed.state.phase, "a lease never gets shorter");
    let other = step(&renewed, Event::Renew { claim: claim(2), lease_until: at(300) }, at(61));
    assert_eq!(other.map(|_| ()), Err(Refusal::NotHolder));
}

#[test]
fn a_ticket_is_asked_for_until_it_is_lost_and_then_the_photo_is_looked_for() {
    let ticket = |asked| Ticket { id: "1-2".to_owned(), asked };
    let wait =
        |asked, due| Event::AwaitTicket { claim: claim(1), ticket: ticket(asked), due_at: at(due), until: at(3600) };
    let waiting = after(&sending(), wait(0, 2), at(0));
    assert_eq!(
        (&waiting.state.file.ticket, until(&waiting), waiting.state.in_doubt),
        (&Some(ticket(0)), at(3600), true)
    );
    let again = after(&claimed(&waiting, at(2)), wait(1, 7), at(2));
    assert_eq!((&again.state.file.ticket, again.state.attempts), (&Some(ticket(1)), 1), "a question is no attempt");
    let lost = after(&claimed(&again, at(7)), verify(at(10)), at(7));
    assert_eq!((&lost.state.file.ticket, until(&lost)), (&None, at(7) + VERIFICATION));
    let later = after(&claimed(&lost, at(10)), verify(at(40)), at(10));
    assert_eq!(until(&later), until(&lost), "a verification ends when it was to end");
}

#[test]
fn what_may_have_taken_effect_is_in_doubt_until_the_end_though_it_is_sent_again() {
    let again = sent_again();
    assert!(again.state.in_doubt && again.state.file.unsettled);
    let put_off = Event::Defer { claim: claim(1), due_at: at(800), reason: WaitReason::Outage, attempted: false };
    let put_off = after(&claimed(&again, at(701)), put_off, at(702));
    assert!(put_off.state.in_doubt && put_off.state.attempts == 1);
    let expired = after(&claimed(&put_off, at(800)), Event::Expire(claim(1)), at(801));
    let Phase::Failed { failure, .. } = expired.state.phase else { panic!("{:?}", expired.state.phase) };
    assert_eq!(failure.code, FailureCode::OutcomeUnknown);
    let done =
        after(&claimed(&put_off, at(800)), Event::complete(claim(1), StoredResult::Inline("{}".to_owned())), at(801));
    assert!(!done.state.in_doubt && !done.state.file.unsettled);
}

#[test]
fn only_the_refusal_of_the_file_itself_settles_an_earlier_attempt() {
    let asks = claimed(&sent_again(), at(701));
    let second = after(&asks, Event::WriteStarted { claim: claim(1), photo_version: None }, at(701));
    for (job, code, said) in [
        (&second, FailureCode::FlickrRejected, FailureCode::FlickrRejected),
        (&asks, FailureCode::FlickrRejected, FailureCode::OutcomeUnknown),
        (&second, FailureCode::ReconnectNeeded, FailureCode::OutcomeUnknown),
        (&second, FailureCode::QuotaExceeded, FailureCode::OutcomeUnknown),
        (&second, FailureCode::TooSlow, FailureCode::OutcomeUnknown),
    ] {
        let failed = after(job, Event::Fail(claim(1), Failure::new(code, "m")), at(702));
        let Phase::Failed { failure, .. } = failed.state.phase else { panic!("{:?}", failed.state.phase) };
        assert_eq!(failure.code, said);
    }
    let first = after(&sending(), Event::Fail(claim(1), Failure::new(FailureCode::QuotaExceeded, "m")), at(1));
    let Phase::Failed { failure, .. } = first.state.phase else { panic!("{:?}", first.state.phase) };
    assert_eq!(failure.code, FailureCode::QuotaExceeded, "nothing was in doubt before");
    let exhausted = Event::GiveUp(claim(1), Failure::new(FailureCode::AttemptsExhausted, "m"));
    assert!(after(&second, exhausted, at(702)).state.in_doubt, "a replay needs force");
}

#[test]
fn a_replay_by_force_remembers_that_a_photo_may_be_there() {
    let dead = after(&sending(), Event::GiveUp(claim(1), Failure::new(FailureCode::OutcomeUnknown, "m")), at(1));
    let replayed = after(&dead, Event::Replay { force: true, admission: None }, at(2));
    assert!(replayed.state.in_doubt && replayed.state.file.unsettled);
}

#[test]
fn the_file_that_a_replace_found_is_remembered() {
    let version = PhotoVersion { secret: "a".to_owned(), last_update: "1".to_owned() };
    let started = Event::WriteStarted { claim: claim(1), photo_version: Some(version.clone()) };
    let sending = after(&claimed(&upload(), at(0)), started, at(0));
    let verifying = after(&sending, verify(at(30)), at(1));
    assert_eq!(verifying.state.file.photo_version, Some(version));
}

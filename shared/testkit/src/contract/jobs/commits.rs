//! Committing transitions: on the revision that they were computed from alone, each once.

use std::time::Duration;

use domain::{
    AppId, ClaimId, JobId, Timestamp,
    fair_queue::QueueTicket,
    job::{Event, Failure, FailureCode, Job, Phase, State, StoredResult, Transition, WaitReason, step},
    timing::{RECORD_RETENTION, Timing, VERIFICATION},
    verification::Verification,
};
use hub::ports::{Claimed, Clock, Committed, Entropy, Inserted, Jobs};

use super::super::steps::{claim, claim_id, claim_request, committed, held, insert, job, stepped, write_started};
use crate::build;

fn failure() -> Failure {
    Failure { code: FailureCode::FlickrRejected, message: "no".to_owned(), flickr_code: Some(1) }
}

/// Each way in which a holder ends a job.
fn ends(by: &ClaimId) -> [Event; 6] {
    [
        Event::complete(by.clone(), StoredResult::Inline(r#"{"stat":"ok"}"#.to_owned())),
        Event::complete(by.clone(), StoredResult::SeparateItem),
        Event::complete(by.clone(), StoredResult::Object { bytes: 5_000_000 }),
        Event::Fail(by.clone(), failure()),
        Event::GiveUp(by.clone(), failure()),
        Event::Expire(by.clone()),
    ]
}

fn defer(by: &ClaimId, due_at: Timestamp) -> Event {
    let reason = WaitReason::BackOff { message: "busy".to_owned(), flickr_code: None };
    Event::Defer { claim: by.clone(), due_at, reason, attempted: true }
}

/// Moving jobs on, each move once.
pub async fn commits(ports: &(impl Clock + Entropy + Jobs)) {
    let now = ports.now();
    let (one, two) = (claim_id(ports), claim_id(ports));
    for end in ends(&one) {
        let job = job(ports, "{}", now);
        insert(ports, &job).await;

        let running = held(ports, &job, &one, now).await;
        let defer = stepped(&running, defer(&one, now), now);
        assert_eq!(ports.commit(&defer).await.unwrap(), Committed::Written);
        assert_eq!(ports.commit(&defer).await.unwrap(), Committed::Found, "a write may be repeated");
        let deferred = defer.after;
        let stale = claim(ports, &deferred, 1, &two, now).await;
        assert!(matches!(stale, Claimed::Refused(_)), "the old message is stale");

        let running = held(ports, &deferred, &one, now).await;
        let end = stepped(&running, end, now);
        assert_eq!(ports.commit(&end).await.unwrap(), Committed::Written);
        assert_eq!(ports.commit(&end).await.unwrap(), Committed::Found, "who finds an end did not bring it about");
        let ended = end.after;
        assert_eq!(ports.job(&job.reference()).await.unwrap().as_ref(), Some(&ended));
        let claimed = claim(ports, &ended, 2, &two, now + Timing::REST.lease).await;
        assert!(matches!(claimed, Claimed::Refused(_)), "an ended job stays ended");

        let over = now + RECORD_RETENTION;
        let request = claim_request(&job, 2, &two, over);
        assert_eq!(ports.claim(&request).await.unwrap(), Claimed::Unknown, "past its retention it is absent");
        let again = Job { created_at: over, state: State::first(over, over), ..job.clone() };
        let inserted = ports.insert(&build::acceptance(&again)).await.unwrap();
        assert_eq!(inserted, Inserted::New, "and its id is free");
    }
    let unknown = stepped(&job(ports, "{}", now), Event::DeadLettered { fencing_number: 1 }, now);
    assert_eq!(ports.commit(&unknown).await.unwrap(), Committed::Conflict, "an unknown job is nobody's");
}

/// A commit from an older revision is refused and changes nothing, whatever phase the job is in.
pub async fn revisions(ports: &(impl Clock + Entropy + Jobs)) {
    let now = ports.now();
    let by = claim_id(ports);
    let ticket = QueueTicket { app: AppId::from_bytes(ports.random()), tag: 7 };
    let leader = JobId::from_bytes(ports.random());
    let joins = Event::JoinQueue { claim: by.clone(), ticket, expected_at: now, reason: WaitReason::AppBudget };
    let verify = Event::Verify { claim: by.clone(), due_at: now, window: VERIFICATION };
    let started = write_started(&by);
    let mut lives = vec![
        vec![],
        vec![started.clone()],
        vec![started, verify],
        vec![defer(&by, now)],
        vec![joins],
        vec![Event::Follow { claim: by.clone(), leader, due_at: now }],
        vec![Event::Check],
        vec![Event::GiveUp(by.clone(), failure()), Event::Replay { force: false, admission: None }],
    ];
    lives.extend(ends(&by).map(|end| vec![end]));
    for life in lives {
        let job = Job { verification: Some(Verification::ReadBack), ..job(ports, "{}", now) };
        insert(ports, &job).await;
        refuses_older(ports, &[], &job, &by).await;
        let running = held(ports, &job, &by, now).await;
        refuses_older(ports, &[&job], &running, &by).await;
        let mut past = vec![job, running];
        for event in life {
            let stored = past.last().unwrap();
            let at = if event == Event::Check { stored.next_check_at().unwrap() } else { now };
            let next = committed(ports, stored, event, at).await;
            refuses_older(ports, &past.iter().collect::<Vec<_>>(), &next, &by).await;
            past.push(next);
        }
    }
}

/// Whatever could have followed from the `past` states of a job that is stored as given, or from one just before it,
/// is refused and changes nothing.
async fn refuses_older(ports: &impl Jobs, past: &[&Job], stored: &Job, by: &ClaimId) {
    let older = past.iter().flat_map(|job| what_follows(job, by));
    let just_before = what_follows(stored, by).into_iter().map(|transition| {
        let before = transition.before.map(|state| State { revision: state.revision - 1, ..state });
        Transition { before, ..transition }
    });
    for stale in older.chain(just_before).filter(|transition| transition.after.state != stored.state) {
        let committed = ports.commit(&stale).await.unwrap();
        assert_eq!(committed, Committed::Conflict, "{stale:?} was written over {stored:?}");
    }
    assert_eq!(ports.job(&stored.reference()).await.unwrap().as_ref(), Some(stored));
}

/// What can follow for a job whose holder is `by`.
fn what_follows(job: &Job, by: &ClaimId) -> Vec<Transition> {
    let late = job.next_check_at().unwrap_or(job.created_at);
    let events = [
        Event::Check,
        Event::complete(by.clone(), StoredResult::SeparateItem),
        defer(by, late),
        Event::Release { at: late },
        Event::DeadLettered { fencing_number: job.state.fencing_number },
        Event::Replay { force: true, admission: None },
    ];
    events.into_iter().filter_map(|event| step(job, event, late).ok()).collect()
}

/// The sweep sends a held job's message again: the holder's write, computed before, is refused, and the holder that
/// reads again ends the job.
pub async fn resends(ports: &(impl Clock + Entropy + Jobs)) {
    let now = ports.now();
    let (one, two) = (claim_id(ports), claim_id(ports));
    for end in ends(&one) {
        let job = job(ports, "{}", now);
        insert(ports, &job).await;
        let running = held(ports, &job, &one, now).await;
        let late = running.next_check_at().unwrap();
        let resent = committed(ports, &running, Event::Check, late).await;
        let is_held = matches!(&resent.state.phase, Phase::Running(held) if held.id == one);
        assert!(is_held && resent.state.fencing_number == running.state.fencing_number, "{resent:?}");

        let stale = ports.commit(&stepped(&running, end.clone(), late)).await.unwrap();
        assert_eq!(stale, Committed::Conflict, "the job moved on meanwhile");
        let read = ports.job(&job.reference()).await.unwrap().unwrap();
        assert_eq!(read, resent);
        let ended = committed(ports, &read, end, late).await;
        assert!(ended.state.is_terminal());
        let claimed = claim(ports, &ended, 1, &two, late + Duration::from_secs(1)).await;
        assert!(matches!(claimed, Claimed::Refused(_)), "the message that was sent again finds it ended");
    }
}

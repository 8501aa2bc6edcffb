//! Claiming jobs: what [`domain::job::step`] says, decided in one conditional write. [`claim`] holds the two together.

use std::time::Duration;

use domain::{
    AppId, JobId,
    fair_queue::QueueTicket,
    job::{Activity, CLOCK_SKEW, Event, Job, Phase, State, WaitReason},
    timing::{Timing, VERIFICATION},
    verification::Verification,
};
use hub::ports::{Claimed, Clock, Entropy, Jobs};

use super::super::steps::{claim, claim_id, claim_request, committed, held, insert, job, write_started};

const LEASE: Duration = Timing::REST.lease;

/// Who may hold a job, for how long, and who may take it over.
pub async fn claims(ports: &(impl Clock + Entropy + Jobs)) {
    let now = ports.now();
    let job = job(ports, "{}", now);
    let (one, two) = (claim_id(ports), claim_id(ports));
    let request = claim_request(&job, 1, &one, now);
    assert_eq!(ports.claim(&request).await.unwrap(), Claimed::Unknown);
    insert(ports, &job).await;

    let refused = |claimed| assert!(matches!(claimed, Claimed::Refused(_)), "{claimed:?}");
    for number in [0, 2] {
        refused(claim(ports, &job, number, &one, now).await);
    }
    let running = held(ports, &job, &one, now).await;
    assert_eq!((running.state.revision, running.state.attempts), (job.state.revision + 1, 1));
    assert_eq!(held(ports, &running, &one, now).await, running, "a claim may be repeated, and changes nothing");

    let last = now + (LEASE - Duration::from_millis(1));
    refused(claim(ports, &running, 1, &two, last).await);
    let later = now + LEASE;
    let taken = held(ports, &running, &two, later).await;
    assert_eq!((taken.state.attempts, taken.state.started_at), (2, Some(now)), "a lease that ran out is taken over");
    assert_eq!(taken.state.revision, running.state.revision + 1);

    // A write that may have been sent is not taken over.
    let calling = committed(ports, &taken, write_started(&two), later).await;
    refused(claim(ports, &calling, 1, &one, later + LEASE + LEASE).await);
    assert_eq!(held(ports, &calling, &two, later).await, calling, "its holder may ask again");
    let ended = committed(ports, &calling, Event::Expire(two.clone()), later).await;
    refused(claim(ports, &ended, 1, &two, later).await);
}

/// What a claim finds of jobs that are scheduled, in a fair queue, or verifying.
pub async fn waits(ports: &(impl Clock + Entropy + Jobs)) {
    let now = ports.now();
    let by = claim_id(ports);
    let length = Duration::from_secs(100_000);
    let at = now + length;
    let ticket = QueueTicket { app: AppId::from_bytes(ports.random()), tag: 7 };
    for state in [State::first(at, now), State::first_in_queue(ticket, at, now)] {
        let waiting = Job { state, ..job(ports, "{}", now) };
        insert(ports, &waiting).await;
        let early = now + (length - CLOCK_SKEW - Duration::from_millis(1));
        let claimed = claim(ports, &waiting, 1, &by, early).await;
        assert!(matches!(claimed, Claimed::Refused(_)), "not before its time");
    }
    let scheduled = Job { state: State::first(at, now), ..job(ports, "{}", now) };
    insert(ports, &scheduled).await;
    held(ports, &scheduled, &by, now + (length - CLOCK_SKEW)).await;

    let written = Job { verification: Some(Verification::ReadBack), ..job(ports, "{}", now) };
    insert(ports, &written).await;
    let running = held(ports, &written, &by, now).await;
    let calling = committed(ports, &running, write_started(&by), now).await;
    let verifying =
        committed(ports, &calling, Event::Verify { claim: by.clone(), due_at: now, window: VERIFICATION }, now).await;
    let checking = held(ports, &verifying, &by, now).await;
    let verifies = |job: &Job| matches!(&job.state.phase, Phase::Running(held) if matches!(held.activity, Activity::Verify { .. }));
    assert!(verifies(&checking) && checking.state.attempts == 1, "that is no attempt: {checking:?}");
    let taken = held(ports, &checking, &claim_id(ports), now + LEASE).await;
    assert!(verifies(&taken), "who takes it over verifies too: {taken:?}");
}

/// Each reason to wait is stored with what belongs to it: while the job waits, while a worker holds it, and once it has
/// expired.
pub async fn wait_reasons(ports: &(impl Clock + Entropy + Jobs)) {
    let now = ports.now();
    let by = claim_id(ports);
    let message = || "é \"no\" \u{1F4F7}".to_owned();
    let reasons = [
        WaitReason::Worker,
        WaitReason::AccountBudget,
        WaitReason::Circuit,
        WaitReason::GrantExpired,
        WaitReason::BackOff { message: message(), flickr_code: Some(105) },
        WaitReason::BackOff { message: String::new(), flickr_code: None },
        WaitReason::Throttled { message: message() },
        WaitReason::AppStopped { message: message() },
        WaitReason::Leader { job: JobId::from_bytes(ports.random()) },
        WaitReason::Outage,
    ];
    for reason in reasons {
        let job = job(ports, "{}", now);
        insert(ports, &job).await;
        let running = held(ports, &job, &by, now).await;
        let defer = Event::Defer { claim: by.clone(), due_at: now, reason: reason.clone(), attempted: true };
        let deferred = committed(ports, &running, defer, now).await;
        assert_eq!(deferred.state.waiting().map(|wait| wait.reason()), Some(&reason));
        let running = held(ports, &deferred, &by, now).await;
        let ended = committed(ports, &running, Event::Expire(by.clone()), now).await;
        assert!(
            matches!(&ended.state.phase, Phase::Expired { waited_for, .. } if *waited_for == reason),
            "{:?}",
            ended.state
        );
    }
}

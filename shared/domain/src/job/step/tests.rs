use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    fair_queue::QueueTicket,
    idempotency::Idempotency,
    job::{
        NextCheck, StoredResult, Target,
        testing::{at, claim, job, job_id, ticket},
    },
    timing::{Timing, VERIFICATION},
    verification::Verification,
};

const TIMING: &Timing = Target::Rest.timing();

const LEASE_EXPIRED: Event = Event::LeaseExpired { window: VERIFICATION };

fn write_started() -> Event {
    Event::WriteStarted { claim: claim(1), photo_version: None }
}

fn first() -> Job {
    job(State::first(at(0), at(0)))
}

/// What follows, with the fencing number of the message to be sent, and when it is to be seen.
fn stepped(job: &Job, event: Event, now: Timestamp) -> Result<(Job, Option<(u32, Timestamp)>), Refusal> {
    step(job, event, now).map(|Transition { after, effects, .. }| {
        let message = effects.message.map(|at| (after.state.fencing_number, at));
        (after, message)
    })
}

fn after(job: &Job, event: Event, now: Timestamp) -> Job {
    stepped(job, event, now).unwrap().0
}

fn claimed(number: u8, fencing_number: u32) -> Event {
    Event::Claim { fencing_number, claim: claim(number), lease_until: at(40) }
}

fn running() -> Job {
    after(&first(), claimed(1, 1), at(0))
}

/// A write that must not be repeated and may have been sent.
fn writing() -> Job {
    after(&running(), write_started(), at(1))
}

/// The same, where it can be found out whether it took effect.
fn writing_verifiable() -> Job {
    Job { verification: Some(Verification::ReadBack), ..writing() }
}

fn busy() -> WaitReason {
    WaitReason::BackOff { message: "busy".to_owned(), flickr_code: None }
}

fn defer(due_at: Timestamp, attempted: bool) -> Event {
    Event::Defer { claim: claim(1), due_at, reason: busy(), attempted }
}

fn message(fencing_number: u32, at: Timestamp) -> Option<(u32, Timestamp)> {
    Some((fencing_number, at))
}

fn failure() -> Failure {
    Failure::new(FailureCode::AttemptsExhausted, "")
}

fn wake_by(job: &Job) -> Option<WakeBy> {
    job.state.waiting().map(Waiting::wake_by)
}

fn is_expired(job: &Job, when: Timestamp) -> bool {
    matches!(&job.state.phase, Phase::Expired { at, .. } if *at == when)
}

#[test]
fn a_claim_starts_the_job_and_counts() {
    let job = running();
    assert_eq!((job.state.attempts, job.state.started_at, job.state.revision), (1, Some(at(0)), 2));
    assert!(matches!(&job.state.phase, Phase::Running(Claim { activity: Activity::Call, waited_for, .. })
        if *waited_for == WaitReason::Worker));
}

#[test]
fn a_follower_has_attempted_nothing_and_comes_back() {
    let follow = Event::Follow { claim: claim(1), leader: job_id(7), due_at: at(3) };
    let (job, sent) = stepped(&running(), follow, at(1)).unwrap();
    assert_eq!((job.state.attempts, job.state.started_at, &job.state.follows), (0, None, &Some(job_id(7))));
    assert_eq!(job.state.waiting().map(Waiting::reason), Some(&WaitReason::Leader { job: job_id(7) }));
    assert_eq!(sent, message(2, at(3)));
    let job = after(&job, claimed(2, 2), at(3));
    let shared = StoredResult::Shared { leader: job_id(7), as_of: at(1) };
    let job = after(&job, Event::complete(claim(2), shared), at(4));
    assert!(job.state.is_terminal());
    assert_eq!((job.state.attempts, job.state.started_at), (0, None), "it never called");
}

#[test]
fn a_claim_repeated_by_its_holder_changes_nothing() {
    assert_eq!(stepped(&running(), claimed(1, 1), at(1)), Ok((running(), None)));
}

#[test]
fn a_claim_is_refused_while_another_holds_the_job() {
    assert_eq!(step(&running(), claimed(2, 1), at(39)), Err(Refusal::Busy));
}

#[test]
fn a_lease_that_ran_out_is_taken_over_unless_a_write_may_have_been_sent() {
    assert_eq!(after(&running(), claimed(2, 1), at(40)).state.attempts, 2);
    assert_eq!(step(&writing(), claimed(2, 1), at(40)), Err(Refusal::InDoubt));
    assert_eq!(step(&writing(), LEASE_EXPIRED, at(39)), Err(Refusal::Busy));
    let failed = after(&writing(), LEASE_EXPIRED, at(40));
    assert!(matches!(failed.state.phase, Phase::Failed { failure, .. } if failure.code == FailureCode::OutcomeUnknown));
    let (verifying, sent) = stepped(&writing_verifiable(), LEASE_EXPIRED, at(40)).unwrap();
    assert_eq!((verifying.state.phase.name(), sent), ("verifying", message(2, at(40))));
}

#[test]
fn a_deferral_sends_the_next_message_and_makes_the_old_one_stale() {
    let (deferred, sent) = stepped(&running(), defer(at(9), true), at(2)).unwrap();
    assert_eq!(sent, message(2, at(9)));
    assert_eq!((deferred.state.attempts, wake_by(&deferred)), (1, Some(WakeBy::Queue)));
    assert_eq!((deferred.state.phase.name(), deferred.state.waiting().unwrap().reason()), ("deferred", &busy()));
    assert_eq!(step(&deferred, claimed(2, 1), at(9)), Err(Refusal::Stale));
    assert_eq!(step(&deferred, claimed(2, 2), at(6)), Err(Refusal::Early));
    assert!(step(&deferred, claimed(2, 2), at(7)).is_ok(), "clocks differ a little");
    assert_eq!(after(&running(), defer(at(9), false), at(2)).state.attempts, 0);
}

#[test]
fn a_wait_beyond_the_queues_delay_is_ended_by_the_sweep() {
    let (deferred, sent) = stepped(&running(), defer(at(1000), true), at(2)).unwrap();
    assert_eq!((sent, wake_by(&deferred), deferred.next_check_at()), (None, Some(WakeBy::Sweep), Some(at(1000))));
    assert_eq!(step(&deferred, Event::Check, at(999)), Err(Refusal::Early));
    let (woken, sent) = stepped(&deferred, Event::Check, at(1000)).unwrap();
    assert_eq!(sent, message(3, at(1000)));
    assert!(step(&woken, claimed(1, 3), at(1001)).is_ok());
}

#[test]
fn a_job_in_the_fair_queue_waits_for_its_turn_and_keeps_its_ticket() {
    let waiting = job(State::first_in_queue(ticket(7), at(500), at(0)));
    assert_eq!((waiting.state.phase.name(), waiting.state.due_at), ("queued", at(500)));
    assert_eq!(waiting.state.queued_ticket(), Some(&ticket(7)));
    assert_eq!(step(&waiting, Event::Check, at(900)), Err(Refusal::Early), "its turn may come late");
    let (sent, with) = stepped(&waiting, Event::Release { at: at(410) }, at(400)).unwrap();
    assert_eq!(with, message(2, at(410)));
    assert_eq!(step(&sent, Event::Release { at: at(411) }, at(401)), Err(Refusal::NotInQueue), "once");
    let held = after(&sent, claimed(1, 2), at(410));
    assert_eq!(step(&held, Event::Release { at: at(411) }, at(411)), Err(Refusal::NotInQueue));
    let again = Event::JoinQueue {
        claim: claim(1),
        ticket: held.state.ticket.clone().unwrap(),
        expected_at: at(600),
        reason: WaitReason::AppBudget,
    };
    let (back, sent) = stepped(&held, again, at(411)).unwrap();
    assert_eq!((sent, back.state.attempts, back.state.fencing_number), (None, 0, 3));
    assert_eq!((back.state.queued_ticket(), back.state.phase.name()), (Some(&ticket(7)), "deferred"));
    assert_eq!(step(&back, claimed(2, 2), at(412)), Err(Refusal::Stale), "the message that came is used up");

    let late = at(0) + TIMING.job_deadline;
    assert_eq!(back.next_check_at(), Some(late));
    for event in [Event::Check, Event::Release { at: late }] {
        let phase = after(&back, event, late).state.phase;
        assert_eq!(phase, Phase::Expired { at: late, waited_for: WaitReason::AppBudget });
    }
}

#[test]
fn a_scheduled_job_waits_for_its_time_and_its_deadline_counts_from_there() {
    let accepted = |state| Transition::accepted(job(state));
    let soon = accepted(State::first(at(60), at(0)));
    assert_eq!((soon.after.state.phase.name(), soon.effects.message), ("scheduled", Some(at(60))));
    let later = accepted(State::first(at(100_000), at(0)));
    assert_eq!((later.effects.message, later.after.next_check_at()), (None, Some(at(100_000))));
    assert_eq!(later.after.deadline(), at(100_000) + TIMING.job_deadline);
    let (queued, sent) = stepped(&later.after, Event::Check, at(100_010)).unwrap();
    assert_eq!((queued.state.phase.name(), sent), ("queued", message(2, at(100_010))));
}

#[test]
fn the_sweep_sends_anew_what_seems_lost_and_expires_what_is_late() {
    let lost = at(0) + TIMING.orphaned_after;
    assert_eq!(first().next_check_at(), Some(lost));
    let (again, sent) = stepped(&first(), Event::Check, lost).unwrap();
    assert_eq!(sent, message(1, lost), "the message that may still wait stays good");
    assert_eq!(again.next_check_at(), Some(at(0) + 2 * TIMING.orphaned_after), "and is checked less often");
    let late = at(0) + TIMING.job_deadline;
    assert!(is_expired(&after(&first(), Event::Check, late), late));
    assert_eq!(step(&running(), Event::Check, at(40)), Err(Refusal::Early), "a lease that just ran out may be taken");
    let (resent, sent) = stepped(&running(), Event::Check, at(40) + TIMING.orphaned_after).unwrap();
    assert_eq!((sent.is_some(), resent.state.attempts, resent.state.revision), (true, 1, 3));
    assert!(resent.state.is_held_by(&claim(1)), "a holder that is late still holds it");
}

#[test]
fn a_holder_that_finds_the_deadline_passed_says_what_the_job_waited_for() {
    let deferred = after(&running(), defer(at(9), true), at(2));
    let held = after(&deferred, claimed(2, 2), at(9));
    let phase = after(&held, Event::Expire(claim(2)), at(10)).state.phase;
    assert_eq!(phase, Phase::Expired { at: at(10), waited_for: busy() });
}

#[test]
fn a_verification_goes_on_until_its_end_whoever_does_it() {
    let verify = |due| Event::Verify { claim: claim(1), due_at: due, window: VERIFICATION };
    let verifying = after(&writing(), verify(at(10)), at(5));
    let until = at(5) + VERIFICATION;
    let reason = WaitReason::Verification { until };
    assert_eq!(verifying.state.waiting().map(Waiting::reason), Some(&reason));
    let held = after(&verifying, claimed(1, 2), at(10));
    assert_eq!(held.state.attempts, 1, "a verification is no attempt");
    let taken_over = after(&held, claimed(2, 2), at(40));
    assert!(matches!(taken_over.state.phase,
        Phase::Running(Claim { activity: Activity::Verify { until: u }, .. }) if u == until));
    let again = after(&held, verify(at(30)), at(20));
    assert_eq!(again.state.waiting().map(Waiting::reason), Some(&reason), "trying again does not prolong it");
}

#[test]
fn a_worker_that_lost_its_lease_ends_nothing() {
    let taken = after(&running(), claimed(2, 1), at(40));
    let end = Event::complete(claim(1), StoredResult::SeparateItem);
    assert_eq!(step(&taken, end, at(41)), Err(Refusal::NotHolder));
}

#[test]
fn a_dead_lettered_job_is_dead_and_can_be_replayed_by_force_if_its_write_is_in_doubt() {
    let dead_lettered = |fencing_number| Event::DeadLettered { fencing_number };
    assert_eq!(step(&running(), dead_lettered(1), at(1)), Err(Refusal::Busy));
    assert_eq!(step(&running(), dead_lettered(2), at(40)), Err(Refusal::Stale));
    let dead = after(&running(), dead_lettered(1), at(40));
    let (again, sent) = stepped(&dead, Event::Replay { force: false, admission: None }, at(50)).unwrap();
    assert_eq!((again.state.run, again.state.attempts, again.deadline()), (2, 0, at(50) + TIMING.job_deadline));
    assert_eq!(sent, message(2, at(50)));
    let with_ticket = Job { state: State { ticket: Some(ticket(1)), ..dead.state.clone() }, ..dead.clone() };
    let again = after(&with_ticket, Event::Replay { force: false, admission: None }, at(50));
    assert_eq!(again.state.ticket, None, "another run does not go before those who wait by now");
    let admission = Some(Admission::Enqueue { ticket: ticket(9), expected_at: at(70), refusal: None });
    let turn = after(&dead, Event::Replay { force: false, admission }, at(50));
    assert_eq!((turn.state.queued_ticket(), turn.state.due_at), (Some(&ticket(9)), at(70)));
    assert_eq!((turn.state.eligible_at, turn.state.fencing_number), (at(50), again.state.fencing_number));
    let admission = Some(Admission::RunNow(ticket(9)));
    let next = after(&dead, Event::Replay { force: false, admission }, at(50));
    assert_eq!((next.state.phase.name(), next.state.ticket.clone()), ("queued", Some(ticket(9))));
    assert_eq!(step(&running(), Event::Replay { force: true, admission: None }, at(50)), Err(Refusal::NotDead));

    let in_doubt = after(&writing(), dead_lettered(1), at(40));
    assert_eq!(step(&in_doubt, Event::Replay { force: false, admission: None }, at(50)), Err(Refusal::NeedsForce));
    assert!(step(&in_doubt, Event::Replay { force: true, admission: None }, at(50)).is_ok());

    let exhausted = after(&writing(), Event::GiveUp(claim(1), failure()), at(2));
    assert!(
        step(&exhausted, Event::Replay { force: false, admission: None }, at(50)).is_ok(),
        "what took no effect may be repeated"
    );
    let (waiting, sent) = stepped(&first(), dead_lettered(1), at(5)).unwrap();
    assert_eq!((waiting.state.phase.name(), sent.is_some()), ("queued", true), "a job nobody held goes on");
}

#[test]
fn an_expired_job_was_not_attempted() {
    let expired = after(&running(), Event::Expire(claim(1)), at(20));
    assert_eq!((expired.state.attempts, expired.state.started_at), (0, None), "it expires before it calls");
}

#[test]
fn after_resends_a_shorter_wait_is_checked_in_its_time() {
    let resent = Job { state: State { resends: 7, ..running().state }, ..running() };
    let wait = step(&resent, defer(at(1_200), true), at(1)).unwrap();
    assert_eq!(wait.effects.next_check, NextCheck::At(wait.after.next_check_at().unwrap()));
    let wait = step(&running(), defer(at(1_200), true), at(1)).unwrap();
    assert_eq!(wait.effects.next_check, NextCheck::Same, "else it costs no index entry");
}

/// The event as it happens at `now`: nobody asks for a time that is past.
fn in_time(event: Event, now: Timestamp) -> Event {
    match event {
        Event::Claim { fencing_number, claim, .. } => {
            Event::Claim { fencing_number, claim, lease_until: now + TIMING.lease }
        }
        Event::Defer { claim, due_at, reason, attempted } => {
            Event::Defer { claim, due_at: due_at.max(now), reason, attempted }
        }
        Event::Verify { claim, due_at, window } => Event::Verify { claim, due_at: due_at.max(now), window },
        Event::JoinQueue { claim, ticket, expected_at, reason } => {
            Event::JoinQueue { claim, ticket, expected_at: expected_at.max(now), reason }
        }
        Event::Follow { claim, leader, due_at } => Event::Follow { claim, leader, due_at: due_at.max(now) },
        Event::SendAgain { claim, due_at } => Event::SendAgain { claim, due_at: due_at.max(now) },
        Event::Renew { claim, .. } => Event::Renew { claim, lease_until: now + TIMING.lease },
        Event::AwaitTicket { claim, ticket, due_at, until } => {
            Event::AwaitTicket { claim, ticket, due_at: due_at.max(now), until: until.max(now) }
        }
        Event::Release { at } => Event::Release { at: at.max(now) },
        other => other,
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let who = (0u8..3).prop_map(claim);
    prop_oneof![
        (1u32..6, who.clone(), 0i64..2000).prop_map(|(fencing_number, claim, until)| Event::Claim {
            fencing_number,
            claim,
            lease_until: at(until)
        }),
        who.clone().prop_map(|claim| Event::WriteStarted { claim, photo_version: None }),
        who.clone().prop_map(|claim| Event::complete(claim, StoredResult::SeparateItem)),
        who.clone().prop_map(|claim| Event::Fail(claim, failure())),
        who.clone().prop_map(|claim| Event::GiveUp(claim, failure())),
        who.clone().prop_map(Event::Expire),
        (who.clone(), 0i64..2000, any::<bool>()).prop_map(|(claim, due, attempted)| Event::Defer {
            claim,
            due_at: at(due),
            reason: busy(),
            attempted
        }),
        (who.clone(), 0i64..2000).prop_map(|(claim, due)| Event::Verify {
            claim,
            due_at: at(due),
            window: VERIFICATION
        }),
        (who.clone(), 0i64..2000).prop_map(|(claim, until)| Event::Renew { claim, lease_until: at(until) }),
        (who.clone(), 0i64..2000).prop_map(|(claim, due)| Event::SendAgain { claim, due_at: at(due) }),
        (who.clone(), 0i64..2000, 0i64..2000).prop_map(|(claim, due, until)| Event::AwaitTicket {
            claim,
            ticket: Ticket { id: "1-2".to_owned(), asked: 0 },
            due_at: at(due),
            until: at(until)
        }),
        (who.clone(), 0i64..2000).prop_map(|(claim, expected)| Event::JoinQueue {
            claim,
            ticket: QueueTicket { tag: 1, ..ticket(1) },
            expected_at: at(expected),
            reason: WaitReason::Circuit
        }),
        (who, 0u8..3, 0i64..2000).prop_map(|(claim, leader, due)| Event::Follow {
            claim,
            leader: job_id(leader),
            due_at: at(due)
        }),
        (0i64..2000).prop_map(|due| Event::Release { at: at(due) }),
        Just(LEASE_EXPIRED),
        Just(Event::Check),
        (1u32..6).prop_map(|fencing_number| Event::DeadLettered { fencing_number }),
        any::<bool>().prop_map(|force| Event::Replay { force, admission: None }),
        Just(Event::Restored),
    ]
}

fn any_job() -> impl Strategy<Value = Job> {
    let verification = prop_oneof![Just(None), Just(Some(Verification::ReadBack))];
    let idempotency = prop_oneof![Just(Idempotency::Idempotent), Just(Idempotency::NonIdempotent)];
    (verification, idempotency).prop_map(|(verification, idempotency)| Job { verification, idempotency, ..first() })
}

proptest! {
    #[test]
    fn a_run_ends_at_most_once_and_numbers_only_grow(
        job in any_job(), events in prop::collection::vec((any_event(), 0i64..2000), 0..80)
    ) {
        let mut job = job;
        for (event, now) in events {
            let replayed = matches!(event, Event::Replay { .. });
            if let Ok(Transition { before, after, effects }) = step(&job, event, at(now)) {
                prop_assert_eq!(before.as_ref(), Some(&job.state));
                let (was, is) = (&job.state, &after.state);
                let stays_ended = is.phase == was.phase && is.run == was.run;
                prop_assert!(!was.is_terminal() || stays_ended || (replayed && is.run == was.run + 1));
                prop_assert!(is.fencing_number >= was.fencing_number && is.run >= was.run);
                prop_assert!(is.revision == was.revision + 1 || is == was, "each step is a revision");
                let resent = is.resends == was.resends + 1 && is.fencing_number == was.fencing_number;
                prop_assert!(effects.message.is_none() || resent || is.fencing_number == was.fencing_number + 1);
                prop_assert_eq!(after.next_check_at().is_none(), is.is_terminal());
                job = after;
            }
        }
    }

    #[test]
    fn an_open_job_is_never_forgotten(
        job in any_job(), events in prop::collection::vec((any_event(), 0i64..2000), 0..40)
    ) {
        let mut job = job;
        for (event, now) in events {
            if let Ok(transition) = step(&job, event, at(now)) {
                job = transition.after;
            }
        }
        for _ in 0..5 {
            let Some(time) = job.next_check_at() else { break };
            let (next, sent) = stepped(&job, Event::Check, time).unwrap();
            prop_assert!(next.state.is_terminal() || sent.is_some(), "a check acts");
            prop_assert!(next.next_check_at().is_none_or(|later| later > time), "and does not come back at once");
            job = next;
        }
    }

    /// What the sweep finds in its list is where the checks of transitions have left it.
    #[test]
    fn a_check_is_never_listed_too_late(
        job in any_job(), events in prop::collection::vec((any_event(), 0i64..300), 0..60)
    ) {
        let (mut job, mut now) = (job, at(0));
        let (mut listed, mut sent) = (job.next_check_at(), vec![job.state.fencing_number]);
        for (event, seconds) in events {
            now = now + Duration::from_secs(u64::try_from(seconds).unwrap());
            let comes = match &event {
                Event::Check => listed.is_some_and(|listed| listed <= now),
                Event::Claim { fencing_number, .. } | Event::DeadLettered { fencing_number } => {
                    sent.contains(fencing_number)
                }
                _ => true,
            };
            if !comes {
                continue;
            }
            if let Ok(Transition { after, effects, .. }) = step(&job, in_time(event, now), now) {
                match effects.next_check {
                    NextCheck::Same => {}
                    NextCheck::Cleared => listed = None,
                    NextCheck::At(at) => listed = Some(at),
                }
                job = after;
                sent.extend(effects.message.map(|_| job.state.fencing_number));
                prop_assert_eq!(listed.is_some(), !job.state.is_terminal());
                prop_assert!(listed <= job.next_check_at(), "{:?} {:?}", listed, job);
            }
        }
    }

    #[test]
    fn a_write_that_may_have_been_sent_is_never_called_again_but_by_its_holder_or_force(
        verifiable: bool, events in prop::collection::vec((any_event(), 0i64..2000), 0..80)
    ) {
        // The holder alone knows: it defers and gives up what took no effect.
        let holder_or_force = |event: &Event| matches!(event,
            Event::Defer { .. } | Event::JoinQueue { .. } | Event::Follow { .. } | Event::GiveUp(..)
            | Event::Replay { force: true, .. } | Event::Complete { .. });
        let mut job = if verifiable { writing_verifiable() } else { writing() };
        for (event, now) in events.into_iter().filter(|(event, _)| !holder_or_force(event)) {
            if let Ok(transition) = step(&job, event, at(now)) {
                let state = &transition.after.state;
                let calls_anew = matches!(&state.phase, Phase::Running(Claim { activity: Activity::Call, .. }))
                    || state.phase.name() == "queued";
                prop_assert!(!calls_anew && state.in_doubt, "{:?}", state);
                job = transition.after;
            }
        }
    }

    /// The job may have gone on for any time without a record of it: its write is not sent again.
    #[test]
    fn after_a_restore_a_write_that_must_not_be_repeated_is_called_again_by_force_alone(
        verifiable: bool,
        until_restored in prop::collection::vec((any_event(), 0i64..2000), 0..40),
        then in prop::collection::vec((any_event(), 0i64..2000), 0..40),
    ) {
        let verification = verifiable.then_some(Verification::ReadBack);
        let mut job = Job { verification, idempotency: Idempotency::NonIdempotent, ..first() };
        for (event, now) in until_restored {
            job = step(&job, event, at(now)).map_or(job, |transition| transition.after);
        }
        match step(&job, Event::Restored, at(3000)) {
            Ok(transition) => job = transition.after,
            Err(refusal) => prop_assert!(matches!(refusal, Refusal::InDoubt | Refusal::Ended), "{refusal:?}"),
        }
        // The holder alone knows what took no effect; after the restore it holds the job to verify it.
        let holder_or_force = |event: &Event| matches!(event,
            Event::Defer { .. } | Event::JoinQueue { .. } | Event::Follow { .. } | Event::GiveUp(..)
            | Event::Replay { force: true, .. } | Event::Complete { .. });
        for (event, seconds) in then.into_iter().filter(|(event, _)| !holder_or_force(event)) {
            if let Ok(transition) = step(&job, event, at(3000 + seconds)) {
                job = transition.after;
                let state = &job.state;
                let calls_anew = matches!(&state.phase, Phase::Running(Claim { activity: Activity::Call, .. }))
                    || state.phase.name() == "queued";
                prop_assert!(!calls_anew, "{:?}", state);
            }
        }
    }

    /// A revision names one state: whoever read it writes on it, or not at all.
    #[test]
    fn what_was_computed_from_an_older_revision_is_told_from_the_present_one(
        job in any_job(), events in prop::collection::vec((any_event(), 0i64..2000), 2..40)
    ) {
        let mut seen = std::collections::BTreeMap::from([(job.state.revision, job.state.clone())]);
        let mut job = job;
        for (event, now) in events {
            if let Ok(transition) = step(&job, event, at(now)) {
                job = transition.after;
                let before = seen.insert(job.state.revision, job.state.clone());
                prop_assert!(before.is_none_or(|before| before == job.state));
            }
        }
    }
}

#[test]
fn a_wait_is_no_longer_than_the_queues_delay_unless_the_sweep_ends_it() {
    for (seconds, by) in [(900, WakeBy::Queue), (901, WakeBy::Sweep)] {
        let deferred = after(&running(), defer(at(2) + Duration::from_secs(seconds), true), at(2));
        assert_eq!(wake_by(&deferred), Some(by), "{seconds}");
    }
}

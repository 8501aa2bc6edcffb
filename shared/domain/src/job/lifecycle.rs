//! The life of a job, as one total function.
//!
//! [`step`] says for every state and event what follows: a new state with its effects, or why
//! nothing does. A terminal phase is never left, so a job ends once; only the holder of the claim
//! ends it, so a worker that lost its lease changes nothing.

use serde::{Deserialize, Serialize};

use super::{Failure, FailureCode, StoredResult};
use crate::{ClaimId, Timestamp};

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The number of the message that may run the job: each time it is sent the number grows, and
    /// a message that carries another is stale.
    pub dispatch: u32,
    /// How many claims led, or may have led, to a call.
    pub attempts: u32,
    /// When it was first claimed.
    pub started_at: Option<Timestamp>,
    /// The rest, by phase.
    pub phase: Phase,
}

/// The phases of a job's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// A message for it is in the queue.
    Queued,
    /// A worker holds it.
    Running(Claim),
    /// It waits to be tried again.
    Deferred {
        /// When.
        due_at: Timestamp,
        /// Why, for people.
        why: String,
    },
    /// Flickr did what was asked.
    Completed {
        /// When it ended.
        at: Timestamp,
        /// Where Flickr's answer is kept.
        result: StoredResult,
    },
    /// It will not be tried again.
    Failed {
        /// When it ended.
        at: Timestamp,
        /// Why.
        failure: Failure,
    },
    /// Its deadline passed.
    Expired {
        /// When it ended.
        at: Timestamp,
    },
}

/// A worker's hold on a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Which worker, at which receive.
    pub id: ClaimId,
    /// Until when no other may take the job.
    pub lease_until: Timestamp,
    /// Whether a write that must not be repeated may have been sent.
    pub calling: bool,
}

/// What happens to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A worker received the message with this dispatch number.
    Claim {
        /// The number the message carries.
        dispatch: u32,
        /// The worker's hold.
        claim: ClaimId,
        /// Until when it asks to hold the job.
        lease_until: Timestamp,
    },
    /// The holder is about to send a write that must not be repeated.
    Calling(ClaimId),
    /// The holder has Flickr's answer, kept.
    Complete(ClaimId, StoredResult),
    /// The holder gives up.
    Fail(ClaimId, Failure),
    /// The holder puts the job off.
    Defer {
        /// The holder.
        claim: ClaimId,
        /// Until when.
        due_at: Timestamp,
        /// Why, for people.
        why: String,
        /// Whether the claim counts as an attempt.
        attempted: bool,
    },
    /// The holder found the deadline passed.
    Expire(ClaimId),
    /// A worker found the lease of a write that must not be repeated run out, and the write
    /// possibly sent.
    Doubt,
}

/// What must follow a transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send a message with this dispatch number, to be seen at `at`.
    Send {
        /// The dispatch number.
        dispatch: u32,
        /// When a worker should see it.
        at: Timestamp,
    },
}

/// Why an event changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The message carries another dispatch number than the job.
    Stale,
    /// Another worker holds the job.
    Busy,
    /// The lease ran out after a write that must not be repeated was possibly sent.
    Doubtful,
    /// The job has ended.
    Ended,
    /// The event comes from a worker that does not hold the job.
    NotHolder,
}

impl State {
    /// A job just accepted, with its first message to be sent.
    pub const fn first() -> Self {
        State { dispatch: 1, attempts: 0, started_at: None, phase: Phase::Queued }
    }

    /// Whether the job has ended.
    pub const fn is_terminal(&self) -> bool {
        self.phase.ended_at().is_some()
    }
}

impl Phase {
    /// As the API writes it.
    pub const fn name(&self) -> &'static str {
        match self {
            Phase::Queued => "queued",
            Phase::Running(_) => "running",
            Phase::Deferred { .. } => "deferred",
            Phase::Completed { .. } => "completed",
            Phase::Failed { .. } => "failed",
            Phase::Expired { .. } => "expired",
        }
    }

    /// When the job ended; `None` while it is open.
    pub const fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Phase::Queued | Phase::Running(_) | Phase::Deferred { .. } => None,
            Phase::Completed { at, .. } | Phase::Failed { at, .. } | Phase::Expired { at } => Some(*at),
        }
    }
}

/// What follows from `event` in `state` at `now`.
///
/// # Errors
/// A [`Refusal`] when the event changes nothing.
pub fn step(state: &State, event: Event, now: Timestamp) -> Result<(State, Vec<Effect>), Refusal> {
    if state.is_terminal() {
        return Err(Refusal::Ended);
    }
    match event {
        Event::Claim { dispatch, claim, lease_until } => take(state, dispatch, claim, lease_until, now),
        Event::Doubt => match &state.phase {
            Phase::Running(held) if held.calling && held.lease_until <= now => {
                Ok((ended(state, Phase::Failed { at: now, failure: doubt() }), vec![]))
            }
            _ => Err(Refusal::Busy),
        },
        Event::Calling(claim) => {
            let held = holder(state, &claim)?;
            let phase = Phase::Running(Claim { calling: true, ..held.clone() });
            Ok((State { phase, ..state.clone() }, vec![]))
        }
        Event::Complete(claim, result) => {
            holder(state, &claim)?;
            Ok((ended(state, Phase::Completed { at: now, result }), vec![]))
        }
        Event::Fail(claim, failure) => {
            holder(state, &claim)?;
            Ok((ended(state, Phase::Failed { at: now, failure }), vec![]))
        }
        Event::Expire(claim) => {
            holder(state, &claim)?;
            Ok((ended(state, Phase::Expired { at: now }), vec![]))
        }
        Event::Defer { claim, due_at, why, attempted } => {
            holder(state, &claim)?;
            let dispatch = state.dispatch.saturating_add(1);
            let attempts = if attempted { state.attempts } else { state.attempts.saturating_sub(1) };
            let deferred =
                State { dispatch, attempts, started_at: state.started_at, phase: Phase::Deferred { due_at, why } };
            Ok((deferred, vec![Effect::Send { dispatch, at: due_at }]))
        }
    }
}

fn take(
    state: &State,
    dispatch: u32,
    claim: ClaimId,
    lease_until: Timestamp,
    now: Timestamp,
) -> Result<(State, Vec<Effect>), Refusal> {
    if state.dispatch != dispatch {
        return Err(Refusal::Stale);
    }
    if let Phase::Running(held) = &state.phase {
        if held.id == claim {
            return Ok((state.clone(), vec![]));
        }
        if held.lease_until > now {
            return Err(Refusal::Busy);
        }
        if held.calling {
            return Err(Refusal::Doubtful);
        }
    }
    let taken = State {
        dispatch,
        attempts: state.attempts.saturating_add(1),
        started_at: state.started_at.or(Some(now)),
        phase: Phase::Running(Claim { id: claim, lease_until, calling: false }),
    };
    Ok((taken, vec![]))
}

fn holder<'a>(state: &'a State, claim: &ClaimId) -> Result<&'a Claim, Refusal> {
    match &state.phase {
        Phase::Running(held) if held.id == *claim => Ok(held),
        _ => Err(Refusal::NotHolder),
    }
}

fn ended(state: &State, phase: Phase) -> State {
    State { phase, ..state.clone() }
}

fn doubt() -> Failure {
    Failure {
        code: FailureCode::OutcomeUnknown,
        message: "the worker stopped after the write may have been sent; it was not sent again".to_owned(),
        flickr_code: None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(seconds * 1000)
    }

    fn claim(number: u8) -> ClaimId {
        ClaimId::from_bytes([number; 16])
    }

    fn claimed(number: u8, dispatch: u32) -> Event {
        Event::Claim { dispatch, claim: claim(number), lease_until: at(40) }
    }

    fn running() -> State {
        step(&State::first(), claimed(1, 1), at(0)).unwrap().0
    }

    #[test]
    fn a_claim_starts_the_job_and_counts() {
        let state = running();
        assert_eq!((state.attempts, state.started_at), (1, Some(at(0))));
        assert!(matches!(state.phase, Phase::Running(Claim { calling: false, .. })));
    }

    #[test]
    fn a_claim_repeated_by_its_holder_changes_nothing() {
        assert_eq!(step(&running(), claimed(1, 1), at(1)), Ok((running(), vec![])));
    }

    #[test]
    fn a_claim_is_refused_while_another_holds_the_job() {
        assert_eq!(step(&running(), claimed(2, 1), at(39)), Err(Refusal::Busy));
    }

    #[test]
    fn a_lease_that_ran_out_is_taken_over_unless_a_write_may_have_been_sent() {
        let (taken, _) = step(&running(), claimed(2, 1), at(40)).unwrap();
        assert_eq!(taken.attempts, 2);
        let (calling, _) = step(&running(), Event::Calling(claim(1)), at(1)).unwrap();
        assert_eq!(step(&calling, claimed(2, 1), at(40)), Err(Refusal::Doubtful));
        assert_eq!(step(&calling, Event::Doubt, at(39)), Err(Refusal::Busy));
        let (failed, _) = step(&calling, Event::Doubt, at(40)).unwrap();
        assert!(matches!(failed.phase, Phase::Failed { failure, .. } if failure.code == FailureCode::OutcomeUnknown));
    }

    #[test]
    fn a_deferral_sends_the_next_dispatch_and_makes_the_old_message_stale() {
        let defer = |attempted| Event::Defer { claim: claim(1), due_at: at(9), why: "busy".to_owned(), attempted };
        let (deferred, effects) = step(&running(), defer(true), at(2)).unwrap();
        assert_eq!(effects, [Effect::Send { dispatch: 2, at: at(9) }]);
        assert_eq!(deferred.attempts, 1);
        assert_eq!(step(&deferred, claimed(2, 1), at(9)), Err(Refusal::Stale));
        assert!(step(&deferred, claimed(2, 2), at(9)).is_ok());
        assert_eq!(step(&running(), defer(false), at(2)).unwrap().0.attempts, 0);
    }

    #[test]
    fn a_worker_that_lost_its_lease_ends_nothing() {
        let (taken, _) = step(&running(), claimed(2, 1), at(40)).unwrap();
        assert_eq!(step(&taken, Event::Complete(claim(1), StoredResult::Beside), at(41)), Err(Refusal::NotHolder));
    }

    fn any_event() -> impl Strategy<Value = Event> {
        let who = (0u8..3).prop_map(claim);
        prop_oneof![
            (1u32..4, who.clone(), 0i64..200).prop_map(|(dispatch, claim, until)| Event::Claim {
                dispatch,
                claim,
                lease_until: at(until)
            }),
            who.clone().prop_map(Event::Calling),
            who.clone().prop_map(|claim| Event::Complete(claim, StoredResult::Beside)),
            who.clone().prop_map(|claim| Event::Fail(claim, doubt())),
            who.clone().prop_map(Event::Expire),
            (who, 0i64..200, any::<bool>()).prop_map(|(claim, due, attempted)| Event::Defer {
                claim,
                due_at: at(due),
                why: String::new(),
                attempted
            }),
            Just(Event::Doubt),
        ]
    }

    proptest! {
        #[test]
        fn a_job_ends_at_most_once_and_its_dispatch_only_grows(events in prop::collection::vec((any_event(), 0i64..200), 0..60)) {
            let mut state = State::first();
            let mut ends = 0;
            for (event, now) in events {
                if let Ok((next, effects)) = step(&state, event, at(now)) {
                    prop_assert!(!state.is_terminal());
                    prop_assert!(next.dispatch >= state.dispatch);
                    let sent = next.dispatch > state.dispatch;
                    prop_assert_eq!(sent, !effects.is_empty());
                    prop_assert_eq!(sent, matches!(next.phase, Phase::Deferred { .. }));
                    ends += usize::from(next.is_terminal());
                    state = next;
                }
            }
            prop_assert!(ends <= 1);
        }

        #[test]
        fn a_write_that_may_have_been_sent_is_never_claimed_again(events in prop::collection::vec((any_event(), 0i64..200), 0..60)) {
            let mut state = step(&running(), Event::Calling(claim(1)), at(1)).unwrap().0;
            let holder_only = |event: &Event| !matches!(event,
                Event::Defer { claim: by, .. } | Event::Complete(by, _) | Event::Fail(by, _) | Event::Expire(by) if *by == claim(1));
            for (event, now) in events.into_iter().filter(|(event, _)| holder_only(event)) {
                if let Ok((next, _)) = step(&state, event, at(now)) {
                    let still = matches!(&next.phase, Phase::Running(held) if held.id == claim(1) && held.calling);
                    prop_assert!(still || next.is_terminal());
                    state = next;
                }
            }
        }
    }
}

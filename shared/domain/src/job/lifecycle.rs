//! The life of a job, as one total function.
//!
//! [`step`] says for every state and event what follows: a new state with its effects, or why
//! nothing does. A terminal phase is left only by a replay, so a run ends once; only the holder of
//! the claim moves a running job, so a worker that lost its lease changes nothing.
//!
//! A job that waits is woken by a message: of the queue, when the wait is short enough for the
//! queue's delay, else of the sweep. The sweep also looks at a job whose message should long have
//! been received, and sends it anew: [`State::look_at`] says when. A job that waits for its app's
//! budget stands in the app's line, and gets its message when its turn has come.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Failure, FailureCode, StoredResult};
use crate::{ClaimId, JobId, Timestamp, line::Place, timing};

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The number of the run, from 1: a replay starts another.
    pub run: u32,
    /// The number of the message that may run the job: each time it is sent the number grows, and
    /// a message that carries another is stale.
    pub dispatch: u32,
    /// When the message with this number is to be seen by a worker; in the line, about when.
    pub due_at: Timestamp,
    /// Who brings that message.
    pub carrier: Carrier,
    /// How often the sweep sent that message again, because it seemed lost.
    pub resends: u32,
    /// How many claims of this run led, or may have led, to a call.
    pub attempts: u32,
    /// When this run first could have started: its deadline counts from here.
    pub runnable_at: Timestamp,
    /// When this run was first claimed by a worker that then called, or was about to.
    pub started_at: Option<Timestamp>,
    /// Whether a write that must not be repeated may have taken effect.
    pub doubt: bool,
    /// Its place in its app's line, once it has had one: it keeps it until it has ended.
    pub place: Option<Place>,
    /// The job that asks the same, and for whose answer it waits or waited last.
    pub follows: Option<JobId>,
    /// The rest, by phase.
    pub phase: Phase,
}

/// Who brings a job's message at its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    /// The queue: the message is sent, or about to be.
    Queue,
    /// The sweep, which will send it.
    Sweep,
    /// The sweep, when its turn in the line has come.
    Line,
}

/// The phases of a job's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// It waits for the time it was asked to run at.
    Scheduled,
    /// A worker may take it.
    Queued,
    /// A worker holds it.
    Running(Claim),
    /// It waits to be tried again.
    Deferred {
        /// Why, for people.
        why: String,
    },
    /// A write was sent and its outcome is unknown: it waits for the next look at Flickr.
    Verifying {
        /// When the search ends.
        until: Timestamp,
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
    /// It was given up, and can be replayed by hand.
    Dead {
        /// When it ended.
        at: Timestamp,
        /// Why.
        failure: Failure,
    },
}

/// A worker's hold on a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Which worker, at which receive.
    pub id: ClaimId,
    /// Until when no other may take the job.
    pub lease_until: Timestamp,
    /// What the worker is at.
    pub doing: Doing,
}

/// What a worker is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// Something that another worker may begin anew.
    Call,
    /// A write that must not be repeated: it may have been sent.
    UnrepeatableCall,
    /// Looking whether a write took effect.
    Check {
        /// When the search ends.
        until: Timestamp,
    },
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
    /// The holder gives up, and a person may try again.
    Bury(ClaimId, Failure),
    /// The holder puts the job off: what it did, if anything, took no effect or may be repeated.
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
    /// The holder may not call now: the job joins its app's line. That is no attempt.
    Line {
        /// The holder.
        claim: ClaimId,
        /// Where in the line.
        place: Place,
        /// About when its turn comes.
        expected_at: Timestamp,
        /// Why, for people.
        why: String,
    },
    /// Another job asks the same: the holder waits for its answer. That is no attempt.
    Follow {
        /// The holder.
        claim: ClaimId,
        /// The other job.
        leader: JobId,
        /// When to look for its answer.
        due_at: Timestamp,
    },
    /// The job's turn in the line has come.
    Release {
        /// When its message is to be seen.
        at: Timestamp,
    },
    /// The holder does not know whether its write took effect, and puts the next look off.
    Verify {
        /// The holder.
        claim: ClaimId,
        /// Until when.
        due_at: Timestamp,
    },
    /// The holder found the deadline passed.
    Expire(ClaimId),
    /// A worker found the lease of a write run out that must not be repeated.
    Doubt {
        /// Whether it can be found out if the write took effect.
        checkable: bool,
    },
    /// The sweep looks whether anything is left to do that nobody does.
    Look,
    /// The message with this number crashed its workers, or was not received for too long.
    Poison {
        /// The number the message carries.
        dispatch: u32,
    },
    /// An operator asks for another run of a dead job.
    Replay {
        /// Even if a write that must not be repeated may have taken effect.
        force: bool,
    },
}

/// What must follow a transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send the message with this dispatch number to the queue, to be seen at `at`.
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
    /// The message came before its time.
    Early,
    /// A worker holds the job.
    Busy,
    /// The lease ran out after a write that must not be repeated was possibly sent.
    Doubtful,
    /// The run has ended.
    Ended,
    /// The job does not stand in the line.
    NotInLine,
    /// The event comes from a worker that does not hold the job.
    NotHolder,
    /// The job is not dead.
    NotDead,
    /// A write that must not be repeated may have taken effect: only force replays it.
    NeedsForce,
}

/// How far a worker's clock may run behind the one that set a due time.
pub const CLOCK_SKEW: Duration = Duration::from_secs(2);

impl State {
    /// A job just accepted, to run at `runnable_at`, with the message to send, if it is time.
    pub fn first(runnable_at: Timestamp, now: Timestamp) -> (Self, Vec<Effect>) {
        let state = Self::accepted(runnable_at, now);
        let due_at = state.runnable_at;
        sent(state, due_at, now)
    }

    /// A job just accepted that could run now, and stands in its app's line.
    pub fn in_line(place: Place, expected_at: Timestamp, now: Timestamp) -> Self {
        lined(Self::accepted(now, now), place, expected_at)
    }

    fn accepted(runnable_at: Timestamp, now: Timestamp) -> Self {
        let waits = runnable_at > now;
        State {
            run: 1,
            dispatch: 0,
            due_at: now,
            carrier: Carrier::Sweep,
            resends: 0,
            attempts: 0,
            runnable_at: runnable_at.max(now),
            started_at: None,
            doubt: false,
            place: None,
            follows: None,
            phase: if waits { Phase::Scheduled } else { Phase::Queued },
        }
    }

    /// Whether the run has ended.
    pub const fn is_terminal(&self) -> bool {
        self.phase.ended_at().is_some()
    }

    /// When the run expires, started or not.
    pub fn deadline(&self) -> Timestamp {
        self.runnable_at + timing::JOB_DEADLINE
    }

    /// When the sweep is to look at the job, if nothing happens to it before: `None` once it has
    /// ended.
    pub fn look_at(&self) -> Option<Timestamp> {
        // A message that was sent again, and is still not received, waits in a long queue: it is
        // looked after less and less often, or the queue would grow by the looking.
        let patience = timing::ORPHANED_AFTER * (1 << self.resends.min(16));
        let message = match self.carrier {
            Carrier::Queue => self.due_at + patience,
            Carrier::Sweep | Carrier::Line => self.due_at,
        };
        let deadline = self.deadline();
        match &self.phase {
            Phase::Queued | Phase::Deferred { .. } if self.carrier == Carrier::Line => Some(deadline),
            Phase::Scheduled | Phase::Queued | Phase::Deferred { .. } => Some(message.min(deadline)),
            Phase::Verifying { .. } => Some(message),
            Phase::Running(claim) => Some(claim.lease_until.max(self.due_at) + patience),
            Phase::Completed { .. } | Phase::Failed { .. } | Phase::Expired { .. } | Phase::Dead { .. } => None,
        }
    }
}

impl Phase {
    /// As the API writes it.
    pub const fn name(&self) -> &'static str {
        match self {
            Phase::Scheduled => "scheduled",
            Phase::Queued => "queued",
            Phase::Running(_) => "running",
            Phase::Deferred { .. } => "deferred",
            Phase::Verifying { .. } => "verifying",
            Phase::Completed { .. } => "completed",
            Phase::Failed { .. } => "failed",
            Phase::Expired { .. } => "expired",
            Phase::Dead { .. } => "dead",
        }
    }

    /// When the run ended; `None` while it is open.
    pub const fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Phase::Scheduled | Phase::Queued | Phase::Running(_) | Phase::Deferred { .. } | Phase::Verifying { .. } => {
                None
            }
            Phase::Completed { at, .. } | Phase::Failed { at, .. } | Phase::Expired { at } | Phase::Dead { at, .. } => {
                Some(*at)
            }
        }
    }
}

/// What follows from `event` in `state` at `now`.
///
/// # Errors
/// A [`Refusal`] when the event changes nothing.
pub fn step(state: &State, event: Event, now: Timestamp) -> Result<(State, Vec<Effect>), Refusal> {
    if let Event::Replay { force } = event {
        return replay(state, force, now);
    }
    if state.is_terminal() {
        return Err(Refusal::Ended);
    }
    match event {
        Event::Claim { dispatch, claim, lease_until } => take(state, dispatch, claim, lease_until, now),
        Event::Calling(claim) => {
            let held = holder(state, &claim)?;
            let phase = Phase::Running(Claim { doing: Doing::UnrepeatableCall, ..held.clone() });
            Ok((State { doubt: true, phase, ..state.clone() }, vec![]))
        }
        Event::Complete(claim, result) => {
            holder(state, &claim)?;
            let state = &if result.is_own() { state.clone() } else { not_attempted(state) };
            Ok((State { doubt: false, ..ended(state, Phase::Completed { at: now, result }) }, vec![]))
        }
        Event::Fail(claim, failure) => {
            holder(state, &claim)?;
            Ok((ended(state, Phase::Failed { at: now, failure }), vec![]))
        }
        Event::Bury(claim, failure) => {
            holder(state, &claim)?;
            // Attempts are exhausted by what took no effect.
            let doubt = state.doubt && failure.code != FailureCode::AttemptsExhausted;
            Ok((State { doubt, ..ended(state, Phase::Dead { at: now, failure }) }, vec![]))
        }
        Event::Expire(claim) => {
            holder(state, &claim)?;
            Ok((ended(state, Phase::Expired { at: now }), vec![]))
        }
        Event::Defer { claim, due_at, why, attempted } => {
            holder(state, &claim)?;
            let state = if attempted { state.clone() } else { not_attempted(state) };
            Ok(sent(State { doubt: false, phase: Phase::Deferred { why }, ..state }, due_at, now))
        }
        Event::Line { claim, place, expected_at, why } => {
            holder(state, &claim)?;
            let waiting = State { doubt: false, phase: Phase::Deferred { why }, ..not_attempted(state) };
            Ok((lined(waiting, place, expected_at), vec![]))
        }
        Event::Follow { claim, leader, due_at } => {
            holder(state, &claim)?;
            let phase = Phase::Deferred { why: format!("{leader} asks the same, and shares its answer") };
            let waiting = State { doubt: false, follows: Some(leader), phase, ..not_attempted(state) };
            Ok(sent(waiting, due_at, now))
        }
        Event::Release { at } => match &state.phase {
            Phase::Queued | Phase::Deferred { .. } if state.carrier == Carrier::Line => {
                if state.deadline() <= now {
                    return Ok((ended(state, Phase::Expired { at: now }), vec![]));
                }
                Ok(sent(state.clone(), at, now))
            }
            _ => Err(Refusal::NotInLine),
        },
        Event::Verify { claim, due_at } => {
            let until = match holder(state, &claim)?.doing {
                Doing::Check { until } => until,
                Doing::Call | Doing::UnrepeatableCall => now + timing::VERIFICATION,
            };
            Ok(verifying(state, due_at, until, now))
        }
        Event::Doubt { checkable } => match &state.phase {
            Phase::Running(held) if held.doing == Doing::UnrepeatableCall && held.lease_until <= now => {
                Ok(if checkable {
                    verifying(state, now, now + timing::VERIFICATION, now)
                } else {
                    (ended(state, Phase::Failed { at: now, failure: doubt() }), vec![])
                })
            }
            _ => Err(Refusal::Busy),
        },
        Event::Look => look(state, now),
        Event::Poison { dispatch } => poison(state, dispatch, now),
        Event::Replay { .. } => Err(Refusal::NotDead),
    }
}

/// The state with its next message on the way, to be seen at `due_at`: by the queue if its delay
/// reaches so far, else by the sweep.
fn sent(state: State, due_at: Timestamp, now: Timestamp) -> (State, Vec<Effect>) {
    let dispatch = state.dispatch.saturating_add(1);
    if due_at.since(now) <= timing::LONGEST_QUEUE_DELAY {
        let state = State { dispatch, due_at, carrier: Carrier::Queue, resends: 0, ..state };
        (state, vec![Effect::Send { dispatch, at: due_at }])
    } else {
        (State { dispatch, due_at, carrier: Carrier::Sweep, resends: 0, ..state }, vec![])
    }
}

/// The state without the claim that led to no call.
fn not_attempted(state: &State) -> State {
    let attempts = state.attempts.saturating_sub(1);
    State { attempts, started_at: state.started_at.filter(|_| attempts > 0), ..state.clone() }
}

/// The state with its next message to be sent when its turn in the line has come.
fn lined(state: State, place: Place, expected_at: Timestamp) -> State {
    let dispatch = state.dispatch.saturating_add(1);
    State { dispatch, due_at: expected_at, carrier: Carrier::Line, resends: 0, place: Some(place), ..state }
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
    let doing = match &state.phase {
        Phase::Running(held) if held.id == claim => return Ok((state.clone(), vec![])),
        Phase::Running(held) if held.lease_until > now => return Err(Refusal::Busy),
        Phase::Running(held) if held.doing == Doing::UnrepeatableCall => return Err(Refusal::Doubtful),
        Phase::Running(held) => held.doing,
        _ if state.due_at > now + CLOCK_SKEW => return Err(Refusal::Early),
        Phase::Verifying { until } => Doing::Check { until: *until },
        _ => Doing::Call,
    };
    let checks = matches!(doing, Doing::Check { .. });
    let taken = State {
        attempts: state.attempts.saturating_add(u32::from(!checks)),
        started_at: state.started_at.or(Some(now)),
        phase: Phase::Running(Claim { id: claim, lease_until, doing }),
        ..state.clone()
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

fn verifying(state: &State, due_at: Timestamp, until: Timestamp, now: Timestamp) -> (State, Vec<Effect>) {
    let verifying = State { doubt: true, phase: Phase::Verifying { until }, ..state.clone() };
    sent(verifying, due_at, now)
}

fn doubt() -> Failure {
    Failure {
        code: FailureCode::OutcomeUnknown,
        message: "the worker stopped after the write may have been sent; it was not sent again".to_owned(),
        flickr_code: None,
    }
}

/// The sweep's look: expires what is past its deadline, sends what is due and what seems lost.
fn look(state: &State, now: Timestamp) -> Result<(State, Vec<Effect>), Refusal> {
    if state.look_at().is_none_or(|at| at > now) {
        return Err(Refusal::Early);
    }
    let waits = matches!(&state.phase, Phase::Scheduled | Phase::Queued | Phase::Deferred { .. });
    if waits && state.deadline() <= now {
        return Ok((ended(state, Phase::Expired { at: now }), vec![]));
    }
    let phase = match &state.phase {
        Phase::Scheduled => Phase::Queued,
        other => other.clone(),
    };
    match state.carrier {
        Carrier::Sweep | Carrier::Line => Ok(sent(State { phase, ..state.clone() }, now, now)),
        // The same message again: if the first still waits in the queue, it is as good as this one.
        Carrier::Queue => {
            let resent = State { phase, resends: state.resends.saturating_add(1), ..state.clone() };
            Ok((resent, vec![Effect::Send { dispatch: state.dispatch, at: now }]))
        }
    }
}

/// What to do with a job whose message went to the dead-letter queue.
fn poison(state: &State, dispatch: u32, now: Timestamp) -> Result<(State, Vec<Effect>), Refusal> {
    if state.dispatch != dispatch {
        return Err(Refusal::Stale);
    }
    match &state.phase {
        Phase::Running(held) if held.lease_until > now => return Err(Refusal::Busy),
        Phase::Running(_) => {}
        // Nobody held it: what failed was not its worker, and it is sent anew.
        _ => return Ok(sent(state.clone(), state.due_at.max(now + timing::ORPHANED_AFTER), now)),
    }
    let failure = Failure {
        code: FailureCode::WorkerCrashed,
        message: "the job's message was received too often without an end: its worker crashed".to_owned(),
        flickr_code: None,
    };
    Ok((ended(state, Phase::Dead { at: now, failure }), vec![]))
}

fn replay(state: &State, force: bool, now: Timestamp) -> Result<(State, Vec<Effect>), Refusal> {
    match &state.phase {
        Phase::Dead { .. } if state.doubt && !force => Err(Refusal::NeedsForce),
        Phase::Dead { .. } => {
            let again = State {
                run: state.run.saturating_add(1),
                attempts: 0,
                runnable_at: now,
                started_at: None,
                doubt: false,
                follows: None,
                phase: Phase::Queued,
                ..state.clone()
            };
            Ok(sent(again, now, now))
        }
        _ => Err(Refusal::NotDead),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::AppId;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(seconds * 1000)
    }

    fn claim(number: u8) -> ClaimId {
        ClaimId::from_bytes([number; 16])
    }

    fn claimed(number: u8, dispatch: u32) -> Event {
        Event::Claim { dispatch, claim: claim(number), lease_until: at(40) }
    }

    fn first() -> State {
        State::first(at(0), at(0)).0
    }

    fn running() -> State {
        step(&first(), claimed(1, 1), at(0)).unwrap().0
    }

    fn calling() -> State {
        step(&running(), Event::Calling(claim(1)), at(1)).unwrap().0
    }

    fn defer(due_at: Timestamp, attempted: bool) -> Event {
        Event::Defer { claim: claim(1), due_at, why: "busy".to_owned(), attempted }
    }

    fn job(number: u8) -> JobId {
        JobId::from_bytes([number; 16])
    }

    fn place(tag: u64) -> Place {
        Place { app: AppId::from_bytes([9; 16]), tag }
    }

    fn failure() -> Failure {
        Failure { code: FailureCode::AttemptsExhausted, message: String::new(), flickr_code: None }
    }

    #[test]
    fn a_claim_starts_the_job_and_counts() {
        let state = running();
        assert_eq!((state.attempts, state.started_at), (1, Some(at(0))));
        assert!(matches!(state.phase, Phase::Running(Claim { doing: Doing::Call, .. })));
    }

    #[test]
    fn a_follower_has_attempted_nothing_and_comes_back() {
        let follow = Event::Follow { claim: claim(1), leader: job(7), due_at: at(3) };
        let (state, effects) = step(&running(), follow, at(1)).unwrap();
        assert_eq!((state.attempts, state.started_at, &state.follows), (0, None, &Some(job(7))));
        assert_eq!(effects, [Effect::Send { dispatch: 2, at: at(3) }]);
        let (state, _) = step(&state, claimed(2, 2), at(3)).unwrap();
        let shared = StoredResult::Shared { leader: job(7), as_of: at(1) };
        let (state, _) = step(&state, Event::Complete(claim(2), shared), at(4)).unwrap();
        assert!(state.is_terminal());
        assert_eq!((state.attempts, state.started_at), (0, None), "it never called");
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
        assert_eq!(step(&calling(), claimed(2, 1), at(40)), Err(Refusal::Doubtful));
        assert_eq!(step(&calling(), Event::Doubt { checkable: false }, at(39)), Err(Refusal::Busy));
        let (failed, _) = step(&calling(), Event::Doubt { checkable: false }, at(40)).unwrap();
        assert!(matches!(failed.phase, Phase::Failed { failure, .. } if failure.code == FailureCode::OutcomeUnknown));
        let (verifying, effects) = step(&calling(), Event::Doubt { checkable: true }, at(40)).unwrap();
        assert!(matches!(verifying.phase, Phase::Verifying { .. }));
        assert_eq!(effects, [Effect::Send { dispatch: 2, at: at(40) }]);
    }

    #[test]
    fn a_deferral_sends_the_next_dispatch_and_makes_the_old_message_stale() {
        let (deferred, effects) = step(&running(), defer(at(9), true), at(2)).unwrap();
        assert_eq!(effects, [Effect::Send { dispatch: 2, at: at(9) }]);
        assert_eq!((deferred.attempts, deferred.carrier), (1, Carrier::Queue));
        assert_eq!(step(&deferred, claimed(2, 1), at(9)), Err(Refusal::Stale));
        assert_eq!(step(&deferred, claimed(2, 2), at(6)), Err(Refusal::Early));
        assert!(step(&deferred, claimed(2, 2), at(7)).is_ok(), "clocks differ a little");
        assert_eq!(step(&running(), defer(at(9), false), at(2)).unwrap().0.attempts, 0);
    }

    #[test]
    fn a_wait_beyond_the_queues_delay_is_the_sweeps() {
        let (deferred, effects) = step(&running(), defer(at(1000), true), at(2)).unwrap();
        assert_eq!((effects, deferred.carrier, deferred.look_at()), (vec![], Carrier::Sweep, Some(at(1000))));
        assert_eq!(step(&deferred, Event::Look, at(999)), Err(Refusal::Early));
        let (woken, effects) = step(&deferred, Event::Look, at(1000)).unwrap();
        assert_eq!(effects, [Effect::Send { dispatch: 3, at: at(1000) }]);
        assert!(step(&woken, claimed(1, 3), at(1001)).is_ok());
    }

    #[test]
    fn a_job_in_the_line_waits_for_its_turn_and_keeps_its_place() {
        let waiting = State::in_line(place(7), at(500), at(0));
        assert_eq!((waiting.phase.name(), waiting.due_at, waiting.carrier), ("queued", at(500), Carrier::Line));
        assert_eq!(step(&waiting, Event::Look, at(900)), Err(Refusal::Early), "its turn may come late");
        let (sent, effects) = step(&waiting, Event::Release { at: at(410) }, at(400)).unwrap();
        assert_eq!(effects, [Effect::Send { dispatch: 2, at: at(410) }]);
        assert_eq!(step(&sent, Event::Release { at: at(411) }, at(401)), Err(Refusal::NotInLine), "once");
        let (held, _) = step(&sent, claimed(1, 2), at(410)).unwrap();
        assert_eq!(step(&held, Event::Release { at: at(411) }, at(411)), Err(Refusal::NotInLine));
        let again = Event::Line {
            claim: claim(1),
            place: held.place.clone().unwrap(),
            expected_at: at(600),
            why: String::new(),
        };
        let (back, effects) = step(&held, again, at(411)).unwrap();
        assert_eq!((effects, back.attempts, back.dispatch, &back.place), (vec![], 0, 3, &Some(place(7))));
        assert_eq!(step(&back, claimed(2, 2), at(412)), Err(Refusal::Stale), "the message that came is used up");

        let late = at(0) + timing::JOB_DEADLINE;
        assert_eq!(back.look_at(), Some(late));
        assert_eq!(step(&back, Event::Look, late).unwrap().0.phase, Phase::Expired { at: late });
        assert_eq!(step(&back, Event::Release { at: late }, late).unwrap().0.phase, Phase::Expired { at: late });
    }

    #[test]
    fn a_scheduled_job_waits_for_its_time_and_its_deadline_counts_from_there() {
        let (soon, effects) = State::first(at(60), at(0));
        assert_eq!((soon.phase.name(), effects), ("scheduled", vec![Effect::Send { dispatch: 1, at: at(60) }]));
        let (later, effects) = State::first(at(100_000), at(0));
        assert_eq!((effects, later.look_at()), (vec![], Some(at(100_000))));
        assert_eq!(later.deadline(), at(100_000) + timing::JOB_DEADLINE);
        let (queued, effects) = step(&later, Event::Look, at(100_010)).unwrap();
        assert_eq!((queued.phase.name(), effects.len()), ("queued", 1));
    }

    #[test]
    fn the_sweep_sends_anew_what_seems_lost_and_expires_what_is_late() {
        let lost = at(0) + timing::ORPHANED_AFTER;
        assert_eq!(first().look_at(), Some(lost));
        let (again, effects) = step(&first(), Event::Look, lost).unwrap();
        assert_eq!(effects, [Effect::Send { dispatch: 1, at: lost }], "the message that may still wait stays good");
        assert_eq!(again.look_at(), Some(at(0) + 2 * timing::ORPHANED_AFTER), "and is looked after less often");
        let late = at(0) + timing::JOB_DEADLINE;
        assert_eq!(step(&first(), Event::Look, late).unwrap().0.phase, Phase::Expired { at: late });
        assert_eq!(
            step(&running(), Event::Look, at(40)),
            Err(Refusal::Early),
            "a lease that just ran out may be taken"
        );
        let (resent, effects) = step(&running(), Event::Look, at(40) + timing::ORPHANED_AFTER).unwrap();
        assert_eq!((effects.len(), resent.attempts), (1, 1));
    }

    #[test]
    fn a_check_goes_on_until_its_end_whoever_does_it() {
        let verify = |due| Event::Verify { claim: claim(1), due_at: due };
        let (verifying, _) = step(&calling(), verify(at(10)), at(5)).unwrap();
        let until = at(5) + timing::VERIFICATION;
        assert_eq!(verifying.phase, Phase::Verifying { until });
        let (checking, _) = step(&verifying, claimed(1, 2), at(10)).unwrap();
        assert_eq!(checking.attempts, 1, "a check is no attempt");
        let (taken_over, _) = step(&checking, claimed(2, 2), at(40)).unwrap();
        assert!(
            matches!(taken_over.phase, Phase::Running(Claim { doing: Doing::Check { until: u }, .. }) if u == until)
        );
        let (again, _) = step(&checking, verify(at(30)), at(20)).unwrap();
        assert_eq!(again.phase, Phase::Verifying { until }, "looking again does not prolong the search");
    }

    #[test]
    fn a_worker_that_lost_its_lease_ends_nothing() {
        let (taken, _) = step(&running(), claimed(2, 1), at(40)).unwrap();
        let end = Event::Complete(claim(1), StoredResult::Beside);
        assert_eq!(step(&taken, end, at(41)), Err(Refusal::NotHolder));
    }

    #[test]
    fn a_poisoned_job_is_dead_and_can_be_replayed_by_force_if_its_write_is_in_doubt() {
        assert_eq!(step(&running(), Event::Poison { dispatch: 1 }, at(1)), Err(Refusal::Busy));
        assert_eq!(step(&running(), Event::Poison { dispatch: 2 }, at(40)), Err(Refusal::Stale));
        let (dead, _) = step(&running(), Event::Poison { dispatch: 1 }, at(40)).unwrap();
        let (again, effects) = step(&dead, Event::Replay { force: false }, at(50)).unwrap();
        assert_eq!((again.run, again.attempts, again.deadline()), (2, 0, at(50) + timing::JOB_DEADLINE));
        assert_eq!(effects, [Effect::Send { dispatch: 2, at: at(50) }]);
        assert_eq!(step(&running(), Event::Replay { force: true }, at(50)), Err(Refusal::NotDead));

        let (doubtful, _) = step(&calling(), Event::Poison { dispatch: 1 }, at(40)).unwrap();
        assert_eq!(step(&doubtful, Event::Replay { force: false }, at(50)), Err(Refusal::NeedsForce));
        assert!(step(&doubtful, Event::Replay { force: true }, at(50)).is_ok());

        let (exhausted, _) = step(&calling(), Event::Bury(claim(1), failure()), at(2)).unwrap();
        assert!(
            step(&exhausted, Event::Replay { force: false }, at(50)).is_ok(),
            "what took no effect may be repeated"
        );
        let (waiting, effects) = step(&first(), Event::Poison { dispatch: 1 }, at(5)).unwrap();
        assert_eq!((waiting.phase, effects.len()), (Phase::Queued, 1), "a job nobody held goes on");
    }

    fn any_event() -> impl Strategy<Value = Event> {
        let who = (0u8..3).prop_map(claim);
        prop_oneof![
            (1u32..6, who.clone(), 0i64..2000).prop_map(|(dispatch, claim, until)| Event::Claim {
                dispatch,
                claim,
                lease_until: at(until)
            }),
            who.clone().prop_map(Event::Calling),
            who.clone().prop_map(|claim| Event::Complete(claim, StoredResult::Beside)),
            who.clone().prop_map(|claim| Event::Fail(claim, failure())),
            who.clone().prop_map(|claim| Event::Bury(claim, failure())),
            who.clone().prop_map(Event::Expire),
            (who.clone(), 0i64..2000, any::<bool>()).prop_map(|(claim, due, attempted)| Event::Defer {
                claim,
                due_at: at(due),
                why: String::new(),
                attempted
            }),
            (who, 0i64..2000).prop_map(|(claim, due)| Event::Verify { claim, due_at: at(due) }),
            (0u8..3, 0i64..2000).prop_map(|(who, expected)| Event::Line {
                claim: claim(who),
                place: place(1),
                expected_at: at(expected),
                why: String::new()
            }),
            (0u8..3, 0u8..3, 0i64..2000).prop_map(|(who, leader, due)| Event::Follow {
                claim: claim(who),
                leader: job(leader),
                due_at: at(due)
            }),
            (0i64..2000).prop_map(|due| Event::Release { at: at(due) }),
            any::<bool>().prop_map(|checkable| Event::Doubt { checkable }),
            Just(Event::Look),
            (1u32..6).prop_map(|dispatch| Event::Poison { dispatch }),
            any::<bool>().prop_map(|force| Event::Replay { force }),
        ]
    }

    proptest! {
        #[test]
        fn a_run_ends_at_most_once_and_dispatches_only_grow(
            events in prop::collection::vec((any_event(), 0i64..2000), 0..80)
        ) {
            let mut state = first();
            for (event, now) in events {
                let replayed = matches!(event, Event::Replay { .. });
                if let Ok((next, effects)) = step(&state, event, at(now)) {
                    prop_assert!(!state.is_terminal() || (replayed && next.run == state.run + 1));
                    prop_assert!(next.dispatch >= state.dispatch && next.run >= state.run);
                    let resent = next.resends == state.resends + 1 && next.dispatch == state.dispatch;
                    prop_assert!(effects.is_empty() || resent || next.dispatch == state.dispatch + 1);
                    prop_assert_eq!(next.look_at().is_none(), next.is_terminal());
                    state = next;
                }
            }
        }

        #[test]
        fn an_open_job_is_never_forgotten(
            events in prop::collection::vec((any_event(), 0i64..2000), 0..40)
        ) {
            let mut state = first();
            for (event, now) in events {
                if let Ok((next, _)) = step(&state, event, at(now)) {
                    state = next;
                }
            }
            let mut looks = 0;
            while let Some(time) = state.look_at() {
                let (next, effects) = step(&state, Event::Look, time).unwrap();
                prop_assert!(next.is_terminal() || !effects.is_empty(), "a look acts");
                prop_assert!(next.look_at().is_none_or(|later| later > time), "and does not come back at once");
                state = next;
                looks += 1;
                if looks == 5 { break; }
            }
        }

        #[test]
        fn a_write_that_may_have_been_sent_is_never_called_again_but_by_its_holder_or_force(
            events in prop::collection::vec((any_event(), 0i64..2000), 0..80)
        ) {
            // The holder alone knows: it defers and buries what took no effect.
            let holder_or_force = |event: &Event| matches!(event,
                Event::Defer { .. } | Event::Line { .. } | Event::Follow { .. } | Event::Bury(..) | Event::Replay { force: true } | Event::Complete(..));
            let mut state = calling();
            for (event, now) in events.into_iter().filter(|(event, _)| !holder_or_force(event)) {
                if let Ok((next, _)) = step(&state, event, at(now)) {
                    let calls_anew = matches!(&next.phase, Phase::Running(Claim { doing: Doing::Call, .. }) | Phase::Queued);
                    prop_assert!(!calls_anew && next.doubt, "{:?}", next);
                    state = next;
                }
            }
        }
    }
}

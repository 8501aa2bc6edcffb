//! The life of a job, as one total function.
//!
//! A terminal phase is left only by a replay, so a run ends once; only the holder of the claim moves a running job, so
//! a worker that lost its lease changes nothing.
//!
//! A job that waits is woken by a message: of the queue, when the wait is short enough for the queue's delay, else of
//! the sweep. The sweep also checks on a job whose message should long have been received, and sends it anew:
//! [`super::Job::next_check_at`] says when. A job that waits for its app's budget stands in the app's fair queue, and
//! gets its message when its turn has come.

use super::{
    claim::ClaimRule,
    dead::may_replay,
    event::{Event, Refusal},
    failure::{Failure, FailureCode},
    restore::phase_after_restore,
    spec::Job,
    state::{Activity, Claim, Phase, State},
    transition::Transition,
    wait::{WaitReason, Waiting, WakeBy},
};
use crate::{
    ClaimId, Timestamp,
    fair_queue::Admission,
    upload::{FileProgress, Ticket},
};

/// What follows for `job` from `event` at `now`.
///
/// A claim that is repeated by its holder gives a transition that changes nothing.
///
/// # Errors
/// A [`Refusal`] when the event changes nothing.
pub fn step(job: &Job, event: Event, now: Timestamp) -> Result<Transition, Refusal> {
    // The others leave the next check as it is: it may then come too early, and never too late, since nothing that a
    // worker does makes an open job wait for an earlier check, unless resends have moved it far off.
    let holds = matches!(event, Event::Claim { .. } | Event::WriteStarted { .. } | Event::Renew { .. });
    let is_far = job.state.resends > 0 && !holds;
    let sets_next_check = is_far || matches!(event, Event::Check | Event::Release { .. } | Event::Replay { .. });
    let after = next_state(job, event, now)?;
    Ok(Transition::between(job, after, sets_next_check, now))
}

fn next_state(job: &Job, event: Event, now: Timestamp) -> Result<State, Refusal> {
    let state = &job.state;
    match event {
        Event::Replay { force, admission } => replay(job, force, admission, now),
        Event::Restored => Ok(State { in_doubt: true, ..moved(state, phase_after_restore(job, now)?) }),
        _ if state.is_terminal() => Err(Refusal::Ended),
        Event::Claim { fencing_number, claim, lease_until } => {
            let admitted = ClaimRule::new(fencing_number, now).admit(state, &claim, lease_until)?;
            Ok(admitted.map_or_else(|| state.clone(), |hold| claimed(state, hold, now)))
        }
        Event::WriteStarted { claim, photo_version } => {
            let held = holder(state, &claim)?;
            let phase = Phase::Running(Claim { activity: Activity::NonIdempotentCall, ..held.clone() });
            let photo_version = photo_version.or_else(|| state.file.photo_version.clone());
            let file = FileProgress { photo_version, ..state.file.clone() };
            Ok(State { in_doubt: true, file, ..moved(state, phase) })
        }
        Event::Renew { claim, lease_until } => {
            let held = holder(state, &claim)?;
            let lease_until = lease_until.max(held.lease_until);
            Ok(moved(state, Phase::Running(Claim { lease_until, ..held.clone() })))
        }
        Event::Complete { claim, result, page_of_several } => {
            holder(state, &claim)?;
            let state = &if result.is_own() { state.clone() } else { not_attempted(state) };
            let file = FileProgress { unsettled: false, ..state.file.clone() };
            Ok(State { in_doubt: false, file, ..moved(state, Phase::Completed { at: now, result, page_of_several }) })
        }
        Event::Fail(claim, failure) => {
            let activity = holder(state, &claim)?.activity;
            Ok(moved(state, failed(state, activity, failure, now)))
        }
        Event::GiveUp(claim, failure) => {
            holder(state, &claim)?;
            // Attempts are exhausted by what took no effect, unless an earlier one may have.
            let exhausted = failure.code == FailureCode::AttemptsExhausted;
            let in_doubt = state.in_doubt && (!exhausted || state.file.unsettled);
            Ok(State { in_doubt, ..moved(state, Phase::Dead { at: now, failure }) })
        }
        Event::Expire(claim) => {
            let waited_for = holder(state, &claim)?.waited_for.clone();
            Ok(expired(&not_attempted(state), &waited_for, now))
        }
        Event::Defer { claim, due_at, reason, attempted } => {
            holder(state, &claim)?;
            let state = if attempted { state.clone() } else { not_attempted(state) };
            Ok(waiting(&State { in_doubt: state.file.unsettled, ..state }, reason, due_at, now))
        }
        Event::JoinQueue { claim, ticket, expected_at, reason } => {
            holder(state, &claim)?;
            let queued = moved(&not_attempted(state), Phase::Waiting(Waiting::for_turn(reason)));
            let fencing_number = queued.fencing_number.saturating_add(1);
            let ticket = Some(ticket);
            let in_doubt = state.file.unsettled;
            Ok(State { in_doubt, fencing_number, due_at: expected_at, resends: 0, ticket, ..queued })
        }
        Event::Follow { claim, leader, due_at } => {
            holder(state, &claim)?;
            let reason = WaitReason::Leader { job: leader.clone() };
            let in_doubt = state.file.unsettled;
            let following = State { in_doubt, follows: Some(leader), ..not_attempted(state) };
            Ok(waiting(&following, reason, due_at, now))
        }
        Event::Release { at } => match state.waiting().filter(|waiting| waiting.wake_by() == WakeBy::Turn) {
            Some(wait) if job.deadline() <= now => Ok(expired(state, wait.reason(), now)),
            Some(wait) => Ok(waiting(state, wait.reason().clone(), at, now)),
            None => Err(Refusal::NotInQueue),
        },
        Event::Verify { claim, due_at, window } => {
            let until = match holder(state, &claim)?.activity {
                Activity::Verify { until } if state.file.ticket.is_none() => until,
                Activity::Verify { .. } | Activity::Call | Activity::NonIdempotentCall => now + window,
            };
            Ok(verifying(state, None, due_at, until, now))
        }
        Event::AwaitTicket { claim, ticket, due_at, until } => {
            holder(state, &claim)?;
            Ok(verifying(state, Some(ticket), due_at, until, now))
        }
        Event::SendAgain { claim, due_at } => {
            let verifies = matches!(holder(state, &claim)?.activity, Activity::Verify { .. });
            if !verifies || job.spec.work.file().is_none() {
                return Err(Refusal::InDoubt);
            }
            let message = "nothing shows that the file arrived".to_owned();
            let file = FileProgress { ticket: None, unsettled: true, ..state.file.clone() };
            let reason = WaitReason::BackOff { message, flickr_code: None };
            Ok(waiting(&State { in_doubt: true, file, ..state.clone() }, reason, due_at, now))
        }
        Event::LeaseExpired { window } => match &state.phase {
            Phase::Running(held) if held.activity == Activity::NonIdempotentCall && held.lease_until <= now => {
                Ok(match job.verification {
                    Some(_) => verifying(state, None, now, now + window, now),
                    None => moved(state, Phase::Failed { at: now, failure: stopped_in_doubt() }),
                })
            }
            _ => Err(Refusal::Busy),
        },
        Event::Check => check(job, now),
        Event::DeadLettered { fencing_number } => dead_lettered(job, fencing_number, now),
    }
}

/// The state in another phase: the next revision.
fn moved(state: &State, phase: Phase) -> State {
    State { revision: state.revision + 1, phase, ..state.clone() }
}

/// The state with its next message on the way, to be seen at `due_at`.
fn waiting(state: &State, reason: WaitReason, due_at: Timestamp, now: Timestamp) -> State {
    let fencing_number = state.fencing_number.saturating_add(1);
    let phase = Phase::Waiting(Waiting::until(reason, due_at, now));
    State { fencing_number, due_at, resends: 0, ..moved(state, phase) }
}

fn verifying(state: &State, ticket: Option<Ticket>, due_at: Timestamp, until: Timestamp, now: Timestamp) -> State {
    let file = FileProgress { ticket, ..state.file.clone() };
    waiting(&State { in_doubt: true, file, ..state.clone() }, WaitReason::Verification { until }, due_at, now)
}

/// The end of a run whose deadline has passed. What an earlier attempt may have done is not hidden by it.
fn expired(state: &State, waited_for: &WaitReason, now: Timestamp) -> State {
    if state.file.unsettled {
        let message = "an earlier attempt may have taken effect, and the deadline passed before it was found out";
        return moved(state, Phase::Failed { at: now, failure: Failure::new(FailureCode::OutcomeUnknown, message) });
    }
    moved(state, Phase::Expired { at: now, waited_for: waited_for.clone() })
}

/// The end of a run that fails. Only Flickr's refusal of the file itself says that no earlier attempt took effect: one
/// that comes before the file is sent is of something else.
fn failed(state: &State, activity: Activity, failure: Failure, now: Timestamp) -> Phase {
    let is_of_file = failure.code == FailureCode::FlickrRejected && activity != Activity::Call;
    let is_certain = !state.file.unsettled || is_of_file;
    let code = if is_certain { failure.code } else { FailureCode::OutcomeUnknown };
    Phase::Failed { at: now, failure: Failure { code, ..failure } }
}

/// The state without the claim that led to no call.
fn not_attempted(state: &State) -> State {
    let attempts = state.attempts.saturating_sub(1);
    State { attempts, started_at: state.started_at.filter(|_| attempts > 0), ..state.clone() }
}

fn claimed(state: &State, hold: Claim, now: Timestamp) -> State {
    let verifies = matches!(hold.activity, Activity::Verify { .. });
    State {
        attempts: state.attempts.saturating_add(u32::from(!verifies)),
        started_at: state.started_at.or(Some(now)),
        ..moved(state, Phase::Running(hold))
    }
}

fn holder<'a>(state: &'a State, claim: &ClaimId) -> Result<&'a Claim, Refusal> {
    match &state.phase {
        Phase::Running(held) if held.id == *claim => Ok(held),
        _ => Err(Refusal::NotHolder),
    }
}

fn stopped_in_doubt() -> Failure {
    Failure::new(
        FailureCode::OutcomeUnknown,
        "the worker stopped after the write may have been sent; it was not sent again",
    )
}

/// The sweep's check: expires what is past its deadline, sends what is due and what seems lost.
fn check(job: &Job, now: Timestamp) -> Result<State, Refusal> {
    let state = &job.state;
    if job.next_check_at().is_none_or(|at| at > now) {
        return Err(Refusal::Early);
    }
    // The same message again: if the first still waits in the queue, it is as good as this one.
    let resent = |phase: &Phase| State { resends: state.resends.saturating_add(1), ..moved(state, phase.clone()) };
    let Some(wait) = state.waiting() else { return Ok(resent(&state.phase)) };
    let reason = match wait.reason() {
        WaitReason::Verification { .. } => wait.reason(),
        _ if job.deadline() <= now => return Ok(expired(state, wait.reason(), now)),
        WaitReason::Schedule => &WaitReason::Worker,
        other => other,
    };
    Ok(match wait.wake_by() {
        WakeBy::Sweep | WakeBy::Turn => waiting(state, reason.clone(), now, now),
        WakeBy::Queue => resent(&Phase::Waiting(Waiting::until(reason.clone(), now, now))),
    })
}

/// What to do with a job whose message went to the dead-letter queue.
fn dead_lettered(job: &Job, fencing_number: u32, now: Timestamp) -> Result<State, Refusal> {
    let state = &job.state;
    if state.fencing_number != fencing_number {
        return Err(Refusal::Stale);
    }
    match &state.phase {
        Phase::Running(held) if held.lease_until > now => return Err(Refusal::Busy),
        // Nobody held it: what failed was not its worker, and it is sent anew.
        Phase::Waiting(wait) => {
            let due_at = state.due_at.max(now + job.spec.work.target().timing().orphaned_after);
            return Ok(waiting(state, wait.reason().clone(), due_at, now));
        }
        _ => {}
    }
    let message = "the job's message was received too often without an end: its worker crashed";
    let failure = Failure::new(FailureCode::WorkerCrashed, message);
    Ok(moved(state, Phase::Dead { at: now, failure }))
}

fn replay(job: &Job, force: bool, admission: Option<Admission>, now: Timestamp) -> Result<State, Refusal> {
    let state = &job.state;
    may_replay(state, force)?;
    let unsettled = state.in_doubt && job.spec.work.file().is_some();
    let again = State {
        run: state.run.saturating_add(1),
        attempts: 0,
        eligible_at: now,
        started_at: None,
        in_doubt: unsettled,
        follows: None,
        file: FileProgress { unsettled, ..FileProgress::default() },
        // That of the former run would bring it before all who wait.
        ticket: None,
        ..state.clone()
    };
    let again = waiting(&again, WaitReason::Worker, now, now);
    Ok(match admission {
        Some(admission) => again.admitted(admission),
        None => again,
    })
}

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod tests;

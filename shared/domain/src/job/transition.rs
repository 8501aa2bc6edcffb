//! What a step comes to: the state before and after, and every effect on what is stored of the job elsewhere.
//!
//! The effects follow from the two states alone, here and nowhere else. What is invalidated comes first. Then the store
//! writes the state, under the condition that the stored revision is still that of `before`, with what lists the job.
//! Then the count follows, and the message is sent.

use super::{
    dead::{DeadJob, dead_list_cursor},
    failure::FailureCode,
    spec::Job,
    state::{Phase, State},
    wait::WakeBy,
};
use crate::{Timestamp, cache::Invalidation, fair_queue::QueueTicket, timing::VERIFICATION};

/// One step of a job's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The state that it was computed from; `None` for a job that is accepted.
    pub before: Option<State>,
    /// The job as it is to be.
    pub after: Job,
    /// What else changes.
    pub effects: Effects,
}

/// What a transition changes besides the job's own state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effects {
    /// When a worker should see the message that is sent once the state is written, if one is. It carries the fencing
    /// number of that state.
    pub message: Option<Timestamp>,
    /// The count of the account's pending jobs.
    pub pending: PendingCount,
    /// When the sweep is to check on the job.
    pub next_check: NextCheck,
    /// The list of the tenant's dead jobs.
    pub dead_list: DeadList,
    /// The index of the jobs that wait for their turn in their app's fair queue.
    pub queue_index: QueueIndex,
    /// The cached answers of the account.
    pub invalidation: Option<Invalidation>,
}

/// What becomes of the count of the account's pending jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingCount {
    /// It stays.
    Same,
    /// One more is pending.
    Up,
    /// One less is pending.
    Down,
}

/// What becomes of the job's next check by the sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextCheck {
    /// It stays as it was set. That may be too early, and is never too late.
    Same,
    /// It is set anew.
    At(Timestamp),
    /// There will be none.
    Cleared,
}

/// What becomes of the job's entry in the list of dead jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadList {
    /// Nothing.
    Same,
    /// The job is listed, with this.
    Entered(Box<DeadJob>),
    /// The entry with this cursor goes.
    Left(String),
}

/// What becomes of the job's entry in the index of its app's fair queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueIndex {
    /// Nothing.
    Same,
    /// The job waits for its turn.
    Entered(QueueTicket),
    /// The job no longer waits there.
    Left,
}

impl Transition {
    /// The acceptance of a job that is in one of the two first states ([`State::first`], [`State::first_in_queue`]).
    pub fn accepted(job: Job) -> Self {
        let now = job.created_at;
        let effects = Effects::between(None, &job, true, now);
        Self { before: None, after: job, effects }
    }

    /// The step of `job` to the state `after`. The next check is set anew where the event asks for it.
    pub(super) fn between(job: &Job, after: State, sets_next_check: bool, now: Timestamp) -> Self {
        let before = Some(job.state.clone());
        let after = Job { state: after, ..job.clone() };
        let effects = Effects::between(before.as_ref(), &after, sets_next_check, now);
        Self { before, after, effects }
    }

    /// Whether it ends the run.
    pub fn is_end(&self) -> bool {
        self.after.state.is_terminal() && !self.before.as_ref().is_some_and(State::is_terminal)
    }
}

impl Effects {
    fn between(before: Option<&State>, after: &Job, sets_next_check: bool, now: Timestamp) -> Self {
        let was_open = before.is_some_and(|before| !before.is_terminal());
        let is_open = !after.state.is_terminal();
        Self {
            message: message(before, &after.state, now),
            pending: match (was_open, is_open) {
                (false, true) => PendingCount::Up,
                (true, false) => PendingCount::Down,
                _ => PendingCount::Same,
            },
            next_check: match after.next_check_at() {
                None if was_open => NextCheck::Cleared,
                Some(at) if sets_next_check => NextCheck::At(at),
                _ => NextCheck::Same,
            },
            dead_list: match (before.and_then(|before| dead_list_cursor(before, &after.id)), DeadJob::of(after)) {
                (None, Some(dead)) => DeadList::Entered(Box::new(dead)),
                (Some(cursor), None) => DeadList::Left(cursor),
                _ => DeadList::Same,
            },
            queue_index: match (before.and_then(State::queued_ticket), after.state.queued_ticket()) {
                (was, Some(ticket)) if was != Some(ticket) => QueueIndex::Entered(ticket.clone()),
                (Some(_), None) => QueueIndex::Left,
                _ => QueueIndex::Same,
            },
            invalidation: if was_open { invalidation(after) } else { None },
        }
    }
}

/// A new message where the fencing number grew and the queue is to wake the job, the same again where the sweep resent
/// it.
fn message(before: Option<&State>, after: &State, now: Timestamp) -> Option<Timestamp> {
    let resent =
        before.is_some_and(|before| before.fencing_number == after.fencing_number && after.resends > before.resends);
    if resent {
        return Some(now);
    }
    let is_new = before.is_none_or(|before| before.fencing_number < after.fencing_number);
    let by_queue = after.waiting().is_some_and(|waiting| waiting.wake_by() == WakeBy::Queue);
    (is_new && by_queue).then_some(after.due_at)
}

/// Which cached answers the end of a job invalidates; `None` for one that is open, and where nothing can have changed.
fn invalidation(job: &Job) -> Option<Invalidation> {
    let at = job.state.phase.ended_at()?;
    if job.invalidates.is_empty() || job.state.attempts == 0 {
        return None;
    }
    // Flickr may act after it has answered with an error, and an earlier attempt after a later one.
    let settled = match &job.state.phase {
        Phase::Completed { .. } => true,
        Phase::Failed { failure, .. } => {
            job.state.attempts == 1 && !matches!(failure.code, FailureCode::OutcomeUnknown)
        }
        _ => false,
    };
    let unsettled_until = (!settled).then(|| at + VERIFICATION);
    let written_at = Some(unsettled_until.unwrap_or(at));
    Some(Invalidation { tags: job.invalidates.clone(), written_at, unsettled_until })
}

#[cfg(test)]
mod tests;

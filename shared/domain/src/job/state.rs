//! Where a job stands.

use super::{
    failure::Failure,
    result::StoredResult,
    wait::{WaitReason, Waiting, WakeBy},
};
use crate::{
    ClaimId, JobId, Timestamp,
    fair_queue::{Admission, QueueTicket},
    timing::Timing,
    upload::FileProgress,
};

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// How many transitions led here. Whoever writes a transition names the revision it was computed from.
    pub revision: u64,
    /// The number of the run, from 1: a replay starts another.
    pub run: u32,
    /// The number of the message that may run the job (a fencing token): each time a new message is sent the number
    /// grows, and a message that carries another is stale.
    pub fencing_number: u32,
    /// When a worker should see the message with this number; while the job waits for its turn, about when.
    pub due_at: Timestamp,
    /// How often the sweep sent that message again, because it seemed lost.
    pub resends: u32,
    /// How many claims of this run led, or may have led, to a call.
    pub attempts: u32,
    /// When this run first could have started: its deadline counts from here.
    pub eligible_at: Timestamp,
    /// When this run was first claimed by a worker that then called, or was about to.
    pub started_at: Option<Timestamp>,
    /// Whether a write that must not be repeated may have taken effect.
    pub in_doubt: bool,
    /// Its ticket in its app's fair queue, once it has had one: it keeps it until it has ended.
    pub ticket: Option<QueueTicket>,
    /// The job that asks the same, and for whose answer it waits or waited last.
    pub follows: Option<JobId>,
    /// How far the sending of its file has come.
    pub file: FileProgress,
    /// The rest, by phase.
    pub phase: Phase,
}

/// The phases of a job's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// It waits for its message.
    Waiting(Waiting),
    /// A worker holds it.
    Running(Claim),
    /// Flickr did what was asked.
    Completed {
        /// When it ended.
        at: Timestamp,
        /// Where Flickr's answer is stored.
        result: StoredResult,
        /// Whether it is the answer to a call of the job's own, and one page of a listing that has several.
        page_of_several: bool,
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
        /// What it waited for last.
        waited_for: WaitReason,
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
    /// What the worker is doing.
    pub activity: Activity,
    /// What the job waited for before.
    pub waited_for: WaitReason,
}

/// What a worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Something that another worker may begin anew.
    Call,
    /// A write that must not be repeated: it may have been sent.
    NonIdempotentCall,
    /// Finding out whether a write took effect.
    Verify {
        /// When the verification gives up.
        until: Timestamp,
    },
}

impl State {
    /// The state of a job just accepted, to run at `eligible_at`, or now if that is past.
    pub fn first(eligible_at: Timestamp, now: Timestamp) -> Self {
        let eligible_at = eligible_at.max(now);
        let reason = if eligible_at > now { WaitReason::Schedule } else { WaitReason::Worker };
        Self {
            revision: 1,
            run: 1,
            fencing_number: 1,
            due_at: eligible_at,
            resends: 0,
            attempts: 0,
            eligible_at,
            started_at: None,
            in_doubt: false,
            ticket: None,
            follows: None,
            file: FileProgress::default(),
            phase: Phase::Waiting(Waiting::until(reason, eligible_at, now)),
        }
    }

    /// The state of a job just accepted that could run now, and waits for its turn in its app's fair queue.
    pub fn first_in_queue(ticket: QueueTicket, expected_at: Timestamp, now: Timestamp) -> Self {
        Self::first(now, now).admitted(Admission::Enqueue { ticket, expected_at, refusal: None })
    }

    /// The state of a run that is about to begin, as admission control decided.
    #[must_use]
    pub fn admitted(self, admission: Admission) -> Self {
        match admission {
            Admission::RunNow(ticket) => Self { ticket: Some(ticket), ..self },
            Admission::Enqueue { ticket, expected_at, refusal } => {
                let reason = refusal.map_or(WaitReason::Turn, |message| WaitReason::AppStopped { message });
                let phase = Phase::Waiting(Waiting::for_turn(reason));
                Self { due_at: expected_at, ticket: Some(ticket), phase, ..self }
            }
        }
    }

    /// Whether the run has ended.
    pub const fn is_terminal(&self) -> bool {
        self.phase.ended_at().is_some()
    }

    /// Why it waits, and who wakes it; `None` when it does not wait.
    pub const fn waiting(&self) -> Option<&Waiting> {
        match &self.phase {
            Phase::Waiting(waiting) => Some(waiting),
            _ => None,
        }
    }

    /// Its ticket in its app's fair queue, while it waits there for its turn.
    pub fn queued_ticket(&self) -> Option<&QueueTicket> {
        let waits_for_turn = self.waiting().is_some_and(|waiting| waiting.wake_by() == WakeBy::Turn);
        self.ticket.as_ref().filter(|_| waits_for_turn)
    }

    /// Whether the claim with this id holds the job.
    pub fn is_held_by(&self, claim: &ClaimId) -> bool {
        matches!(&self.phase, Phase::Running(held) if held.id == *claim)
    }

    /// When the run expires, started or not.
    pub(super) fn deadline(&self, timing: &Timing) -> Timestamp {
        self.eligible_at + timing.job_deadline
    }

    /// When the sweep is to check on the job, if nothing happens to it before; `None` once it has ended.
    pub(super) fn next_check_at(&self, timing: &Timing) -> Option<Timestamp> {
        // A message that was sent again and is still not received waits in a long queue. Check less often each time:
        // resending would lengthen the queue.
        let patience = timing.orphaned_after * (1 << self.resends.min(16));
        let deadline = self.deadline(timing);
        match &self.phase {
            Phase::Waiting(waiting) => {
                let message = match waiting.wake_by() {
                    WakeBy::Queue => self.due_at + patience,
                    WakeBy::Sweep => self.due_at,
                    WakeBy::Turn => deadline,
                };
                let verifies = matches!(waiting.reason(), WaitReason::Verification { .. });
                Some(if verifies { message } else { message.min(deadline) })
            }
            Phase::Running(claim) => Some(claim.lease_until.max(self.due_at) + patience),
            Phase::Completed { .. } | Phase::Failed { .. } | Phase::Expired { .. } | Phase::Dead { .. } => None,
        }
    }
}

impl Phase {
    /// The names of the phases in which a job waits.
    pub const WAITING: [&'static str; 4] = ["scheduled", "queued", "deferred", "verifying"];

    /// The name of the phase in which a worker holds the job.
    pub const RUNNING: &'static str = "running";

    /// As the API writes it: a wait by what it is for.
    pub const fn name(&self) -> &'static str {
        match self {
            Phase::Waiting(waiting) => match waiting.reason() {
                WaitReason::Schedule => "scheduled",
                WaitReason::Worker | WaitReason::Turn => "queued",
                WaitReason::Verification { .. } => "verifying",
                _ => "deferred",
            },
            Phase::Running(_) => Self::RUNNING,
            Phase::Completed { .. } => "completed",
            Phase::Failed { .. } => "failed",
            Phase::Expired { .. } => "expired",
            Phase::Dead { .. } => "dead",
        }
    }

    /// When the run ended; `None` while it is open.
    pub const fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Phase::Waiting(_) | Phase::Running(_) => None,
            Phase::Completed { at, .. }
            | Phase::Failed { at, .. }
            | Phase::Expired { at, .. }
            | Phase::Dead { at, .. } => Some(*at),
        }
    }
}

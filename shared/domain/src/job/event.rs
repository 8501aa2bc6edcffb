//! What can happen to a job.

use std::time::Duration;

use super::{failure::Failure, result::StoredResult, wait::WaitReason};
use crate::{
    ClaimId, JobId, Timestamp,
    fair_queue::{Admission, QueueTicket},
    upload::{PhotoVersion, Ticket},
};

/// What happens to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A worker received the message with this fencing number.
    Claim {
        /// The number the message carries.
        fencing_number: u32,
        /// The worker's hold.
        claim: ClaimId,
        /// Until when it asks to hold the job.
        lease_until: Timestamp,
    },
    /// The holder is about to send a write that must not be repeated.
    WriteStarted {
        /// The holder.
        claim: ClaimId,
        /// Which file the photo has that it is about to replace.
        photo_version: Option<PhotoVersion>,
    },
    /// The holder goes on, and holds the job for longer.
    Renew {
        /// The holder.
        claim: ClaimId,
        /// Until when it asks to hold the job.
        lease_until: Timestamp,
    },
    /// The holder has stored Flickr's answer.
    Complete {
        /// The holder.
        claim: ClaimId,
        /// Where it is stored.
        result: StoredResult,
        /// Whether it is one page of a listing that has several.
        page_of_several: bool,
    },
    /// The holder ends the job: it will not be tried again.
    Fail(ClaimId, Failure),
    /// The holder gives up, and a person may try again.
    GiveUp(ClaimId, Failure),
    /// The holder puts the job off: what it did, if anything, took no effect or may be repeated.
    Defer {
        /// The holder.
        claim: ClaimId,
        /// Until when.
        due_at: Timestamp,
        /// Why.
        reason: WaitReason,
        /// Whether the claim counts as an attempt.
        attempted: bool,
    },
    /// The holder may not call now: the job joins its app's fair queue. That is no attempt.
    JoinQueue {
        /// The holder.
        claim: ClaimId,
        /// Where in the queue.
        ticket: QueueTicket,
        /// About when its turn comes.
        expected_at: Timestamp,
        /// Why it may not call.
        reason: WaitReason,
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
    /// The job's turn in the fair queue has come.
    Release {
        /// When its message is to be seen.
        at: Timestamp,
    },
    /// The holder does not know whether its write took effect, and puts the next verification off.
    Verify {
        /// The holder.
        claim: ClaimId,
        /// Until when.
        due_at: Timestamp,
        /// How long it is verified, where this is the first time.
        window: Duration,
    },
    /// Flickr has the holder's file and works on it: it is asked by the ticket, until the end of the verification.
    AwaitTicket {
        /// The holder.
        claim: ClaimId,
        ticket: Ticket,
        /// When it is asked next.
        due_at: Timestamp,
        /// When the verification gives up.
        until: Timestamp,
    },
    /// Nothing shows that the holder's write took effect, and Flickr itself tells a repetition: it is sent again.
    SendAgain {
        /// The holder.
        claim: ClaimId,
        /// When.
        due_at: Timestamp,
    },
    /// The holder found the deadline passed.
    Expire(ClaimId),
    /// A worker found that the lease ran out of a write that must not be repeated.
    LeaseExpired {
        /// How long it is verified whether it took effect.
        window: Duration,
    },
    /// The sweep checks for work that nobody is handling.
    Check,
    /// The message with this number crashed its workers, or was not received for too long.
    DeadLettered {
        /// The number the message carries.
        fencing_number: u32,
    },
    /// An operator asks for another run of a dead job.
    Replay {
        /// Even if a write that must not be repeated may have taken effect.
        force: bool,
        /// What admission control decided, where the job's app has a fair queue.
        admission: Option<Admission>,
    },
    /// The table that has the job was restored: what happened to the job since then is lost.
    Restored,
}

impl Event {
    /// The holder has stored an answer that is no page of a listing of several.
    pub const fn complete(claim: ClaimId, result: StoredResult) -> Self {
        Self::Complete { claim, result, page_of_several: false }
    }
}

/// Why an event changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The message carries another fencing number than the job.
    Stale,
    /// The event came before its time.
    Early,
    /// A worker holds the job.
    Busy,
    /// The lease ran out after a write that must not be repeated was possibly sent.
    InDoubt,
    /// The run has ended.
    Ended,
    /// The job does not wait for its turn.
    NotInQueue,
    /// The event comes from a worker that does not hold the job.
    NotHolder,
    /// The job is not dead.
    NotDead,
    /// A write that must not be repeated may have taken effect: only force replays it.
    NeedsForce,
    /// The job's call may be repeated.
    Repeatable,
}

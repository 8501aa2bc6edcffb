//! What tasks report back when they are done.

use std::sync::{Arc, Mutex, PoisonError};

use domain::{JobId, Timestamp};

/// What a caller was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ClientReply {
    /// The job is accepted.
    Accepted {
        /// Its id.
        id: JobId,
        /// The marker of the payload that it was accepted with.
        marker: String,
        /// When it is said to start.
        expected_at: Option<Timestamp>,
    },
    /// The request is refused for good.
    Refused,
    /// The request may be accepted later.
    Later,
    /// The request may be accepted when fewer jobs are pending.
    TooManyPending,
}

/// What tasks reported.
#[derive(Debug, Default)]
pub(super) struct Reported {
    /// The numbers of messages that were acknowledged.
    pub(super) acknowledged: Vec<u64>,
    /// The numbers of asks that were answered, and how.
    pub(super) replies: Vec<(u32, ClientReply)>,
    /// The markers of jobs whose replay an operator forced.
    pub(super) forced: Vec<String>,
}

/// Where tasks report to. A clone is the same.
#[derive(Clone, Default)]
pub(super) struct Inbox(Arc<Mutex<Reported>>);

impl Inbox {
    pub(super) fn acknowledge(&self, message: u64) {
        self.with(|reported| reported.acknowledged.push(message));
    }

    pub(super) fn reply(&self, ask: u32, reply: ClientReply) {
        self.with(|reported| reported.replies.push((ask, reply)));
    }

    pub(super) fn force(&self, marker: String) {
        self.with(|reported| reported.forced.push(marker));
    }

    /// Takes what was reported since last asked.
    pub(super) fn take(&self) -> Reported {
        self.with(std::mem::take)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Reported) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

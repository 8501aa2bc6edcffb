//! The queues of messages to workers.

use std::time::Duration;

use super::Result;
use crate::message::Dispatch;

/// The queues of messages to workers.
pub trait Messages: Send + Sync {
    /// Sends `dispatch` to the queue of its target, to be received after `delay` (whole seconds; at most
    /// [`domain::timing::LONGEST_QUEUE_DELAY`]).
    fn send(&self, dispatch: &Dispatch, delay: Duration) -> impl Future<Output = Result<()>> + Send;
}

//! Bytes that flow from one stream to another, while the lease of their job is kept.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use super::{Ports, lease::Lease};
use crate::{
    chain,
    ports::{self, ByteStream},
};

/// How many chunks wait to be taken: the source is read no faster than they are.
const CHUNKS_AHEAD: usize = 1;

/// How a flow ended.
pub(super) enum Flow {
    /// All bytes were taken.
    Whole,
    /// Whoever takes them takes no more.
    NotTaken,
    /// The source failed.
    Failed(ports::Error),
    /// The claim holds the job no more.
    LeaseLost,
}

/// Where to put the bytes, and how they are taken.
pub(super) fn channel() -> (mpsc::Sender<ports::Result<Bytes>>, ByteStream) {
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
    let taken = stream::unfold(receiver, async |mut receiver| {
        let chunk: ports::Result<Bytes> = receiver.recv().await?;
        Some((chunk, receiver))
    });
    (sender, Box::pin(taken))
}

/// Hands the bytes over, chunk by chunk, for as long as the lease is kept and they are taken.
pub(super) async fn feed<P: Ports>(
    lease: &mut Lease<'_, P>,
    mut body: ByteStream,
    sender: mpsc::Sender<ports::Result<Bytes>>,
) -> Flow {
    while let Some(chunk) = body.next().await {
        let is_held = lease.keep().await.unwrap_or_else(|error| {
            tracing::warn!(error = chain(&error), "a lease could not be renewed");
            false
        });
        let (chunk, end) = match (chunk, is_held) {
            (Ok(chunk), true) => (Ok(chunk), None),
            (Ok(_), false) => (Err(ports::Error::unavailable("a file", "the lease was lost")), Some(Flow::LeaseLost)),
            (Err(error), _) => {
                let end = Flow::Failed(error.clone());
                (Err(error), Some(end))
            }
        };
        let is_taken = sender.send(chunk).await.is_ok();
        match end {
            Some(end) => return end,
            None if !is_taken => return Flow::NotTaken,
            None => {}
        }
    }
    Flow::Whole
}

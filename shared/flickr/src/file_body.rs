//! The body of a request with a file, as a stream, and a watch over how it flows.
//!
//! Nothing is read ahead: the next chunk is asked for when the connection has taken the one before. The last chunk waits
//! until the file has ended, so that a file of another length than was said never leaves whole.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hub::ports::ByteStream;
use tokio::time::{Instant, sleep_until};

use crate::multipart::Multipart;

/// The most bytes that are handed over at once. The connection buffers by the piece, and the flow is seen by the piece.
const PIECE_BYTES: usize = 64 * 1024;

/// How long a file may take, apart from its own deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileTimeouts {
    /// The longest that no byte may flow.
    pub stall: Duration,
    /// The longest that the answer may take once all has left.
    pub answer: Duration,
}

/// The body of a request with a file.
pub struct FileBody(Arc<Mutex<Flow>>);

/// Sees how a [`FileBody`] flows. When it is dropped the body ends, whatever the connection does.
pub struct Watch(Arc<Mutex<Flow>>);

/// How far a body has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// How many bytes of the file were handed to the connection.
    pub sent_bytes: u64,
    /// Whether all was handed over, to the last byte of the body: before that Flickr cannot have a whole request.
    pub is_whole: bool,
    /// Why the body ended early, if it did.
    pub failure: Option<String>,
    moved_at: Instant,
}

/// Why there is no more waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// No byte flowed for so long.
    Stalled(Duration),
    /// No answer came for so long.
    Unanswered(Duration),
    /// The deadline has passed.
    Deadline,
}

/// The body was cut, or its file was not as it should be.
#[derive(Debug, thiserror::Error)]
#[error("the file ended early")]
pub struct EndedEarly;

struct Flow {
    head: Bytes,
    /// Gives the file's bytes; `None` once they have ended.
    source: Option<ByteStream>,
    /// How many bytes the source has yet to give.
    missing_bytes: u64,
    /// What is left of the chunk that the source gave last.
    chunk: Bytes,
    tail: Bytes,
    /// How many bytes of the body are left.
    left_bytes: u64,
    progress: Progress,
}

/// The body that has `file`, of `bytes`, between the ends of `multipart`, and its watch.
pub fn file_body(multipart: &Multipart, bytes: u64, file: ByteStream) -> (FileBody, Watch) {
    let flow = Arc::new(Mutex::new(Flow {
        head: multipart.head(),
        source: Some(file),
        missing_bytes: bytes,
        chunk: Bytes::new(),
        tail: multipart.tail(),
        left_bytes: multipart.content_length(bytes),
        progress: Progress { sent_bytes: 0, is_whole: false, failure: None, moved_at: Instant::now() },
    }));
    (FileBody(flow.clone()), Watch(flow))
}

impl Flow {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, EndedEarly>>> {
        loop {
            if self.progress.failure.is_some() {
                return Poll::Ready(Some(Err(EndedEarly)));
            }
            if let Some(piece) = self.next_piece() {
                self.left_bytes = self.left_bytes.saturating_sub(piece.len() as u64);
                self.progress.moved_at = Instant::now();
                return Poll::Ready(Some(Ok(piece)));
            }
            let Some(source) = &mut self.source else { return Poll::Ready(None) };
            match ready!(source.as_mut().poll_next(cx)) {
                Some(Ok(chunk)) if chunk.len() as u64 > self.missing_bytes => {
                    self.fail("the file has more bytes than was said".to_owned());
                }
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) => {
                    self.missing_bytes -= chunk.len() as u64;
                    self.chunk = chunk;
                }
                Some(Err(error)) => self.fail(format!("the file could not be read: {error}")),
                None if self.missing_bytes > 0 => {
                    self.fail(format!("{} bytes of the file are missing", self.missing_bytes));
                }
                None => self.source = None,
            }
        }
    }

    /// What can leave without asking the source.
    fn next_piece(&mut self) -> Option<Bytes> {
        if !self.head.is_empty() {
            return Some(std::mem::take(&mut self.head));
        }
        if self.source.is_some() && self.missing_bytes == 0 {
            return None;
        }
        if !self.chunk.is_empty() {
            let piece = self.chunk.split_to(self.chunk.len().min(PIECE_BYTES));
            self.progress.sent_bytes += piece.len() as u64;
            return Some(piece);
        }
        if self.source.is_some() || self.tail.is_empty() {
            return None;
        }
        self.progress.is_whole = true;
        Some(std::mem::take(&mut self.tail))
    }

    /// Ends the body, and lets go of the file.
    fn fail(&mut self, why: String) {
        self.progress.failure.get_or_insert(why);
        self.source = None;
        self.chunk = Bytes::new();
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = EndedEarly;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, EndedEarly>>> {
        lock(&self.0).poll_piece(cx).map_ok(Frame::data)
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.0).left_bytes == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(lock(&self.0).left_bytes)
    }
}

impl Watch {
    /// Ends the body, if it has not ended, and says how far it came: nothing leaves afterwards, so what is not whole now
    /// never will be.
    pub fn cut(&self) -> Progress {
        let mut flow = lock(&self.0);
        let progress = flow.progress.clone();
        flow.fail("the connection was cut".to_owned());
        progress
    }

    /// Waits until there is no use in waiting longer; after `deadline` in any case.
    pub async fn times_out(&self, timeouts: FileTimeouts, deadline: Instant) -> Timeout {
        loop {
            let seen = self.progress();
            let (limit, timeout) = if seen.is_whole {
                (timeouts.answer, Timeout::Unanswered(timeouts.answer))
            } else {
                (timeouts.stall, Timeout::Stalled(timeouts.stall))
            };
            sleep_until(deadline.min(seen.moved_at + limit)).await;
            if Instant::now() >= deadline {
                return Timeout::Deadline;
            }
            if self.progress() == seen {
                return timeout;
            }
        }
    }

    fn progress(&self) -> Progress {
        lock(&self.0).progress.clone()
    }
}

impl Drop for Watch {
    /// A connection that is stuck would hold the file, and who reads it, for as long as it is.
    fn drop(&mut self) {
        self.cut();
    }
}

/// A panic elsewhere leaves nothing half done here.
fn lock(flow: &Mutex<Flow>) -> MutexGuard<'_, Flow> {
    flow.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::{Stream, StreamExt, stream};

    use super::*;

    /// The pieces that can leave now, to the first error.
    fn leaving(body: &mut FileBody) -> Vec<Option<Bytes>> {
        let mut pieces = Vec::new();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        while let Poll::Ready(Some(piece)) = Pin::new(&mut *body).poll_frame(&mut cx) {
            pieces.push(piece.ok().map(|frame| frame.into_data().unwrap()));
            if pieces.ends_with(&[None]) {
                break;
            }
        }
        pieces
    }

    fn multipart() -> Multipart {
        Multipart::new([1; 16], &[], "a.jpg", "image/jpeg").unwrap()
    }

    fn of(chunks: &'static [&'static [u8]]) -> impl Stream<Item = hub::ports::Result<Bytes>> + Send {
        stream::iter(chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk))))
    }

    #[test]
    fn a_body_gets_shorter_by_what_leaves() {
        let multipart = multipart();
        let (mut body, watch) = file_body(&multipart, 3, Box::pin(of(&[b"ab", b"", b"c"])));
        assert_eq!(body.size_hint().exact(), Some(multipart.content_length(3)));
        let expected = [multipart.head(), Bytes::from_static(b"ab"), Bytes::from_static(b"c"), multipart.tail()];
        assert_eq!(leaving(&mut body), expected.map(Some));
        assert!(body.is_end_stream() && body.size_hint().exact() == Some(0));
        let progress = watch.cut();
        assert_eq!((progress.is_whole, progress.sent_bytes, progress.failure), (true, 3, None));
    }

    /// A connection may ask for more at the very moment that its request is given up.
    #[test]
    fn what_was_not_whole_when_it_was_cut_never_becomes_whole() {
        let file = of(&[b"abc"]).chain(stream::pending());
        let (mut body, watch) = file_body(&multipart(), 3, Box::pin(file));
        assert_eq!(leaving(&mut body), [Some(multipart().head())]);
        let progress = watch.cut();
        assert_eq!((progress.is_whole, progress.sent_bytes), (false, 0));
        assert_eq!(leaving(&mut body), [None]);
        assert!(!body.is_end_stream());
    }

    #[test]
    fn a_long_chunk_leaves_in_pieces() {
        let chunk = vec![7; 2 * PIECE_BYTES + 1];
        let file = stream::iter([Ok(Bytes::from(chunk.clone()))]);
        let (mut body, _watch) = file_body(&multipart(), chunk.len() as u64, Box::pin(file));
        let lengths: Vec<usize> = leaving(&mut body).iter().flatten().map(Bytes::len).collect();
        assert_eq!(lengths[1..4], [PIECE_BYTES, PIECE_BYTES, 1]);
        assert_eq!(lengths.len(), 5);
    }
}

//! An answer's body, as it comes.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use tokio::time::{Instant, timeout};

use crate::{
    error::{Error, Step},
    limits::Limits,
    pace::Pace,
};

/// A body that is being read. Dropping it closes the connection.
#[derive(Debug)]
pub struct Download {
    content_type: Option<String>,
    bytes: Option<u64>,
    body: State,
    deadline: Instant,
    limits: Limits,
    pace: Pace,
    received: u64,
}

#[derive(Debug)]
enum State {
    Open(Response),
    Whole,
    Failed,
}

impl Download {
    /// The body of `response`, whose request began at `begun`.
    pub(crate) fn new(response: Response, begun: Instant, limits: Limits) -> Self {
        let content_type = response.headers().get(reqwest::header::CONTENT_TYPE);
        Self {
            content_type: content_type.and_then(|value| value.to_str().ok()).map(str::to_owned),
            bytes: response.content_length(),
            body: State::Open(response),
            deadline: begun + limits.total,
            limits,
            pace: Pace::new(&limits),
            received: 0,
        }
    }

    /// The `Content-Type` as the server gave it: nothing checks that it is true, or a media type.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// The length in bytes, if the server said it. A body that ends before is an error.
    pub fn content_length(&self) -> Option<u64> {
        self.bytes
    }

    /// The next bytes; `None` once the body is whole. What is not asked for is not read, so a slow reader slows the
    /// server down; no limit but that of the whole time counts meanwhile.
    ///
    /// # Errors
    /// [`Error`], and then again for every further call: a body that failed never looks whole.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let next = self.next().await;
        match next {
            Ok(None) => self.body = State::Whole,
            Err(_) => self.body = State::Failed,
            Ok(Some(_)) => {}
        }
        next
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let response = match &mut self.body {
            State::Open(response) => response,
            State::Whole => return Ok(None),
            State::Failed => return Err(Error::Connection("the body has failed before".into())),
        };
        let mut silence = Duration::ZERO;
        loop {
            let begun = Instant::now();
            let left = self.deadline.saturating_duration_since(begun);
            if left.is_zero() {
                return Err(Error::Timeout(Step::Reading));
            }
            let patience = left.min(self.pace.left()).min(self.limits.stall.saturating_sub(silence));
            let next = timeout(patience, response.chunk()).await;
            let waited = begun.elapsed();
            match next {
                Ok(chunk) => {
                    let Some(chunk) = chunk? else { return Ok(None) };
                    self.received = self.received.saturating_add(chunk.len() as u64);
                    if self.received > self.limits.max_bytes {
                        return Err(Error::TooLarge(self.limits.max_bytes));
                    }
                    self.pace.record(waited, chunk.len())?;
                    return Ok(Some(chunk));
                }
                Err(_) => {
                    silence += waited;
                    if silence >= self.limits.stall {
                        return Err(Error::Stalled);
                    }
                    self.pace.record(waited, 0)?;
                }
            }
        }
    }
}

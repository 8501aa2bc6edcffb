//! Sending one request with a file, once, for as long as it flows.

use std::{pin::pin, time::Duration};

use futures_util::future::{Either, select};
use hub::ports::ByteStream;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use tokio::time::Instant;
use url::Url;

use super::{Transport, body, head, reason, unprinted};
use crate::{
    file_body::{FileTimeouts, Progress, Timeout, file_body},
    multipart::Multipart,
    request_outcome::{Body, FileOutcome, Reply, RequestOutcome},
};

/// A signed request with a file. It has no `Debug`, because its header names a token.
pub struct FileUpload {
    /// Where to.
    pub url: Url,
    /// The `Authorization` header.
    pub authorization: String,
    /// What goes around the file.
    pub multipart: Multipart,
    /// How many bytes the file has.
    pub bytes: u64,
    /// The file.
    pub file: ByteStream,
    /// The longest it may take, to the end of the answer.
    pub deadline: Duration,
    /// The longest that parts of it may take.
    pub timeouts: FileTimeouts,
}

impl Transport {
    /// Sends `upload` once, and reads its answer up to [`crate::MAX_BODY_BYTES`], also where it comes before all has left. The
    /// connection is cut when it ends otherwise.
    pub async fn send_file(&self, upload: FileUpload) -> FileOutcome {
        let FileUpload { url, authorization, multipart, bytes, file, deadline, timeouts } = upload;
        if deadline.is_zero() {
            return FileOutcome::TooSlow { sent_bytes: 0, bytes, deadline };
        }
        let (file_body, watch) = file_body(&multipart, bytes, file);
        let built = self
            .http
            .post(url)
            .header(CONTENT_TYPE, multipart.content_type())
            .header(AUTHORIZATION, authorization)
            .body(reqwest::Body::wrap(file_body))
            .build();
        let request = match built {
            Ok(request) => unprinted(request),
            Err(error) => return unanswered(watch.cut(), reason(error)),
        };
        let mut timeout = pin!(watch.times_out(timeouts, Instant::now() + deadline));
        let mut response = match select(pin!(self.http.execute(request)), timeout.as_mut()).await {
            Either::Left((Ok(response), _)) => response,
            Either::Left((Err(error), _)) => return unanswered(watch.cut(), reason(error)),
            Either::Right((timeout, _)) => {
                let progress = watch.cut();
                return match timeout {
                    Timeout::Deadline if !progress.is_whole => {
                        FileOutcome::TooSlow { sent_bytes: progress.sent_bytes, bytes, deadline }
                    }
                    timeout => unanswered(progress, timeout.message(deadline)),
                };
            }
        };
        let (status, retry_after) = head(&response);
        let body = match select(pin!(body(&mut response)), timeout).await {
            Either::Left((body, _)) => body,
            Either::Right((timeout, _)) => Body::Cut(timeout.message(deadline)),
        };
        let request_outcome = RequestOutcome::Answered(Reply { status, retry_after, body });
        FileOutcome::Ended { request_outcome, is_whole: watch.cut().is_whole }
    }
}

/// The outcome of a request that got no answer, for the reason `why` unless the body itself has one.
fn unanswered(progress: Progress, why: String) -> FileOutcome {
    let request_outcome = if progress.is_whole {
        RequestOutcome::NoAnswer(why)
    } else {
        RequestOutcome::NotSent(progress.failure.unwrap_or(why))
    };
    FileOutcome::Ended { request_outcome, is_whole: progress.is_whole }
}

impl Timeout {
    fn message(self, deadline: Duration) -> String {
        match self {
            Timeout::Stalled(wait) => format!("no byte of the file flowed for {} ms", wait.as_millis()),
            Timeout::Unanswered(wait) => format!("{} ms passed since all was sent", wait.as_millis()),
            Timeout::Deadline => format!("{} ms passed", deadline.as_millis()),
        }
    }
}

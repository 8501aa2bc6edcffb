//! The client.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use domain::egress::Policy;
use reqwest::{
    RequestBuilder, Response,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap},
};
use tokio::time::{Instant, timeout};

use crate::{
    download::Download,
    error::{Error, Step},
    limits::Limits,
    network::{Network, NotBuilt},
};

/// An HTTP client for URLs that callers chose. Clones share what it is made of.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    policy: Arc<Policy>,
}

/// What a server answered to a POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status, which is no redirect.
    pub status: u16,
    /// The body, or its beginning.
    pub body: Vec<u8>,
    /// Whether that is all of it. It may be too long, or not have come in time.
    pub is_whole: bool,
}

impl Client {
    /// A client that goes where `policy` allows, and gives up connecting, with name resolution and TLS, after
    /// `connect_deadline`.
    ///
    /// # Errors
    /// [`NotBuilt`].
    pub fn new(policy: Policy, connect_deadline: Duration) -> Result<Self, NotBuilt> {
        Self::on(Network::default(), policy, connect_deadline)
    }

    /// The same with another resolver and other certificate authorities.
    ///
    /// # Errors
    /// [`NotBuilt`].
    pub fn on(network: Network, policy: Policy, connect_deadline: Duration) -> Result<Self, NotBuilt> {
        let policy = Arc::new(policy);
        Ok(Self { http: network.http(policy.clone(), connect_deadline)?, policy })
    }

    /// Asks for what is at `url`, once. Anything but HTTP 200 is an error.
    ///
    /// # Errors
    /// [`Error`]; a body whose length the server says is refused before it is read.
    pub async fn get(&self, url: &str, limits: Limits) -> Result<Download, Error> {
        let begun = Instant::now();
        let request = self.http.get(self.policy.url(url)?).header(ACCEPT_ENCODING, "identity");
        let response = head(request, limits).await?;
        if response.status().as_u16() != 200 {
            return Err(Error::Status(response.status().as_u16()));
        }
        if response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(Error::Compressed);
        }
        if response.content_length().is_some_and(|bytes| bytes > limits.max_bytes) {
            return Err(Error::TooLarge(limits.max_bytes));
        }
        Ok(Download::new(response, begun, limits))
    }

    /// Sends `body` to `url`, once, with `headers`, which are taken for secrets. Once the status is known, no limit
    /// makes the answer an error: the server has what was sent.
    ///
    /// # Errors
    /// [`Error`]. If it is transient, the server may have received the request all the same.
    pub async fn post(&self, url: &str, mut headers: HeaderMap, body: Bytes, limits: Limits) -> Result<Answer, Error> {
        let begun = Instant::now();
        headers.values_mut().for_each(|value| value.set_sensitive(true));
        let request = self.http.post(self.policy.url(url)?).headers(headers).body(body);
        let response = head(request, limits).await?;
        let status = response.status().as_u16();
        let download = Download::new(response, begun, Limits { max_bytes: u64::MAX, ..limits });
        let (body, is_whole) = beginning(download, limits.max_bytes).await;
        Ok(Answer { status, body, is_whole })
    }
}

/// Sends `request` and waits for the head of its answer.
async fn head(request: RequestBuilder, limits: Limits) -> Result<Response, Error> {
    let deadline = limits.head.min(limits.total);
    let response = timeout(deadline, request.send()).await.map_err(|_| Error::Timeout(Step::Waiting))??;
    if response.status().is_redirection() {
        return Err(Error::Redirect(response.status().as_u16()));
    }
    Ok(response)
}

/// The first `max_bytes` that come of a body within its limits, and whether that is all.
async fn beginning(mut download: Download, max_bytes: u64) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Ok(chunk) = download.chunk().await {
        let Some(chunk) = chunk else { return (body, true) };
        let room = usize::try_from(max_bytes).unwrap_or(usize::MAX) - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            break;
        }
    }
    (body, false)
}

//! Sending one HTTP request, once.
//!
//! The client follows no redirect, retries nothing, and uses no proxy and no cookie. Each request has a connection of
//! its own: a sandbox may be frozen between two requests, and a write sent on a connection that died meanwhile would be
//! of unknown outcome. TLS sessions are resumed all the same. All is HTTP/1.1, in which a body has a length that is told
//! first: Flickr's front ends have refused others.

mod file;

use std::{error::Error as StdError, sync::Arc, time::Duration};

use domain::catalogue::Verb;
use reqwest::{
    Response,
    header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER},
    redirect, retry,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use url::Url;

pub use self::file::FileUpload;
use crate::request_outcome::{Body, MAX_BODY_BYTES, Reply, RequestOutcome};

/// The header with Flickr's id of a request, to quote when asking Flickr about it.
const FLICKR_REQUEST: &str = "x-flickr-api-request";

const USER_AGENT: &str = concat!("FlickrHub/", env!("CARGO_PKG_VERSION"));

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be made")]
pub struct Error(#[source] Box<dyn StdError + Send + Sync>);

/// An HTTP client.
#[derive(Debug, Clone)]
pub struct Transport {
    http: reqwest::Client,
}

/// A signed request. It has no `Debug`, because its header names a token.
pub struct Request {
    /// How it is sent.
    pub verb: Verb,
    /// Where to; without a query.
    pub url: Url,
    /// The parameters as a form, for the query or the body.
    pub form: String,
    /// The `Authorization` header.
    pub authorization: String,
    /// The longest it may take, to the end of the answer.
    pub deadline: Duration,
}

impl Transport {
    /// A client that trusts the certificate authorities that Mozilla trusts, gives up connecting, with name resolution
    /// and TLS, after `connect_deadline`, and gives up a connection that takes nothing for as long as `stall`.
    ///
    /// # Errors
    /// [`Error`].
    pub fn new(connect_deadline: Duration, stall: Duration) -> Result<Self, Error> {
        let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error(error.into()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(USER_AGENT)
            .http1_only()
            .connect_timeout(connect_deadline)
            .tcp_user_timeout(stall)
            .pool_max_idle_per_host(0)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_gzip()
            .no_proxy()
            .build()
            .map_err(|error| Error(error.into()))?;
        Ok(Self { http })
    }

    /// Sends `request` once, and reads its answer up to [`MAX_BODY_BYTES`].
    pub async fn send(&self, request: Request) -> RequestOutcome {
        let deadline = request.deadline;
        match self.begin(request).await {
            Ok(response) => RequestOutcome::Answered(read(response).await),
            Err(error) if error.is_builder() || error.is_connect() => RequestOutcome::NotSent(reason(error)),
            Err(error) if error.is_timeout() => RequestOutcome::NoAnswer(format!("{} ms passed", deadline.as_millis())),
            Err(error) => RequestOutcome::NoAnswer(reason(error)),
        }
    }

    async fn begin(&self, request: Request) -> reqwest::Result<Response> {
        let Request { verb, mut url, form, authorization, deadline } = request;
        let builder = match verb {
            Verb::Get => {
                url.set_query(Some(&form));
                self.http.get(url)
            }
            Verb::Post => self
                .http
                .post(url)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                // Set here because it is left out of an empty body, where RFC 9110 section 8.6 wants it.
                .header(CONTENT_LENGTH, form.len())
                .body(form),
        };
        let request = unprinted(builder.header(AUTHORIZATION, authorization).timeout(deadline).build()?);
        self.http.execute(request).await
    }
}

/// The request with headers that no `Debug` shows: one has the token.
fn unprinted(mut request: reqwest::Request) -> reqwest::Request {
    request.headers_mut().values_mut().for_each(|value| value.set_sensitive(true));
    request
}

async fn read(mut response: Response) -> Reply {
    let (status, retry_after) = head(&response);
    Reply { status, retry_after, body: body(&mut response).await }
}

/// The status, and `Retry-After`.
fn head(response: &Response) -> (u16, Option<String>) {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let status = response.status().as_u16();
    tracing::debug!(status, flickr_request = header(FLICKR_REQUEST), "Flickr answered");
    (status, header(RETRY_AFTER.as_str()))
}

async fn body(response: &mut Response) -> Body {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > MAX_BODY_BYTES => return Body::TooLong,
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Body::Whole(bytes),
            Err(error) => return Body::Cut(reason(error)),
        }
    }
}

/// The innermost cause: the outer ones quote the URL, and so the caller's parameters.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn StdError = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

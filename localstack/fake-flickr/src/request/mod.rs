//! Reads a request to its end before anything checks it, because Flickr does: it compares a timestamp with the clock
//! only after the body has arrived.

mod head;
mod multipart;
mod pace;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, Uri, header, request};
use futures_util::TryStreamExt as _;

pub(crate) use self::head::Head;
pub(crate) use self::multipart::{BodyError, FilePart};
use self::multipart::{Content, MAX_TEXT_BYTES};
pub(crate) use self::pace::{Pace, Then};
use crate::oauth::signature;
use crate::params::{self, Params};

/// Flickr's own hosts, which a redirected client still signs for.
const REAL_HOSTS: [&str; 3] = ["www.flickr.com", "api.flickr.com", "up.flickr.com"];

/// The scheme clients reach the server by, unless a proxy's `X-Forwarded-Proto` names another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// The scheme as a URL spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The endpoint that a request's path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    RequestToken,
    AccessToken,
    Rest,
    Upload,
    Replace,
}

impl Endpoint {
    /// Whether it takes files.
    pub(crate) fn is_transfer(self) -> bool {
        matches!(self, Self::Upload | Self::Replace)
    }
}

/// A request to one of the signed endpoints, read to its end.
#[derive(Debug)]
pub(crate) struct ApiRequest {
    pub endpoint: Endpoint,
    pub verb: String,
    pub path: String,
    /// The base URLs that the client may have signed, the likeliest first.
    pub base_urls: Vec<String>,
    pub params: Params,
    pub file: Option<FilePart>,
    pub bytes_received: u64,
    pub body_error: Option<BodyError>,
    /// Whether the head says how long the body is.
    pub has_length: bool,
    /// The head of an upload or a replacement.
    pub head: Option<Head>,
}

impl ApiRequest {
    /// The REST method, if the request is a REST call.
    pub(crate) fn method(&self) -> Option<&str> {
        (self.endpoint == Endpoint::Rest).then(|| self.params.get("method")).flatten()
    }
}

/// Reads a request. `choose_pace` is asked when an uploaded photo begins, with the parameters that came before it.
pub(crate) async fn read(
    endpoint: Endpoint,
    scheme: Scheme,
    request: Request,
    choose_pace: impl Fn(&Params) -> Pace,
) -> ApiRequest {
    let (parts, body) = request.into_parts();
    let mut pairs: Vec<_> = parts
        .headers
        .get_all(header::AUTHORIZATION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(params::parse_authorization)
        .collect();
    pairs.extend(params::parse_form(parts.uri.query().unwrap_or_default().as_bytes()));
    let verb = parts.method.to_string();
    let path = parts.uri.path().to_owned();
    let base_urls = base_urls(scheme, &parts.headers, &parts.uri);
    let mut head = endpoint.is_transfer().then(|| Head::new(&parts));
    let length = content_length(&parts.headers);

    let received = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&received);
    let counted = body.into_data_stream().inspect_ok(move |chunk| {
        counter.fetch_add(chunk.len() as u64, Ordering::Relaxed);
    });
    let pace = |texts: &[(String, String)]| choose_pace(&pairs.iter().chain(texts).cloned().collect());
    let content = read_body(parts, Body::from_stream(counted), length.unwrap_or(0), pace).await;
    let bytes_received = received.load(Ordering::Relaxed);
    let is_short = length.is_some_and(|length| bytes_received < length);
    let body_error = content.error.map(|error| if is_short { BodyError::Cut } else { error });
    if let Some(head) = &mut head {
        head.parts = content.parts;
    }
    pairs.extend(content.pairs);
    ApiRequest {
        endpoint,
        verb,
        path,
        base_urls,
        params: pairs.into_iter().collect(),
        file: content.file,
        bytes_received,
        body_error,
        has_length: length.is_some(),
        head,
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn base_urls(scheme: Scheme, headers: &HeaderMap, uri: &Uri) -> Vec<String> {
    let header = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?;
        value.split(',').next().map(str::trim).filter(|value| !value.is_empty())
    };
    let scheme = header("x-forwarded-proto").unwrap_or(scheme.as_str());
    let host = header("host").or_else(|| uri.authority().map(|authority| authority.as_str()));
    let addressed = host.into_iter().chain(header("x-forwarded-host")).map(|host| (scheme, host));
    let real = REAL_HOSTS.into_iter().map(|host| ("https", host));
    addressed.chain(real).map(|(scheme, host)| signature::base_url(scheme, host, uri.path())).collect()
}

async fn read_body(
    parts: request::Parts,
    body: Body,
    length: u64,
    choose_pace: impl Fn(&[(String, String)]) -> Pace,
) -> Content {
    let content_type =
        parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media_type == "multipart/form-data" {
        return multipart::read(Request::from_parts(parts, body), length, choose_pace).await;
    }
    let Ok(bytes) = axum::body::to_bytes(body, MAX_TEXT_BYTES).await else {
        let error = Some(BodyError::Malformed("the body was cut short or too large"));
        return Content { error, ..Content::default() };
    };
    let is_form = parts.method == Method::POST && media_type == "application/x-www-form-urlencoded";
    let pairs = if is_form { params::parse_form(&bytes) } else { Vec::new() };
    Content { pairs, ..Content::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_the_addressed_hosts_then_flickrs_own() {
        let mut headers = HeaderMap::new();
        headers.insert("host", "127.0.0.1:3001".parse().unwrap());
        let uri: Uri = "/services/rest/?a=b".parse().unwrap();
        let urls = base_urls(Scheme::Http, &headers, &uri);
        assert_eq!(urls[0], "http://127.0.0.1:3001/services/rest/");
        assert!(urls.contains(&"https://api.flickr.com/services/rest/".to_owned()));

        headers.insert("x-forwarded-proto", "https".parse().unwrap());
        headers.insert("x-forwarded-host", "flickr.test, inner".parse().unwrap());
        let urls = base_urls(Scheme::Http, &headers, &uri);
        assert_eq!(urls[..2], ["https://127.0.0.1:3001/services/rest/", "https://flickr.test/services/rest/"]);
    }
}

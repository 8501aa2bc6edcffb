//! Reads a request to its end before anything checks it, because Flickr does: it compares a timestamp with the clock
//! only after the body has arrived. A file is hashed as it streams in and is never held in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest as _, Request};
use axum::http::{HeaderMap, Method, Uri, header, request};
use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use crate::oauth::signature;
use crate::params::{self, Params};

/// Flickr's own hosts, which a redirected client still signs for.
const REAL_HOSTS: [&str; 3] = ["www.flickr.com", "api.flickr.com", "up.flickr.com"];
const MAX_TEXT_BYTES: usize = 16 << 20;
/// The length of a file's head, from which its kind is detected.
const HEAD_BYTES: usize = 16;

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
    /// Why the body cannot be read.
    pub body_error: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) struct FilePart {
    pub name: String,
    pub bytes: u64,
    pub sha256: String,
    pub head: Vec<u8>,
}

impl ApiRequest {
    /// The REST method, if the request is a REST call.
    pub(crate) fn method(&self) -> Option<&str> {
        (self.endpoint == Endpoint::Rest).then(|| self.params.get("method")).flatten()
    }
}

#[derive(Default)]
struct Content {
    pairs: Vec<(String, String)>,
    file: Option<FilePart>,
}

pub(crate) async fn read(endpoint: Endpoint, scheme: Scheme, request: Request) -> ApiRequest {
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

    let received = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&received);
    let counted = body.into_data_stream().inspect_ok(move |chunk| {
        counter.fetch_add(chunk.len() as u64, Ordering::Relaxed);
    });
    let (content, body_error) = match read_body(parts, Body::from_stream(counted)).await {
        Ok(content) => (content, None),
        Err(error) => (Content::default(), Some(error)),
    };
    pairs.extend(content.pairs);
    ApiRequest {
        endpoint,
        verb,
        path,
        base_urls,
        params: pairs.into_iter().collect(),
        file: content.file,
        bytes_received: received.load(Ordering::Relaxed),
        body_error,
    }
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

async fn read_body(parts: request::Parts, body: Body) -> Result<Content, &'static str> {
    let content_type =
        parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media_type == "multipart/form-data" {
        return read_multipart(Request::from_parts(parts, body)).await;
    }
    let bytes = axum::body::to_bytes(body, MAX_TEXT_BYTES).await.map_err(|_| "the body was cut short or too large")?;
    let is_form = parts.method == Method::POST && media_type == "application/x-www-form-urlencoded";
    let pairs = if is_form { params::parse_form(&bytes) } else { Vec::new() };
    Ok(Content { pairs, file: None })
}

async fn read_multipart(request: Request) -> Result<Content, &'static str> {
    let cut = |_: MultipartError| "the multipart body was cut short or malformed";
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| "the multipart body has no boundary")?;
    let mut content = Content::default();
    let mut text_bytes = 0;
    while let Some(mut field) = parts.next_field().await.map_err(cut)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "photo" || field.file_name().is_some() {
            let file = read_file(field).await.map_err(cut)?;
            if name == "photo" {
                content.file = Some(file);
            }
            continue;
        }
        let mut text = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(cut)? {
            text_bytes += chunk.len();
            if text_bytes > MAX_TEXT_BYTES {
                return Err("the text fields are too large");
            }
            text.extend_from_slice(&chunk);
        }
        content.pairs.push((name, String::from_utf8_lossy(&text).into_owned()));
    }
    Ok(content)
}

async fn read_file(mut field: Field<'_>) -> Result<FilePart, MultipartError> {
    let name = field.file_name().unwrap_or_default().to_owned();
    let mut hash = Sha256::new();
    let mut bytes = 0;
    let mut head = Vec::with_capacity(HEAD_BYTES);
    while let Some(chunk) = field.chunk().await? {
        hash.update(&chunk);
        bytes += chunk.len() as u64;
        head.extend(chunk.iter().take(HEAD_BYTES - head.len()));
    }
    Ok(FilePart { name, bytes, sha256: hex::encode(hash.finalize()), head })
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

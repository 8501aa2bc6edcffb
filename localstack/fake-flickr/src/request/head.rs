//! The head of an upload as it came, for tests to check what a client sends: lengths, encodings, names and types.
//!
//! The HTTP server hands the names of headers over in lower case, in the order in which they came. No head holds a
//! secret: the query and the credentials are left out, and of a part only its own headers are kept.

use axum::http::{HeaderMap, header, request};
use serde::Serialize;

const REDACTED: &str = "<redacted>";

/// The head of a request, and those of the parts of its multipart body.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Head {
    request_line: String,
    headers: Vec<(String, String)>,
    pub parts: Vec<PartHead>,
}

/// The headers of a part, and the length of what follows them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PartHead {
    headers: Vec<(String, String)>,
    bytes: u64,
}

impl Head {
    pub(super) fn new(parts: &request::Parts) -> Self {
        let query = if parts.uri.query().is_some() { format!("?{REDACTED}") } else { String::new() };
        let request_line = format!("{} {}{query} {:?}", parts.method, parts.uri.path(), parts.version);
        Self { request_line, headers: pairs(&parts.headers), parts: Vec::new() }
    }
}

impl PartHead {
    pub(super) fn new(headers: &HeaderMap) -> Self {
        Self { headers: pairs(headers), bytes: 0 }
    }

    /// The head of a part of `bytes`.
    pub(super) fn before(self, bytes: u64) -> Self {
        Self { bytes, ..self }
    }
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let pair = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let is_secret = [header::AUTHORIZATION, header::COOKIE].contains(name);
        (name.to_string(), if is_secret { redacted(&value) } else { value })
    };
    headers.iter().map(pair).collect()
}

/// The scheme of the credentials alone.
fn redacted(value: &str) -> String {
    match value.trim_start().split_once(char::is_whitespace) {
        Some((scheme, _)) => format!("{scheme} {REDACTED}"),
        None => REDACTED.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn a_head_keeps_order_and_repetitions_and_no_secret() {
        let request = Request::post("/services/upload/?oauth_token=72-1")
            .header("Host", "up.flickr.com")
            .header("Authorization", "OAuth oauth_token=\"72-1\", oauth_signature=\"abc\"")
            .header("X-A", "1")
            .header("X-A", "2")
            .body(())
            .unwrap();
        let head = Head::new(&request.into_parts().0);
        assert_eq!(head.request_line, "POST /services/upload/?<redacted> HTTP/1.1");
        let headers: Vec<_> = head.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(headers, ["host: up.flickr.com", "authorization: OAuth <redacted>", "x-a: 1", "x-a: 2"]);
    }
}

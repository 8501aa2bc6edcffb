//! A signing client that can send its parameters in every place that real clients use.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use axum::body::Body;
use axum::http::Request;
use fake_flickr::{App, signature};

use crate::fixture::HOST;

static NONCE: AtomicU64 = AtomicU64::new(0);

pub type Pairs = Vec<(String, String)>;

#[derive(Clone)]
pub struct Client {
    pub key: String,
    pub secret: String,
    pub token: Option<(String, String)>,
    /// The scheme and host that the client signs for.
    pub origin: String,
    /// How far the client's clock is ahead.
    pub clock_offset_seconds: i64,
}

impl Default for Client {
    fn default() -> Self {
        let App { key, secret } = App::default();
        Self { key, secret, token: None, origin: format!("http://{HOST}"), clock_offset_seconds: 0 }
    }
}

#[expect(clippy::disallowed_methods, reason = "the clock of a client")]
fn now() -> i64 {
    let since: Duration = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

pub fn pairs(list: &[(&str, &str)]) -> Pairs {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub fn urlencoded(pairs: &Pairs) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", signature::encode(name), signature::encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// A file as a client sends it.
#[derive(Clone, Copy)]
pub struct File<'a> {
    pub name: &'a str,
    pub content_type: Option<&'a str>,
    pub bytes: &'a [u8],
}

pub const JPEG: File<'_> = File { name: "/tmp/sea side.jpg", content_type: None, bytes: b"\xff\xd8\xff\xe0 a photo" };
pub const CLIP: File<'_> =
    File { name: "clip.mp4", content_type: Some("video/mp4"), bytes: b"\0\0\0\x18ftypmp42 a video" };

impl Client {
    /// The OAuth parameters of a request, including the signature.
    pub fn sign(&self, verb: &str, path: &str, params: &Pairs) -> Pairs {
        let mut oauth = pairs(&[
            ("oauth_consumer_key", &self.key),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_version", "1.0"),
            ("oauth_timestamp", &(now() + self.clock_offset_seconds).to_string()),
            ("oauth_nonce", &format!("+/{}=", NONCE.fetch_add(1, Ordering::Relaxed))),
        ]);
        if let Some((token, _)) = &self.token {
            oauth.push(("oauth_token".into(), token.clone()));
        }
        let all = params.iter().chain(&oauth).map(|(name, value)| (name.as_str(), value.as_str()));
        let base = signature::base_string(verb, &format!("{}{path}", self.origin), all);
        let token_secret = self.token.as_ref().map_or("", |(_, secret)| secret);
        oauth.push(("oauth_signature".into(), signature::sign(&base, &self.secret, token_secret)));
        oauth
    }

    /// The parameters, followed by the OAuth parameters that sign them.
    pub fn signed(&self, verb: &str, path: &str, params: &[(&str, &str)]) -> Pairs {
        let mut all = pairs(params);
        let oauth = self.sign(verb, path, &all);
        all.extend(oauth);
        all
    }

    /// A request with all parameters in the query.
    pub fn query(&self, path: &str, params: &[(&str, &str)]) -> Request<Body> {
        get(path, &self.signed("GET", path, params))
    }

    /// A request with OAuth parameters in the header and the others in a form.
    pub fn form(&self, path: &str, params: &[(&str, &str)]) -> Request<Body> {
        let params = pairs(params);
        let header = authorization(&self.sign("POST", path, &params), ", ");
        Request::post(path)
            .header("host", HOST)
            .header("authorization", header)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(urlencoded(&params)))
            .unwrap()
    }

    /// A multipart request with all parameters as text fields, followed by the file.
    pub fn multipart(&self, path: &str, params: &[(&str, &str)], file: Option<File<'_>>) -> Request<Body> {
        let body = multipart_body(&self.signed("POST", path, params), file);
        post_multipart(path, body)
    }
}

pub fn get(path: &str, pairs: &Pairs) -> Request<Body> {
    Request::get(format!("{path}?{}", urlencoded(pairs))).header("host", HOST).body(Body::empty()).unwrap()
}

pub fn authorization(oauth: &Pairs, separator: &str) -> String {
    let parts = oauth.iter().map(|(name, value)| format!("{name}=\"{}\"", signature::encode(value)));
    format!("OAuth realm=\"\"{separator}{}", parts.collect::<Vec<_>>().join(separator))
}

pub fn multipart_body(fields: &Pairs, file: Option<File<'_>>) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(format!("--bound\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    if let Some(File { name, content_type, bytes }) = file {
        let name = format!("--bound\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"{name}\"\r\n");
        let content_type = content_type.map(|content_type| format!("Content-Type: {content_type}\r\n"));
        body.extend((name + &content_type.unwrap_or_default() + "\r\n").bytes());
        body.extend(bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--bound--\r\n");
    body
}

pub fn post_multipart(path: &str, body: Vec<u8>) -> Request<Body> {
    Request::post(path)
        .header("host", HOST)
        .header("content-type", "multipart/form-data; boundary=bound")
        .header("content-length", body.len())
        .body(Body::from(body))
        .unwrap()
}

//! A client that signs its requests (RFC 9421), apart from the code that verifies them.

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::Timestamp;
use ring::{digest, hmac};

/// Signs requests with a signing secret.
#[derive(Debug, Clone)]
pub struct Signer {
    key_id: String,
    secret: Vec<u8>,
}

/// A request to sign, with its path and its query as they are sent: of letters, digits, `-`, `.`, `_` and `*` alone.
#[derive(Debug, Clone, Copy)]
pub struct Unsigned<'a> {
    pub method: &'a str,
    /// The path, from the host on.
    pub path: &'a str,
    pub query: &'a [(&'a str, &'a str)],
    pub idempotency_key: Option<&'a str>,
    pub body: &'a str,
}

/// The headers of a signed request.
pub type Headers = Vec<(&'static str, String)>;

impl Signer {
    /// Signs with this secret.
    pub fn new(key_id: impl Into<String>, secret: impl Into<Vec<u8>>) -> Self {
        Self { key_id: key_id.into(), secret: secret.into() }
    }

    /// The headers that sign the request at `created`, `Idempotency-Key` among them.
    pub fn sign(&self, request: &Unsigned, created: Timestamp, nonce: &str) -> Headers {
        let Unsigned { method, path, query, idempotency_key, body } = request;
        let mut headers = Headers::new();
        if !body.is_empty() {
            let digest = digest::digest(&digest::SHA256, body.as_bytes());
            headers.push(("content-digest", format!("sha-256=:{}:", STANDARD.encode(digest))));
        }
        headers.extend(idempotency_key.map(|key| ("idempotency-key", key.to_owned())));
        let mut lines = vec![format!("\"@method\": {method}"), format!("\"@path\": {path}")];
        lines.extend(headers.iter().map(|(name, value)| format!("\"{name}\": {value}")));
        lines.extend(query.iter().map(|(name, value)| format!("\"@query-param\";name=\"{name}\": {value}")));
        let names: Vec<&str> = lines.iter().filter_map(|line| line.split(": ").next()).collect();
        let input = format!(
            r#"({});created={};keyid="{}";nonce="{nonce}";alg="hmac-sha256""#,
            names.join(" "),
            created.as_seconds(),
            self.key_id
        );
        lines.push(format!("\"@signature-params\": {input}"));
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.secret);
        let signature = hmac::sign(&key, lines.join("\n").as_bytes());
        headers.push(("signature-input", format!("sig={input}")));
        headers.push(("signature", format!("sig=:{}:", STANDARD.encode(signature))));
        headers
    }
}

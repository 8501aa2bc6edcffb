//! Signed requests: HTTP Message Signatures (RFC 9421) in one strict profile.
//!
//! A signature covers the method, the path, `Content-Digest` and `Idempotency-Key` where they came, and each query
//! parameter: all that a request says to its route, and nothing else. It is an HMAC-SHA-256 under the signing secret of
//! the API key, of the last five minutes, with a nonce that is used once.
//!
//! Invariant: a request that comes with a signature goes on only if that verifies. One without goes on only if its API
//! key does not demand one. A nonce is used up by a signature that verifies, and by no other.

mod digest;
mod encoding;
mod message;
mod presented;
mod refused;
mod structured;

use api::ErrorCode;
use axum::{body::Body, extract::Request};
use http::{HeaderMap, HeaderName, request::Parts};
use hub::{
    ports::{Clock, Nonces, SigningSecrets},
    signing,
    tenants::Principal,
};
use url::form_urlencoded;
use vault::{DataKeys, Vault};

use self::{message::Message, presented::Presented, refused::Refused};
use crate::{
    body::{limit, whole},
    context::RequestContext,
    problem::Problem,
};

/// The headers of a signature.
pub(crate) const SIGNATURE: &str = "signature";
pub(crate) const SIGNATURE_INPUT: &str = "signature-input";
pub(crate) const CONTENT_DIGEST: &str = "content-digest";
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The other spelling of the header, which no signature covers.
pub(crate) const X_IDEMPOTENCY_KEY: &str = "x-idempotency-key";

/// The request, if it is signed as its API key demands.
///
/// # Errors
/// `ERR_SIGNATURE_REQUIRED`, `ERR_SIGNATURE_INVALID`, a body that cannot be read, or a failure of the ports.
pub(crate) async fn verified(
    ports: &(impl Clock + SigningSecrets + Nonces),
    secrets: &Vault<impl DataKeys>,
    principal: &Principal,
    request: Request,
) -> Result<Request, Problem> {
    let headers = request.headers();
    if !headers.contains_key(SIGNATURE) && !headers.contains_key(SIGNATURE_INPUT) {
        if principal.signing().is_some_and(|signing| signing.is_required) {
            return Err(Problem::new(ErrorCode::SignatureRequired, "The requests of this API key must be signed"));
        }
        return Ok(request);
    }
    let (parts, body) = request.into_parts();
    let presented = presented(&parts.headers)?;
    let secret = signing::secret(ports, secrets, principal, &presented.key_id).await?.ok_or(Refused::UnknownKey)?;
    let (body, now) = (whole(body, limit(&parts.extensions)).await?, ports.now());
    let base = presented.check(&message(&parts, &body)?, now)?;
    presented.verify(&base, secret.expose())?;
    // The principal's own: the two are the same text.
    let Some(signing) = principal.signing() else { return Err(Refused::UnknownKey.into()) };
    if !ports.use_nonce(&signing.key, &presented.nonce, presented.until(), now).await.map_err(hub::Error::from)? {
        return Err(Refused::Replayed.into());
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// The signature that came.
fn presented(headers: &HeaderMap) -> Result<Presented, Refused> {
    let (Some(input), Some(signature)) = (one(headers, SIGNATURE_INPUT)?, one(headers, SIGNATURE)?) else {
        return Err(Refused::Incomplete);
    };
    Presented::parse(input, signature)
}

/// What the request says; its body is the one of its digest.
fn message<'a>(parts: &'a Parts, body: &[u8]) -> Result<Message<'a>, Refused> {
    if parts.headers.contains_key(X_IDEMPOTENCY_KEY) {
        return Err(Refused::OtherKeyHeader);
    }
    let content_digest = one(&parts.headers, CONTENT_DIGEST)?;
    match content_digest {
        Some(field) => digest::check(field, body)?,
        None if body.is_empty() => {}
        None => return Err(Refused::NoDigest),
    }
    let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    Ok(Message {
        method: parts.method.as_str(),
        path: parts.extensions.get().map_or(parts.uri.path(), |context: &RequestContext| &context.path),
        query: query.into_owned().collect(),
        content_digest,
        idempotency_key: one(&parts.headers, IDEMPOTENCY_KEY)?,
    })
}

/// The value of a header, which may be there once.
fn one<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Refused> {
    let mut values = headers.get_all(HeaderName::from_static(name)).iter();
    let (first, None) = (values.next(), values.next()) else { return Err(Refused::Header) };
    first.map(|value| value.to_str().map_err(|_| Refused::Header)).transpose()
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::new(ErrorCode::SignatureInvalid, refused.to_string())
    }
}

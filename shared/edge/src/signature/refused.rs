//! Why a signature is not accepted, for the client.

/// Why a signature is not accepted. It quotes nothing of the request but names of components and query parameters that
/// must be covered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("send both `Signature-Input` and `Signature`")]
    Incomplete,
    #[error("a header of a signed request is given twice, or is not printable ASCII")]
    Header,
    #[error("`Signature-Input` must have one member, a list of components with parameters")]
    MalformedInput,
    #[error("`Signature` must have one member, the bytes of an HMAC-SHA-256, under the label of `Signature-Input`")]
    MalformedSignature,
    #[error("`{0}` is missing among the parameters of the signature, or is of another type")]
    Parameter(&'static str),
    #[error("the signature has a parameter twice, or one besides `alg`, `created`, `expires`, `keyid` and `nonce`")]
    OtherParameter,
    #[error("`alg` must be `hmac-sha256`")]
    Algorithm,
    #[error("`keyid` must be that of the API key's signing secret")]
    UnknownKey,
    #[error("`created` must be within 300 seconds of now")]
    Time,
    #[error("the signature has expired")]
    Expired,
    #[error("`nonce` must have 1 to 128 characters")]
    Nonce,
    #[error("the signature must cover {0}")]
    NotCovered(String),
    #[error("the signature covers something twice, or something that must not be covered or did not come")]
    OtherComponent,
    #[error("a query parameter is given twice")]
    QueryTwice,
    #[error("send the idempotency key of a signed request in `Idempotency-Key`")]
    OtherKeyHeader,
    #[error("a signed request with a body needs `Content-Digest`")]
    NoDigest,
    #[error("`Content-Digest` must have one `sha-256`")]
    MalformedDigest,
    #[error("`Content-Digest` is of another body")]
    Digest,
    #[error("the signature does not verify")]
    Mismatch,
    #[error("the nonce was used before: sign each request anew")]
    Replayed,
}

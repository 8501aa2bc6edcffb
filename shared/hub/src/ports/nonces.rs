//! The nonces of signed requests.

use domain::{SigningKeyId, Timestamp};

use super::Result;

/// The nonces of signed requests, each of a signing secret, for as long as its signature could be accepted.
pub trait Nonces: Send + Sync {
    /// Uses a nonce, which is then used until `until`: whether it was unused `now`. Of several that ask at once, one
    /// hears so.
    fn use_nonce(
        &self,
        key: &SigningKeyId,
        nonce: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool>> + Send;
}

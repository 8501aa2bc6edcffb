//! Logins that were begun and not yet completed.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{AppId, TenantId, Timestamp, account::Perms};

/// How the verifier comes back from Flickr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Flickr shows the user a code to hand over.
    Oob,
    /// Flickr sends the browser to FlickrHub's callback.
    Callback,
}

/// A login waiting for its verifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingLogin {
    /// Who began it, and alone may complete it.
    pub tenant: TenantId,
    /// The digest of the request token.
    pub token_digest: Digested,
    /// The digest of `state`.
    pub state_digest: Digested,
    /// The Flickr app.
    pub app: AppId,
    /// What the user is asked to allow.
    pub perms: Perms,
    /// How the verifier comes back.
    pub mode: Mode,
    /// Where the browser goes after the callback.
    pub return_url: Option<String>,
    /// When it can no longer be completed.
    pub expires_at: Timestamp,
}

/// The SHA-256 of something that is looked up and never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digested(String);

impl Digested {
    /// The digest of `text`.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// A digest as it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The one-time value that ties a browser's return to the login it belongs to (RFC 6749 section
/// 10.12). It names the tenant, since the callback comes without an API key, and 128 random bits.
pub fn state(tenant: &TenantId, random: [u8; 16]) -> String {
    let secret: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{tenant}.{secret}")
}

/// The tenant named by a `state`; `None` when it names none.
pub fn tenant_of_state(state: &str) -> Option<TenantId> {
    state.split_once('.').and_then(|(tenant, _)| tenant.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_names_its_tenant() {
        let tenant = TenantId::from_bytes([7; 16]);
        let state = state(&tenant, [1; 16]);
        assert_eq!(tenant_of_state(&state), Some(tenant));
    }

    #[test]
    fn a_foreign_state_names_none() {
        for text in ["", ".", "ten_.", "x.y", "ten_07070707070707070707070707070707"] {
            assert_eq!(tenant_of_state(text), None, "{text:?}");
        }
    }
}

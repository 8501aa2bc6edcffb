//! Logins that were begun and not yet completed.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{AppId, TenantId, Timestamp, account::Perms, hex::hex};

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

impl PendingLogin {
    /// Whether a consent that brings `state` can complete it at `now`: in time, and with the state that it began with,
    /// which only a verifier that was handed over by hand may lack.
    pub fn can_be_completed(&self, state: Option<&Digested>, now: Timestamp) -> bool {
        self.expires_at > now && state.map_or(self.mode == Mode::Oob, |state| *state == self.state_digest)
    }
}

/// The SHA-256 of something that is looked up and never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digested(String);

impl Digested {
    /// The digest of `text`.
    pub fn of(text: &str) -> Self {
        Self(hex(&Sha256::digest(text)))
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
    format!("{tenant}.{}", hex(&random))
}

/// The tenant named by a `state`; `None` when it names none.
pub fn tenant_of_state(state: &str) -> Option<TenantId> {
    state.split_once('.').and_then(|(tenant, _)| tenant.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_completed_in_time_and_with_its_state() {
        let now = Timestamp::from_milliseconds(1_790_000_000_000);
        let login = |mode, expires_at| PendingLogin {
            tenant: TenantId::from_bytes([7; 16]),
            token_digest: Digested::of("token"),
            state_digest: Digested::of("state"),
            app: AppId::from_bytes([9; 16]),
            perms: Perms::Write,
            mode,
            return_url: None,
            expires_at,
        };
        let (later, right, wrong) = (now + std::time::Duration::from_secs(1), Digested::of("state"), Digested::of("x"));
        for (mode, state, expected) in [
            (Mode::Oob, None, true),
            (Mode::Callback, None, false),
            (Mode::Oob, Some(&right), true),
            (Mode::Callback, Some(&right), true),
            (Mode::Oob, Some(&wrong), false),
            (Mode::Callback, Some(&wrong), false),
        ] {
            assert_eq!(login(mode, later).can_be_completed(state, now), expected, "{mode:?} {state:?}");
            assert!(!login(mode, now).can_be_completed(state, now), "too late");
        }
    }

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

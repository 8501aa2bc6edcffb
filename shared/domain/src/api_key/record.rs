//! What is known of an API key.

use super::Scopes;
use crate::{KeyId, SigningKeyId, TenantId, Timestamp};

/// What is known of an API key; never the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    pub tenant: TenantId,
    /// Names it; absent in a key that was stored before keys had ids.
    pub id: Option<KeyId>,
    /// What it is called, for people.
    pub name: Option<String>,
    /// What it may be used for.
    pub scopes: Scopes,
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Since when it is refused, until it is enabled again.
    pub disabled_at: Option<Timestamp>,
    /// Since when it is refused for good.
    pub revoked_at: Option<Timestamp>,
    /// How its requests are signed, if they are.
    pub signing: Option<RequestSigning>,
}

/// How the requests of an API key are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSigning {
    /// The id of the secret that signs them.
    pub key: SigningKeyId,
    /// Whether a request without a signature is refused.
    pub is_required: bool,
}

/// Whether a key is accepted, and if not, why. Its holder is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It is accepted.
    Active,
    /// An operator disabled it, and may enable it again.
    Disabled,
    /// Its time is over.
    Expired,
    /// An operator revoked it, for good.
    Revoked,
}

/// A change of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyChange {
    /// It is refused from now on. One that is disabled already keeps its time.
    Disable(Timestamp),
    /// It is no longer disabled.
    Enable,
    /// It is refused for good from now on. One that is revoked already keeps its time.
    Revoke(Timestamp),
    /// It is refused from then on.
    ExpireAt(Timestamp),
}

impl KeyRecord {
    /// How it stands at `now`.
    pub fn state(&self, now: Timestamp) -> KeyState {
        if self.revoked_at.is_some() {
            KeyState::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            KeyState::Expired
        } else if self.disabled_at.is_some() {
            KeyState::Disabled
        } else {
            KeyState::Active
        }
    }

    /// The key after a change.
    #[must_use]
    pub fn changed(self, change: KeyChange) -> Self {
        match change {
            KeyChange::Disable(at) => Self { disabled_at: self.disabled_at.or(Some(at)), ..self },
            KeyChange::Enable => Self { disabled_at: None, ..self },
            KeyChange::Revoke(at) => Self { revoked_at: self.revoked_at.or(Some(at)), ..self },
            KeyChange::ExpireAt(at) => Self { expires_at: Some(at), ..self },
        }
    }
}

impl KeyState {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(milliseconds)
    }

    fn key() -> KeyRecord {
        KeyRecord {
            tenant: TenantId::from_bytes([1; 16]),
            id: None,
            name: None,
            scopes: Scopes::all(),
            created_at: at(0),
            expires_at: None,
            disabled_at: None,
            revoked_at: None,
            signing: None,
        }
    }

    fn change() -> impl Strategy<Value = KeyChange> {
        prop_oneof![
            (0..100_i64).prop_map(|time| KeyChange::Disable(at(time))),
            Just(KeyChange::Enable),
            (0..100_i64).prop_map(|time| KeyChange::Revoke(at(time))),
            (0..100_i64).prop_map(|time| KeyChange::ExpireAt(at(time))),
        ]
    }

    proptest! {
        #[test]
        fn what_is_revoked_stays_revoked(before in prop::collection::vec(change(), 0..5), after in prop::collection::vec(change(), 0..5)) {
            let apply = |key: KeyRecord, changes: Vec<KeyChange>| changes.into_iter().fold(key, KeyRecord::changed);
            let revoked = apply(key(), before).changed(KeyChange::Revoke(at(7)));
            let later = apply(revoked.clone(), after);
            prop_assert_eq!((later.state(at(0)), later.revoked_at), (KeyState::Revoked, revoked.revoked_at));
        }
    }

    #[test]
    fn a_key_is_accepted_until_its_end() {
        let key = key().changed(KeyChange::ExpireAt(at(10)));
        assert_eq!([9, 10, 11].map(|now| key.state(at(now))), [KeyState::Active, KeyState::Expired, KeyState::Expired]);
    }

    #[test]
    fn a_disabled_key_keeps_its_time_and_can_be_enabled() {
        let disabled = key().changed(KeyChange::Disable(at(1))).changed(KeyChange::Disable(at(2)));
        assert_eq!((disabled.state(at(3)), disabled.disabled_at), (KeyState::Disabled, Some(at(1))));
        assert_eq!(disabled.changed(KeyChange::Enable), key());
    }
}

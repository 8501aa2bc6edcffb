//! The days on which API keys were last used.

use std::collections::BTreeMap;

use domain::{Day, KeyId, TenantId};

use super::Result;

/// The days on which API keys were last used. They are for people, who look for keys that nobody needs any more: nothing
/// is decided by them.
pub trait KeyUses: Send + Sync {
    /// Notes that a key was used on this day, unless it was on a later one. A store writes it at most once a day, and may
    /// remember that it did.
    fn note_key_use(&self, tenant: &TenantId, key: &KeyId, day: Day) -> impl Future<Output = Result<()>> + Send;

    /// The last day on which each key of the tenant was used; without those that never were.
    fn key_uses(&self, tenant: &TenantId) -> impl Future<Output = Result<BTreeMap<KeyId, Day>>> + Send;
}

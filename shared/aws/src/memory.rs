//! What this process remembers of the tables, so that it need not ask again.
//!
//! Only what was found is remembered: what is absent is asked for each time, so that a new tenant or app works at
//! once. Each memory is bounded; one that is full begins anew, which costs a read for each entry and nothing else.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{AccountRef, AppId, Day, KeyId, SigningKeyId, TenantId, Timestamp};
use hub::{keyed_hash::ApiKeyHash, ports::KeyHolder};

/// The most entries of a memory.
const MAX_ENTRIES: usize = 1_000;

/// How long it is remembered whose an API key is: so much longer one may work that was disabled or revoked, or
/// whose tenant was suspended.
const API_KEY_LIFETIME: Duration = Duration::from_secs(60);

/// A bounded memory. Its clones are the same memory.
#[derive(Debug)]
pub(crate) struct Memory<K, V>(Arc<Mutex<HashMap<K, V>>>);

impl<K, V> Clone for Memory<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> Default for Memory<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Memory<K, V> {
    /// What was remembered last under `key`.
    pub(crate) fn get(&self, key: &K) -> Option<V> {
        lock(&self.0).get(key).cloned()
    }

    /// Remembers `value` in place of what was remembered under `key`.
    pub(crate) fn set(&self, key: &K, value: V) {
        self.with_room(key).insert(key.clone(), value);
    }

    /// The entries, with room for `key`.
    fn with_room(&self, key: &K) -> MutexGuard<'_, HashMap<K, V>> {
        let mut entries = lock(&self.0);
        if entries.len() >= MAX_ENTRIES && !entries.contains_key(key) {
            entries.clear();
        }
        entries
    }
}

/// The lock, also after a panic of another holder: each entry is written whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The sealed credentials of Flickr apps. An [`AppId`] is a hash of key *and* secret, so whatever was stored under a
/// tenant and an app opens to the same: it never goes out of date.
pub(crate) type AppCache = Memory<(TenantId, AppId), Vec<u8>>;

/// The sealed secrets that sign requests. An id has one secret, and the record of an API key says whether it still
/// counts: it never goes out of date.
pub(crate) type SigningSecretCache = Memory<(TenantId, SigningKeyId), Vec<u8>>;

/// Which Flickr apps accounts have. One that is connected anew may get another: what is remembered says only what to
/// read together with the account, which says which it is.
pub(crate) type AccountAppCache = Memory<AccountRef, AppId>;

/// The last day on which the use of each API key was noted.
pub(crate) type KeyUseCache = Memory<KeyId, Day>;

/// Whose API keys are, and how their requests are signed. A key may be refused and a tenant suspended, so this is remembered for a minute only.
#[derive(Clone, Debug, Default)]
pub(crate) struct ApiKeyCache(Memory<ApiKeyHash, (KeyHolder, Timestamp)>);

impl ApiKeyCache {
    /// Whose the key is, as far as that may be known at `now` without asking.
    pub(crate) fn get(&self, key: &ApiKeyHash, now: Timestamp) -> Option<KeyHolder> {
        let (holder, asked_at) = self.0.get(key)?;
        // A clock that was set back tells nothing of an age.
        (asked_at <= now && now < asked_at + API_KEY_LIFETIME).then_some(holder)
    }

    /// Remembers whose the key was when the table was asked, at `asked_at`.
    pub(crate) fn set(&self, key: &ApiKeyHash, holder: &KeyHolder, asked_at: Timestamp) {
        self.0.set(key, (holder.clone(), asked_at));
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        api_key::{KeyRecord, Scopes},
        tenant::Tenant,
    };
    use hub::{hash_secret::HashSecret, keyed_hash::KeyedHash};

    use super::*;

    const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_123);

    fn holder(number: u8) -> KeyHolder {
        let id = TenantId::from_bytes([number; 16]);
        let key = KeyRecord {
            tenant: id.clone(),
            id: None,
            name: None,
            scopes: Scopes::all(),
            created_at: NOW,
            expires_at: None,
            disabled_at: None,
            revoked_at: None,
            signing: None,
        };
        KeyHolder { key, tenant: Tenant::new(id, "Test", NOW) }
    }

    fn key(text: &str) -> ApiKeyHash {
        let secret = HashSecret::parse(&"7".repeat(32)).unwrap();
        KeyedHash::new(&secret).unwrap().api_key(text).current().clone()
    }

    #[test]
    fn what_was_remembered_last_is_known_to_every_clone() {
        let memory = Memory::default();
        assert_eq!(memory.get(&1), None);
        memory.set(&1, "one");
        memory.clone().set(&1, "two");
        assert_eq!((memory.get(&1), memory.get(&2)), (Some("two"), None));
    }

    #[test]
    fn a_memory_that_is_full_begins_anew() {
        let memory = Memory::default();
        for number in 0..MAX_ENTRIES {
            memory.set(&number, number);
        }
        memory.set(&0, 7);
        assert_eq!((memory.get(&0), lock(&memory.0).len()), (Some(7), MAX_ENTRIES));
        memory.set(&MAX_ENTRIES, 8);
        assert_eq!((memory.get(&0), memory.get(&MAX_ENTRIES), lock(&memory.0).len()), (None, Some(8), 1));
    }

    #[test]
    fn a_key_is_known_for_a_minute_from_when_it_was_asked_for() {
        let known = ApiKeyCache::default();
        assert_eq!(known.get(&key("one"), NOW), None);
        known.set(&key("one"), &holder(1), NOW);
        let almost = NOW + (API_KEY_LIFETIME - Duration::from_millis(1));
        let earlier = NOW.before(Duration::from_millis(1));
        for (now, expected) in
            [(NOW, Some(holder(1))), (almost, Some(holder(1))), (NOW + API_KEY_LIFETIME, None), (earlier, None)]
        {
            assert_eq!(known.get(&key("one"), now), expected, "{now:?}");
        }
        assert_eq!(known.get(&key("two"), NOW), None);
        known.set(&key("one"), &holder(2), almost);
        assert_eq!(known.get(&key("one"), NOW + API_KEY_LIFETIME), Some(holder(2)), "what was found last counts");
    }
}

//! Remembers decrypted data keys, so that a warm process asks the key service once per record.
//!
//! Invariant: a key is given out only for the very ciphertext, KMS key and context that it was
//! decrypted for, and never beyond its [`Limits`]. An entry over its limits is dropped, and so
//! overwritten, at the next call at the latest. A failure of the key service is not remembered.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    context::EncryptionContext,
    key_error::KeyError,
    keys::{DataKey, DataKeys, EncryptedDataKey, GeneratedDataKey, KeyArn},
};

/// How long, how often and how many decrypted data keys are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A key is forgotten when this much time has passed since it was asked for.
    pub max_age: Duration,
    /// A key is forgotten after it was given out this often, the first time included: 0 and 1
    /// both switch the cache off.
    pub max_uses: u32,
    /// The most keys that are remembered; the oldest makes room for a new one. 0 switches the cache
    /// off.
    pub max_entries: usize,
}

/// Five minutes, 1,000 uses, 1,000 keys.
impl Default for Limits {
    fn default() -> Self {
        Self { max_age: Duration::from_secs(300), max_uses: 1_000, max_entries: 1_000 }
    }
}

/// A [`DataKeys`] that decrypts through a cache. Generating always goes through, so each record
/// keeps a data key of its own.
pub struct CachingKeys<K, C> {
    keys: K,
    now: C,
    limits: Limits,
    entries: Mutex<HashMap<EntryId, Entry>>,
}

/// All that the key service's answer depends on, so that a hit needs no further check.
#[derive(PartialEq, Eq, Hash)]
struct EntryId {
    encrypted: EncryptedDataKey,
    context: EncryptionContext,
}

struct Entry {
    data_key: DataKey,
    asked_at: Duration,
    uses: u32,
}

impl<K, C: Fn() -> u64> CachingKeys<K, C> {
    /// Wraps `keys`. `now` tells the time in milliseconds since any fixed moment; should it ever go
    /// back, entries made "in the future" are dropped.
    pub fn new(keys: K, limits: Limits, now: C) -> Self {
        Self { keys, now, limits, entries: Mutex::default() }
    }

    fn now(&self) -> Duration {
        Duration::from_millis((self.now)())
    }

    /// A remembered key, counted as used. Drops what is over its limits first.
    fn recall(&self, id: &EntryId, now: Duration) -> Option<DataKey> {
        let mut entries = self.entries();
        entries.retain(|_, entry| entry.is_within(&self.limits, now));
        let entry = entries.get_mut(id)?;
        entry.uses += 1;
        Some(entry.data_key.clone())
    }

    fn remember(&self, id: EntryId, data_key: &DataKey, asked_at: Duration) {
        let entry = Entry { data_key: data_key.clone(), asked_at, uses: 1 };
        if self.limits.max_entries == 0 || !entry.is_within(&self.limits, asked_at) {
            return;
        }
        let mut entries = self.entries();
        if entries.len() >= self.limits.max_entries && !entries.contains_key(&id) {
            remove_oldest(&mut entries);
        }
        entries.insert(id, entry);
    }

    /// A panic elsewhere cannot leave the map half-changed, so a poisoned lock is still good.
    fn entries(&self) -> MutexGuard<'_, HashMap<EntryId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: DataKeys, C: Fn() -> u64 + Send + Sync> DataKeys for CachingKeys<K, C> {
    fn key(&self) -> &KeyArn {
        self.keys.key()
    }

    async fn generate(&self, context: &EncryptionContext) -> Result<GeneratedDataKey, KeyError> {
        self.keys.generate(context).await
    }

    async fn decrypt(&self, encrypted: &EncryptedDataKey, context: &EncryptionContext) -> Result<DataKey, KeyError> {
        let id = EntryId { encrypted: encrypted.clone(), context: context.clone() };
        let now = self.now();
        if let Some(data_key) = self.recall(&id, now) {
            return Ok(data_key);
        }
        let data_key = self.keys.decrypt(encrypted, context).await?;
        self.remember(id, &data_key, now);
        Ok(data_key)
    }
}

impl<K, C> fmt::Debug for CachingKeys<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachingKeys").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Entry {
    /// Whether the key may be given out once more.
    fn is_within(&self, limits: &Limits, now: Duration) -> bool {
        let age = now.checked_sub(self.asked_at);
        self.uses < limits.max_uses && age.is_some_and(|age| age < limits.max_age)
    }
}

fn remove_oldest(entries: &mut HashMap<EntryId, Entry>) {
    let mut oldest = entries.values().map(|entry| entry.asked_at).min();
    entries.retain(|_, entry| oldest.take_if(|at| *at == entry.asked_at).is_none());
}

//! Cache entries: which job has the answer to a call, and whether it is still current.

use std::{collections::BTreeMap, time::Duration};

use sha2::{Digest, Sha256};

use super::tags::{CacheTag, CacheTags};
use crate::{JobId, Timestamp, call::RestCall, hex::hex};

/// What an answer depends on: a SHA-256 over method and parameters, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheKey(String);

impl CacheKey {
    /// The key of `call`: the same for any order and spelling of its parameters.
    pub fn of(call: &RestCall) -> Self {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        };
        part(call.method.as_str());
        for (name, value) in call.params.iter() {
            part(name);
            part(value);
        }
        Self(hex(&hash.finalize()))
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How often an account's cached answers were invalidated, by tag.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CacheGenerations {
    /// The generation of each tag; a tag that was never invalidated has none, which counts as 0.
    pub by_tag: BTreeMap<CacheTag, u64>,
    /// The latest that the last write took effect that changes what the answers of a tag show.
    pub written_at: BTreeMap<CacheTag, Timestamp>,
    /// Until when a write that ended without a clear answer may still take effect.
    pub unsettled_until: Option<Timestamp>,
}

impl CacheGenerations {
    /// How `tag` stands; `None` while a write may still take effect, so that no answer is given or cached.
    pub fn tag(&self, tag: CacheTag, now: Timestamp) -> Option<TagState> {
        let settled = self.unsettled_until.is_none_or(|until| until <= now);
        settled.then(|| TagState {
            generation: self.by_tag.get(&tag).copied().unwrap_or_default(),
            // Of two writes the one that may have taken effect later may have ended first.
            written_at: self.written_at.get(&tag).map(|at| self.unsettled_until.map_or(*at, |until| until.max(*at))),
        })
    }

    /// The generations after an invalidation.
    #[must_use]
    pub fn after(mut self, invalidation: &Invalidation) -> Self {
        for tag in invalidation.tags.iter() {
            *self.by_tag.entry(tag).or_default() += 1;
        }
        self.written_at.extend(invalidation.tags.iter().filter_map(|tag| Some((tag, invalidation.written_at?))));
        self.unsettled_until = self.unsettled_until.max(invalidation.unsettled_until);
        self
    }
}

/// How a cache tag of an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TagState {
    /// The present generation.
    pub generation: u64,
    /// The latest that the last write took effect that changes what the answers show.
    pub written_at: Option<Timestamp>,
}

/// Invalidates an account's cached answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalidation {
    /// The tags whose generation grows.
    pub tags: CacheTags,
    /// The latest that the write behind it took effect; `None` where there is none.
    pub written_at: Option<Timestamp>,
    /// Until when the write behind it may still take effect; `None` when it is known to be over.
    pub unsettled_until: Option<Timestamp>,
}

/// Says which job has the answer to a call, or will have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheEntry {
    /// The job that calls Flickr; others that ask the same follow it.
    pub leader: JobId,
    /// The generation of the call's tag before the leader called.
    pub generation: u64,
    /// When that was: the answer is no older.
    pub as_of: Timestamp,
}

impl CacheEntry {
    /// Whether the answer was taken when Flickr's index could lag behind the last write, which by `now` it does no
    /// longer.
    pub fn has_lagged(&self, tag: TagState, index_lag: Duration, now: Timestamp) -> bool {
        tag.written_at.is_some_and(|at| self.as_of <= at + index_lag && at + index_lag < now)
    }
}

//! How long answers are cached: as the method says, and as a job asks for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::tags::CacheTag;
use crate::timing::LONGEST_CACHE_TTL;

/// How the answers of a method are cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachePolicy {
    /// What invalidates them.
    pub tag: CacheTag,
    /// How old an answer may be, unless the job asks for something else.
    pub ttl: Duration,
    /// How long after a write an answer may still miss what it did: Flickr's index lags behind.
    pub index_lag: Duration,
    /// Whether it is a listing, answered page by page.
    pub has_pages: bool,
}

/// What a job asks of the response cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CacheOptions {
    ttl_seconds: Option<u32>,
    bypass: bool,
}

/// The shortest time to live that a job can ask for, in seconds: a shorter one would be over before
/// two jobs could share an answer.
pub const MIN_TTL_SECONDS: u32 = 10;

/// The time to live is not one that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be {MIN_TTL_SECONDS} to {} seconds; to get an answer of its own, set `bypass`", LONGEST_CACHE_TTL.as_secs())]
pub struct InvalidTtl;

impl CacheOptions {
    /// Accepts an answer up to `ttl_seconds` old, or as old as its method says; with `bypass` the job always calls
    /// Flickr.
    ///
    /// # Errors
    /// When `ttl_seconds` is under [`MIN_TTL_SECONDS`] or over [`LONGEST_CACHE_TTL`].
    pub fn new(ttl_seconds: Option<u32>, bypass: bool) -> Result<Self, InvalidTtl> {
        let fits = |seconds: &u32| *seconds >= MIN_TTL_SECONDS && u64::from(*seconds) <= LONGEST_CACHE_TTL.as_secs();
        match ttl_seconds.is_none_or(|seconds| fits(&seconds)) {
            true => Ok(Self { ttl_seconds, bypass }),
            false => Err(InvalidTtl),
        }
    }

    /// How old an answer may be, if the job says so.
    pub fn ttl(&self) -> Option<Duration> {
        self.ttl_seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }

    /// Whether the job always calls Flickr.
    pub fn bypass(&self) -> bool {
        self.bypass
    }

    /// Whether the job asks for nothing special.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

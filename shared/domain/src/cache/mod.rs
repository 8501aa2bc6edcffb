//! The response cache: what is cached, for how long, for whom, and what invalidates it.
//!
//! Flickr's answer to a read stays with the job that got it. A [`CacheEntry`] says, for an account and a [`CacheKey`],
//! which job that is. The entry is written before that job calls Flickr, so that jobs that ask the same meanwhile find
//! it and wait for its answer: request coalescing, in which the entry's job leads and the others follow
//! ([`crate::job::decide`]).
//!
//! Each account has a generation for each [`CacheTag`]. An entry carries the generation as it was before its job
//! called; the end of a write of the account raises the generation of each tag that it may have changed. So an answer
//! that was asked for before a write ended is never given after it.
//!
//! One page of a listing of several is given to those who waited for it, and to others only if they say how old an
//! answer may be: an earlier page and a later call for the next one would not fit together.

mod entry;
mod listing;
mod policy;
mod stats;
mod tags;

pub use entry::{CacheEntry, CacheGenerations, CacheKey, Invalidation, TagState};
pub use listing::is_page_of_several;
pub use policy::{CacheOptions, CachePolicy, InvalidTtl, MIN_TTL_SECONDS};
pub use stats::{CacheEvent, CacheStats};
pub use tags::{CacheTag, CacheTags, UnknownCacheTag};

#[cfg(test)]
mod tests;

//! Request coalescing: of jobs that ask the same, one calls Flickr and the others take its answer.

use std::time::Duration;

use super::{
    claim::CLOCK_SKEW,
    failure::{Failure, FailureCode},
    spec::Job,
    state::Phase,
};
use crate::{
    JobId, Timestamp,
    cache::{CacheEntry, TagState},
    fair_queue::Priority,
    timing::LONGEST_CACHE_TTL,
};

/// Who looks into the cache.
#[derive(Debug, Clone, Copy)]
pub struct Requester<'a> {
    /// The job, if it has an id yet.
    pub id: Option<&'a JobId>,
    /// Its lane.
    pub priority: Priority,
    /// The leader that it has waited for.
    pub follows: Option<&'a JobId>,
    /// How old an answer may be for it.
    pub ttl: Duration,
    /// How long after a write an answer may still miss what it did.
    pub index_lag: Duration,
    /// Whether it takes one page of a listing of several that was asked for before.
    pub takes_pages: bool,
}

impl Requester<'_> {
    /// Whether `entry` is of the present generation of its tag, and not the requester's own.
    pub fn may_use(&self, entry: &CacheEntry, tag: TagState) -> bool {
        entry.generation == tag.generation && self.id != Some(&entry.leader)
    }
}

/// What follows for the requester.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The entry's job has the answer.
    Hit,
    /// The entry's job, which the requester waited for, was refused by Flickr, and so is the requester.
    Refused(Failure),
    /// The entry's job will have the answer: the requester looks again at that time.
    Wait {
        /// When.
        due_at: Timestamp,
    },
    /// The requester calls Flickr itself.
    Fetch,
}

/// The least time before a follower looks again.
const FOLLOW_PAUSE: Duration = Duration::from_secs(2);

/// What follows for `requester` from an entry whose job is `leader` (if it still can be read), as its tag stands.
pub fn decide(
    entry: &CacheEntry,
    tag: TagState,
    leader: Option<&Job>,
    requester: &Requester<'_>,
    now: Timestamp,
) -> Decision {
    let Some(leader) = leader.filter(|_| requester.may_use(entry, tag)) else { return Decision::Fetch };
    let followed = requester.follows == Some(&leader.id);
    match &leader.state.phase {
        Phase::Completed { .. } if entry.has_lagged(tag, requester.index_lag, now) => Decision::Fetch,
        Phase::Completed { page_of_several: true, .. } if !followed && !requester.takes_pages => Decision::Fetch,
        Phase::Completed { result, .. } if result.is_own() => {
            // Whoever wrote the entry and whoever reads it may each have a clock that is off.
            let age = now.since(entry.as_of) + 2 * CLOCK_SKEW;
            if age <= requester.ttl.min(LONGEST_CACHE_TTL) { Decision::Hit } else { Decision::Fetch }
        }
        Phase::Failed { failure, .. } if followed && failure.code == FailureCode::FlickrRejected => {
            Decision::Refused(failure.clone())
        }
        Phase::Completed { .. } | Phase::Failed { .. } | Phase::Expired { .. } | Phase::Dead { .. } => Decision::Fetch,
        // Who waited for a leader that ended without an answer waits for no other: or many would try what fails one
        // after the other.
        _ if requester.follows.is_some() && !followed => Decision::Fetch,
        // Nor does an urgent job wait for the turn of one that is less so.
        Phase::Waiting(_) if leader.state.queued_ticket().is_some() && requester.priority < leader.spec.priority => {
            Decision::Fetch
        }
        Phase::Waiting(_) => Decision::Wait { due_at: leader.state.due_at.max(now) + FOLLOW_PAUSE },
        Phase::Running(claim) => {
            let lease = leader.spec.work.target().timing().lease;
            let runs_for = now.since(claim.lease_until.before(lease));
            Decision::Wait { due_at: now + runs_for.clamp(FOLLOW_PAUSE, lease) }
        }
    }
}

#[cfg(test)]
mod tests;

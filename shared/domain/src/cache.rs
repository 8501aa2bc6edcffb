//! Answers that are kept: how long, for whom, and what makes them void.
//!
//! Flickr's answer to a read is kept with the job that got it; a [`Pointer`] says, for an account and
//! a [`Question`], which job that is. It is set before that job calls, so one who asks the same
//! meanwhile finds it too, and waits for its answer: the pointer's job leads, the others follow.
//!
//! Each account has a generation for each [`Family`] of methods. A pointer carries the generation as
//! it was before its job called; the end of a write of the account raises that of the families it may
//! have changed. So an answer that was asked for before a write ended is never given after it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    JobId, Timestamp,
    call::{MethodName, Params},
    job::{CLOCK_SKEW, Carrier, Failure, FailureCode, Job, Phase},
    line::Priority,
    timing::{LEASE, LONGEST_CACHE_TTL, VERIFICATION},
};

/// Methods whose answers are made void together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// An account's blogs.
    Blogs,
    /// Who its contacts are.
    Contacts,
    /// Favourites.
    Favorites,
    /// Galleries.
    Galleries,
    /// Groups, their pools and their talks.
    Groups,
    /// People and their preferences.
    People,
    /// Photos, one by one and in lists.
    Photos,
    /// Albums and collections.
    Photosets,
    /// Places, and what was taken there.
    Places,
    /// What is the same for everyone, and changes seldom.
    Reference,
    /// View counts.
    Stats,
    /// Tags.
    Tags,
    /// Testimonials.
    Testimonials,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 13] = [
        Family::Blogs,
        Family::Contacts,
        Family::Favorites,
        Family::Galleries,
        Family::Groups,
        Family::People,
        Family::Photos,
        Family::Photosets,
        Family::Places,
        Family::Reference,
        Family::Stats,
        Family::Tags,
        Family::Testimonials,
    ];

    /// As the API and the tables write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Family::Blogs => "blogs",
            Family::Contacts => "contacts",
            Family::Favorites => "favorites",
            Family::Galleries => "galleries",
            Family::Groups => "groups",
            Family::People => "people",
            Family::Photos => "photos",
            Family::Photosets => "photosets",
            Family::Places => "places",
            Family::Reference => "reference",
            Family::Stats => "stats",
            Family::Tags => "tags",
            Family::Testimonials => "testimonials",
        }
    }
}

impl FromStr for Family {
    type Err = UnknownFamily;

    fn from_str(text: &str) -> Result<Self, UnknownFamily> {
        Self::ALL.into_iter().find(|family| family.as_str() == text).ok_or(UnknownFamily)
    }
}

/// The text names no [`Family`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown family")]
pub struct UnknownFamily;

/// Some families.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Families(BTreeSet<Family>);

impl Families {
    /// All of them.
    pub fn all() -> Self {
        Family::ALL.into_iter().collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Family> {
        self.0.iter().copied()
    }
}

impl FromIterator<Family> for Families {
    fn from_iter<T: IntoIterator<Item = Family>>(families: T) -> Self {
        Self(families.into_iter().collect())
    }
}

/// How the answers of a method are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// With which others they are made void.
    pub family: Family,
    /// How old one may be that is given again, where the job says nothing else.
    pub ttl: Duration,
}

/// What a job says of the answers that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Terms {
    ttl_seconds: Option<u32>,
    bypass: bool,
}

/// The shortest time to live that a job can ask for, in seconds: a shorter one would be over before
/// two jobs could share an answer.
pub const MIN_TTL_SECONDS: u32 = 10;

/// The time to live is not one that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be {MIN_TTL_SECONDS} to {} seconds; to have no kept answer, ask for `bypass`", LONGEST_CACHE_TTL.as_secs())]
pub struct InvalidTtl;

impl Terms {
    /// An answer may be `ttl_seconds` old, or as old as its method says; with `bypass` the job calls
    /// Flickr whatever is kept.
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

    /// How old an answer may be, if the job says.
    pub fn ttl(&self) -> Option<Duration> {
        self.ttl_seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }

    /// Whether the job calls Flickr whatever is kept.
    pub fn bypass(&self) -> bool {
        self.bypass
    }

    /// Whether the job says nothing.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What is asked of Flickr, as far as an answer depends on it: a SHA-256 over method and parameters,
/// in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question(String);

impl Question {
    /// The question of `method` with `params`, however they were spelt.
    pub fn of(method: &MethodName, params: &Params) -> Self {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        };
        part(method.as_str());
        for (name, value) in params.iter() {
            part(name);
            part(value);
        }
        Self(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an account's writes did to its kept answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Freshness {
    /// The generations of the families that were ever raised.
    pub generations: BTreeMap<Family, u64>,
    /// Until when a write that ended without a clear answer may still take effect.
    pub unsettled_until: Option<Timestamp>,
}

impl Freshness {
    /// The generation of the family; `None` while nothing can be said, so that no answer is given or
    /// kept.
    pub fn generation(&self, family: Family, now: Timestamp) -> Option<u64> {
        let settled = self.unsettled_until.is_none_or(|until| until <= now);
        settled.then(|| self.generations.get(&family).copied().unwrap_or_default())
    }

    /// The same after a change.
    pub fn after(mut self, change: &Change) -> Self {
        for family in change.families.iter() {
            *self.generations.entry(family).or_default() += 1;
        }
        self.unsettled_until = self.unsettled_until.max(change.unsettled_until);
        self
    }
}

/// What makes kept answers void.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The families to be raised.
    pub families: Families,
    /// Until when more may come of it.
    pub unsettled_until: Option<Timestamp>,
}

impl Change {
    /// What the end of a job changes; `None` for one that is open, and where nothing can have changed.
    pub fn by_end_of(job: &Job) -> Option<Self> {
        let at = job.state.phase.ended_at()?;
        if job.raises.is_empty() || job.state.attempts == 0 {
            return None;
        }
        // Flickr may act after it has answered with an error, and an earlier attempt after a later one.
        let clear = match &job.state.phase {
            Phase::Completed { .. } => true,
            Phase::Failed { failure, .. } => {
                job.state.attempts == 1 && !matches!(failure.code, FailureCode::OutcomeUnknown)
            }
            _ => false,
        };
        let unsettled_until = (!clear).then(|| at + VERIFICATION);
        Some(Self { families: job.raises.clone(), unsettled_until })
    }
}

/// Which job has the answer to a question, or will have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    /// The job.
    pub leader: JobId,
    /// The generation of the question's family before the job called.
    pub generation: u64,
    /// When that was: its answer is no older.
    pub as_of: Timestamp,
}

impl Pointer {
    /// Whether it may say anything to `asker` in the present `generation`: it is not void, and is not
    /// the asker's own.
    pub fn concerns(&self, generation: u64, asker: &Asker<'_>) -> bool {
        self.generation == generation && asker.id != Some(&self.leader)
    }
}

/// Who asks a question.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The job, if it has an id yet.
    pub id: Option<&'a JobId>,
    /// In which lane it stands.
    pub priority: Priority,
    /// Whose answer it has waited for.
    pub follows: Option<&'a JobId>,
    /// How old an answer may be for it.
    pub ttl: Duration,
}

/// What follows for one who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The pointer's job has the answer.
    Answered,
    /// The pointer's job, for which the asker waited, was refused by Flickr, and so is the asker.
    Refused(Failure),
    /// The pointer's job will have the answer: the asker looks again then.
    Follow {
        /// When.
        due_at: Timestamp,
    },
    /// The asker calls Flickr itself.
    Lead,
}

/// The least time before a follower looks again.
const FOLLOW_PAUSE: Duration = Duration::from_secs(2);

/// What follows for `asker` from a pointer of the present `generation`, whose job is `leader` (if it
/// still can be read).
pub fn decide(pointer: &Pointer, generation: u64, leader: Option<&Job>, asker: &Asker<'_>, now: Timestamp) -> Decision {
    let Some(leader) = leader.filter(|_| pointer.concerns(generation, asker)) else {
        return Decision::Lead;
    };
    let followed = asker.follows == Some(&leader.id);
    match &leader.state.phase {
        Phase::Completed { result, .. } if result.is_own() => {
            // Whoever set the pointer and whoever reads it may each have a clock that is off.
            let age = now.since(pointer.as_of) + 2 * CLOCK_SKEW;
            if age <= asker.ttl.min(LONGEST_CACHE_TTL) { Decision::Answered } else { Decision::Lead }
        }
        Phase::Failed { failure, .. } if followed && failure.code == FailureCode::FlickrRejected => {
            Decision::Refused(failure.clone())
        }
        Phase::Completed { .. } | Phase::Failed { .. } | Phase::Expired { .. } | Phase::Dead { .. } => Decision::Lead,
        // Who waited for one that ended without an answer waits for no other: or many would try what
        // fails one after the other.
        _ if asker.follows.is_some() && !followed => Decision::Lead,
        Phase::Queued | Phase::Deferred { .. }
            if leader.state.carrier == Carrier::Line && asker.priority < leader.order.priority =>
        {
            Decision::Lead
        }
        Phase::Running(claim) => {
            let runs_for = now.since(claim.lease_until.before(LEASE));
            Decision::Follow { due_at: now + runs_for.clamp(FOLLOW_PAUSE, LEASE) }
        }
        Phase::Scheduled | Phase::Queued | Phase::Deferred { .. } | Phase::Verifying { .. } => {
            Decision::Follow { due_at: leader.state.due_at.max(now) + FOLLOW_PAUSE }
        }
    }
}

/// How often jobs of a method asked for kept answers, by what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uses {
    /// They were answered by what was kept.
    pub hits: u64,
    /// They were answered by the call of another job for which they waited.
    pub shared: u64,
    /// They called Flickr.
    pub misses: u64,
    /// They called Flickr, as they had asked for.
    pub bypassed: u64,
    /// They called Flickr because what was kept could not be asked.
    pub unavailable: u64,
}

impl Uses {
    /// How many calls were not made.
    pub fn calls_saved(&self) -> u64 {
        self.hits + self.shared
    }

    /// The share of the jobs that were answered without a call, of those that asked, from 0 to 1;
    /// `None` when none asked.
    pub fn hit_rate(&self) -> Option<f64> {
        let asked = self.calls_saved() + self.misses;
        #[expect(clippy::cast_precision_loss, reason = "a share is for people")]
        (asked > 0).then(|| self.calls_saved() as f64 / asked as f64)
    }
}

impl std::ops::AddAssign for Uses {
    fn add_assign(&mut self, other: Self) {
        self.hits += other.hits;
        self.shared += other.shared;
        self.misses += other.misses;
        self.bypassed += other.bypassed;
        self.unavailable += other.unavailable;
    }
}

/// What came of one job's asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// See [`Uses::hits`].
    Hit,
    /// See [`Uses::shared`].
    Shared,
    /// See [`Uses::misses`].
    Miss,
    /// See [`Uses::bypassed`].
    Bypassed,
    /// See [`Uses::unavailable`].
    Unavailable,
}

impl From<Use> for Uses {
    fn from(one: Use) -> Self {
        let none = Self::default();
        match one {
            Use::Hit => Self { hits: 1, ..none },
            Use::Shared => Self { shared: 1, ..none },
            Use::Miss => Self { misses: 1, ..none },
            Use::Bypassed => Self { bypassed: 1, ..none },
            Use::Unavailable => Self { unavailable: 1, ..none },
        }
    }
}

impl fmt::Display for Families {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Family::as_str).collect();
        f.write_str(&names.join(","))
    }
}

/// The families whose names the text lists, with commas between.
impl FromStr for Families {
    type Err = UnknownFamily;

    fn from_str(text: &str) -> Result<Self, UnknownFamily> {
        text.split(',').filter(|name| !name.is_empty()).map(str::parse).collect()
    }
}

#[cfg(test)]
mod tests;

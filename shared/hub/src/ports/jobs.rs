//! Jobs: their records, the count of an account's pending ones, and the list of those to check.

use domain::{
    AccountRef, ClaimId, JobRef, Timestamp,
    job::{Job, Transition},
};

use super::Result;

/// How many shards the list of open jobs and the list of fair queues have, so that none is hot.
pub const SHARDS: u8 = 8;

/// What an insertion found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inserted {
    /// The job is new.
    New,
    /// A job of that id was there: it is given, and nothing was written.
    Exists(Box<Job>),
    /// So many jobs of the account are pending that no other may be, and nothing was written.
    TooManyPending,
}

/// A request to hold a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    pub job: JobRef,
    /// The fencing number of the message that was received.
    pub fencing_number: u32,
    /// The hold.
    pub claim: ClaimId,
    /// Until when it asks to hold the job.
    pub lease_until: Timestamp,
    pub now: Timestamp,
}

/// What a claim found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The job, now held under the claim.
    Held(Box<Job>),
    /// The job as it stands, not to be held: `step` refuses the claim.
    Refused(Box<Job>),
    /// No such job.
    Unknown,
}

/// A job that the sweep is to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueCheck {
    pub job: JobRef,
    /// When it was to be checked.
    pub at: Timestamp,
}

/// Jobs.
///
/// Every write of a job's state comes as a [`Transition`] and is the translation of it, but for the claim, which the
/// store decides by itself.
pub trait Jobs: Send + Sync {
    /// Writes an accepted job with its effects, unless a job of its id exists or `max_pending_jobs` of its account are
    /// pending. Repeating an insertion that was done gives [`Inserted::New`].
    fn insert(&self, acceptance: &Transition, max_pending_jobs: u32) -> impl Future<Output = Result<Inserted>> + Send;

    fn job(&self, job: &JobRef) -> impl Future<Output = Result<Option<Job>>> + Send;

    /// Takes [`domain::job::Event::Claim`] to the job, as [`domain::job::ClaimRule`] says.
    fn claim(&self, request: &ClaimRequest) -> impl Future<Output = Result<Claimed>> + Send;

    /// Writes a transition with its effects (all but the message) if the stored job still has the revision of
    /// `before`. Repeating a write that was done is a success; `false` when the job is at another revision.
    ///
    /// If the account's count meets too many other writes, an end is written without it
    /// ([`domain::job::Effects::without_count`]), and what it invalidates before it. The job then stays among those
    /// that the sweep checks until it is settled.
    fn commit(&self, transition: &Transition) -> impl Future<Output = Result<bool>> + Send;

    /// Does for an ended job what [`domain::job::Effects::settlement`] says, if it is still to be done. Whether it was.
    fn settle(&self, job: &Job) -> impl Future<Output = Result<bool>> + Send;

    /// How many jobs of the account are open: never fewer than there are.
    fn pending_jobs(&self, account: &AccountRef) -> impl Future<Output = Result<u32>> + Send;

    /// Up to `limit` jobs of this shard (below [`SHARDS`]) that were to be checked by `now`, the longest due first. The
    /// list may be some seconds behind.
    fn due_checks(&self, shard: u8, now: Timestamp, limit: u16) -> impl Future<Output = Result<Vec<DueCheck>>> + Send;

    /// Moves the job's next check to `at`, unless another was set since. That is no transition.
    fn postpone_check(&self, check: &DueCheck, at: Timestamp) -> impl Future<Output = Result<()>> + Send;
}

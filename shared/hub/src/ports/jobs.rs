//! Jobs: their records, and the list of those to check.

use domain::{
    ClaimId, JobRef, Timestamp,
    job::{Job, State, Transition},
};

use super::{Result, Shards};
use crate::page::Page;

/// What an insertion found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inserted {
    /// The job is new.
    New,
    /// A job of that id was there: it is given, and nothing was written.
    Exists(Box<Job>),
}

impl Inserted {
    /// What an insertion of `job` was that finds `stored` under its id. The very same job is this insertion, whose answer
    /// was lost; it may have moved on meanwhile.
    pub fn found(stored: Job, job: &Job) -> Self {
        let is_this = Job { state: job.state.clone(), ..stored.clone() } == *job;
        if is_this { Self::New } else { Self::Exists(Box::new(stored)) }
    }
}

/// What a commit found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// The transition was written, by this request and no other.
    Written,
    /// It was there: this request was repeated because its answer was lost, or another wrote the same.
    Found,
    /// The job is at another revision.
    Conflict,
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
/// store decides by itself. Of the effects it writes what lists the job: its next check, the list of dead jobs, and the
/// index of its fair queue.
pub trait Jobs: Send + Sync {
    /// Writes an accepted job, unless a job of its id exists. Repeating an insertion that was done gives
    /// [`Inserted::New`].
    fn insert(&self, acceptance: &Transition) -> impl Future<Output = Result<Inserted>> + Send;

    fn job(&self, job: &JobRef) -> impl Future<Output = Result<Option<Job>>> + Send;

    /// Where the job stands, without what was asked, which may be long.
    fn state(&self, job: &JobRef) -> impl Future<Output = Result<Option<State>>> + Send;

    /// Takes [`domain::job::Event::Claim`] to the job, as [`domain::job::ClaimRule`] says.
    fn claim(&self, request: &ClaimRequest) -> impl Future<Output = Result<Claimed>> + Send;

    /// Writes a transition if the stored job still has the revision of `before`.
    fn commit(&self, transition: &Transition) -> impl Future<Output = Result<Committed>> + Send;

    /// The shards of the list of open jobs, and of that of fair queues.
    fn shards(&self) -> Shards;

    /// Up to `limit` jobs of this shard that were to be checked by `now`, the longest due first, from the one on that
    /// comes behind `after`. The list may be some seconds behind.
    fn due_checks(
        &self,
        shard: u8,
        now: Timestamp,
        after: Option<&DueCheck>,
        limit: u16,
    ) -> impl Future<Output = Result<Vec<DueCheck>>> + Send;

    /// Moves the job's next check to `at`, unless another was set since. That is no transition.
    fn postpone_check(&self, check: &DueCheck, at: Timestamp) -> impl Future<Output = Result<()>> + Send;

    /// A page of the jobs that are open or dead, in no order, after `cursor`. The store looks at up to `limit` records
    /// for it, so that a page may be empty and not be the last. All pages together read the whole store: an operator
    /// asks for them, no request does.
    fn open_and_dead_jobs(
        &self,
        cursor: Option<&str>,
        limit: u16,
    ) -> impl Future<Output = Result<Page<JobRef, String>>> + Send;
}

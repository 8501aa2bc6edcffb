//! What a simulation left behind.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use domain::{AccountRef, Day, JobId, TenantId, Timestamp, UploadId, budget::Limit, job::Job};

use crate::{
    History,
    simulator::flickr::{AppliedWrite, FlickrCall, Photo},
};

/// What a simulation left behind.
#[derive(Debug)]
pub(crate) struct FinalState {
    /// All job records.
    pub(crate) jobs: Vec<Job>,
    /// The ids that callers were told were accepted.
    pub(crate) accepted: BTreeSet<JobId>,
    /// The ids, each with the marker of its payload, that callers were told for each idempotency key.
    pub(crate) told: BTreeMap<(TenantId, String), BTreeSet<(JobId, String)>>,
    /// How often calls with each marker took effect at Flickr.
    pub(crate) effects: BTreeMap<String, u32>,
    /// The writes that took effect at Flickr.
    pub(crate) writes: Vec<AppliedWrite>,
    /// The photos that were ever there.
    pub(crate) photos: Vec<Photo>,
    /// What the files have that jobs sent, by upload.
    pub(crate) files: BTreeMap<UploadId, Bytes>,
    /// The markers of jobs whose replay was forced.
    pub(crate) forced: BTreeSet<String>,
    /// What happened to jobs.
    pub(crate) history: History,
    /// Jobs that the sweep found running while no message of theirs was on its way.
    pub(crate) orphaned: Vec<JobId>,
    /// Open and pending jobs of each account, by the day on which their runs could first start.
    pub(crate) counts: BTreeMap<(AccountRef, Day), (u32, u32)>,
    /// How many calls went wrong, and tasks were stopped.
    pub(crate) faults: u64,
    /// Accounts that were ever found with fewer pending than open jobs.
    pub(crate) undercounted: BTreeSet<AccountRef>,
    /// Each call of Flickr.
    pub(crate) calls: Vec<FlickrCall>,
    /// How many calls an app may make.
    pub(crate) limit: Limit,
    /// From when on how many calls an app may make instead.
    pub(crate) later_limit: Option<(Timestamp, Limit)>,
    /// When the simulation ended.
    pub(crate) now: Timestamp,
}

//! What a simulation came to.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Timestamp,
    job::{Job, Phase},
};

use super::{file_counts::FileCounts, flickr::FlickrCall, oracles::Violation};

/// What a simulation came to.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Jobs accepted.
    pub jobs: u64,
    /// Virtual time from begin to end.
    pub simulated: Duration,
    /// The time that jobs were open, added up.
    pub job_time: Duration,
    /// Failures and crashes at calls of ports, and faults of Flickr.
    pub faults: u64,
    /// Calls of ports.
    pub port_calls: u64,
    /// Messages received by workers.
    pub receives: u64,
    /// Messages that jobs waited for after their first.
    pub deferrals: u64,
    /// Jobs that another job's call answered.
    pub shared: u64,
    /// Requests that were refused because too many jobs were pending.
    pub turned_away: u64,
    /// What became of files.
    pub files: FileCounts,
    /// Each job that a caller was told of, by flow and acceptance.
    pub starts: Vec<JobStart>,
    /// Each call of Flickr.
    pub flickr_calls: Vec<FlickrCall>,
    /// Jobs by the state they ended in.
    pub ends: BTreeMap<&'static str, u64>,
    /// The promises that were broken.
    pub violations: Vec<Violation>,
    /// A hash of everything that happened, to be compared with another run of the same seed and profile.
    pub fingerprint: u64,
}

impl Report {
    /// Whether this promise was broken.
    pub fn breaks(&self, promise: &str) -> bool {
        self.violations.iter().any(|violation| violation.promise == promise)
    }
}

/// When a job started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStart {
    /// Which of the flows it came with; `None` for one that was asked for at random.
    pub flow: Option<usize>,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it was said to start.
    pub expected_at: Option<Timestamp>,
    /// When Flickr was first called for it; `None` if it never was.
    pub called_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl JobStart {
    /// How long it waited, if it was called.
    pub fn waited(&self) -> Option<Duration> {
        self.called_at.map(|at| at.since(self.accepted_at))
    }
}

/// Whether a job was completed with the answer to another job's call.
pub(super) fn was_answered_by_another(job: &Job) -> bool {
    matches!(&job.state.phase, Phase::Completed { result, .. } if !result.is_own())
}

//! What happened in the world, for those who judge.

use std::collections::BTreeMap;

use domain::{AppId, JobId, Timestamp, budget::HostClass, job::Job};

use super::world::World;

/// What happened so far.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// How often each run of each job ended.
    pub ends: BTreeMap<(JobId, u32), u32>,
    /// Claims that were granted to a message with another fencing number than the job's.
    pub stale_claims: Vec<JobId>,
    /// Claims that were granted while another worker held the job.
    pub stolen_claims: Vec<JobId>,
    /// When each job was last claimed.
    pub claims: BTreeMap<JobId, Timestamp>,
    /// When each job's runs ended.
    pub ended_at: BTreeMap<JobId, Vec<Timestamp>>,
    /// Revisions under which a state was written while the job had already reached them in another.
    pub rewritten_revisions: Vec<(JobId, u64)>,
    /// The circuits that were opened.
    pub circuits: Vec<OpenedCircuit>,
}

/// A circuit that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedCircuit {
    /// Of which app.
    pub app: AppId,
    /// For calls to which hosts.
    pub class: HostClass,
    pub at: Timestamp,
    pub until: Timestamp,
}

impl History {
    pub(super) fn record_end(&mut self, job: &Job, at: Timestamp) {
        *self.ends.entry((job.id.clone(), job.state.run)).or_default() += 1;
        self.ended_at.entry(job.id.clone()).or_default().push(at);
    }
}

/// The jobs that were found running with neither a worker nor a message.
#[derive(Default)]
pub(super) struct OrphanedRuns(pub(super) Vec<JobId>);

impl World {
    /// What happened so far.
    pub fn history(&self) -> History {
        self.stores(|stores, _| stores.part::<History>().clone())
    }

    /// Takes the jobs, since last asked, whose message the sweep sent again or anew while they ran.
    pub fn take_orphaned_runs(&self) -> Vec<JobId> {
        self.stores(|stores, _| std::mem::take(&mut stores.part::<OrphanedRuns>().0))
    }
}

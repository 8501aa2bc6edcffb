//! The index of the jobs that wait for their turn in their app's fair queue.

use std::collections::BTreeMap;

use domain::{
    AppId, JobId, JobRef, Timestamp,
    budget::HostClass,
    fair_queue::QueueTicket,
    job::{Job, QueueIndex},
};
use hub::ports::QueuedJob;

use super::keys::Partition;

/// Where a job stands in its queue: its tag, when it was accepted, its id.
type QueueOrder = (u64, Timestamp, JobId);

/// Who stands in one line: the jobs of an app that call hosts of one class.
type Line = (AppId, HostClass);

/// The jobs that wait for their turn, by line and order, and where each stands.
#[derive(Default)]
pub(super) struct WaitingJobs {
    in_order: BTreeMap<(Line, QueueOrder), JobRef>,
    by_job: BTreeMap<JobRef, (Line, QueueOrder)>,
}

fn line(job: &Job, ticket: &QueueTicket) -> Line {
    (ticket.app.clone(), job.spec.work.target().host_class())
}

impl WaitingJobs {
    pub(super) fn apply(&mut self, job: &Job, change: &QueueIndex) {
        match change {
            QueueIndex::Same => {}
            QueueIndex::Entered(ticket) => {
                self.remove(&job.reference());
                self.insert(job, ticket);
            }
            QueueIndex::Left => self.remove(&job.reference()),
        }
    }

    /// The partition keys in which [`WaitingJobs::apply`] writes: that of an entry that goes, and that of one that comes.
    pub(super) fn changed_by(&self, job: &Job, change: &QueueIndex) -> Vec<Partition> {
        let was = self.by_job.get(&job.reference()).map(|(line, _)| line.clone());
        let is = match change {
            QueueIndex::Same => return Vec::new(),
            QueueIndex::Entered(ticket) => Some(line(job, ticket)),
            QueueIndex::Left => None,
        };
        was.into_iter().chain(is).map(Partition::WaitingJobs).collect()
    }

    fn insert(&mut self, job: &Job, ticket: &QueueTicket) {
        let place = (line(job, ticket), (ticket.tag, job.created_at, job.id.clone()));
        self.in_order.insert(place.clone(), job.reference());
        self.by_job.insert(job.reference(), place);
    }

    fn remove(&mut self, job: &JobRef) {
        if let Some(place) = self.by_job.remove(job) {
            self.in_order.remove(&place);
        }
    }

    pub(super) fn first(&self, line: &Line, limit: u16) -> Vec<QueuedJob> {
        let begin = (line.clone(), (0, Timestamp::from_milliseconds(0), JobId::from_bytes([0; 16])));
        let in_line = self.in_order.range(begin..).take_while(|((of, _), _)| of == line);
        let queued = in_line.map(|((_, (tag, ..)), job)| QueuedJob { job: job.clone(), tag: *tag });
        queued.take(limit.into()).collect()
    }
}

//! The sweep: every minute it does what nobody else does, as a list of tasks that each have a share of its time.
//!
//! Two sweeps at once do no harm: each write holds only if the job is as it was found. What a sweep does not get to in
//! its time the next one finds again, the longest due first.

mod check_jobs;
mod dispatch_queues;
mod report;

use domain::Timestamp;

pub use report::Report;

use crate::{Error, chain, limits::Limits, ports::FairQueues, transition};

/// What a sweep does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    /// Gives the jobs in fair queues their turns.
    DispatchQueues,
    /// Sends what is due or seems lost, expires what is late.
    CheckJobs,
}

/// The tasks in their order, each with the share of the time that is left when it begins, in percent. Long queues leave
/// time to check jobs.
const TASKS: [(Task, u32); 2] = [(Task::DispatchQueues, 50), (Task::CheckJobs, 100)];

/// Does all tasks, until `stop_at`.
///
/// # Errors
/// The first failure to list what a task works on; the other tasks are done all the same. One job or queue that cannot
/// be dealt with does not keep the others waiting: it is counted, and found again.
pub async fn run(
    ports: &(impl transition::Ports + FairQueues),
    limits: &Limits,
    stop_at: Timestamp,
) -> Result<Report, Error> {
    let mut report = Report::default();
    let mut failure = None;
    for (task, share_percent) in TASKS {
        let now = ports.now();
        let until = now + stop_at.since(now) * share_percent / 100;
        let done = match task {
            Task::DispatchQueues => dispatch_queues::run(ports, &limits.app, until).await,
            Task::CheckJobs => check_jobs::run(ports, until).await,
        };
        match done {
            Ok(done) => report += done,
            Err(error) => {
                tracing::error!(error = chain(&error), ?task, "a task of the sweep ended early");
                failure.get_or_insert(error);
            }
        }
    }
    tracing::info!(
        dispatched = report.dispatched,
        checked = report.checked,
        sent = report.sent,
        expired = report.expired,
        failed = report.failed,
        unfinished = report.unfinished,
        "swept"
    );
    failure.map_or(Ok(report), Err)
}

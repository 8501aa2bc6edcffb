//! The sweep: every minute it does what nobody else does, shard by shard.
//!
//! Two sweeps of one shard at once do no harm: each write holds only if the job is as it was found. What a sweep does
//! not get to in its time the next one finds again, the longest due first.
//!
//! Where there is more to do than one sweep can do, it hands shards over to others, each in an invocation of its own. A
//! sweep that finds little is one invocation.

mod check_jobs;
mod dispatch_queues;
mod hand_over;
mod pace;
mod report;

use std::time::Duration;

use domain::Timestamp;
use futures_util::{StreamExt, stream};

pub use self::report::Report;
use self::{
    hand_over::hand_over,
    pace::{SHARDS_AT_ONCE, from_another_place},
};
use crate::{
    Error, chain,
    limits::Limits,
    ports::{FairQueues, SweepScope, Sweeps},
    transition,
};

/// What a sweep does in a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    /// Gives the jobs in fair queues their turns.
    DispatchQueues,
    /// Sends what is due or seems lost, expires what is late.
    CheckJobs,
}

/// The tasks in their order, each with the share of the time that is left when it begins, in percent. Long queues leave
/// time to check jobs.
const TASKS: [(Task, u32); 2] = [(Task::DispatchQueues, 75), (Task::CheckJobs, 100)];

/// How long a sweep of all shards works before it hands over what is left: longer than all takes on most days, so that
/// no more is invoked than is needed.
const ALONE: Duration = Duration::from_secs(5);

/// What came of some shards.
#[derive(Default)]
struct Swept {
    report: Report,
    /// The shards in which something is left to do.
    left: Vec<u8>,
    /// The first failure.
    failure: Option<Error>,
}

/// Does all tasks in the shards of `scope`, until `stop_at`; of all shards it hands over to `others` what it does not
/// get to in [`ALONE`].
///
/// # Errors
/// The first failure to list what a task works on; the other tasks and shards are done all the same. One job or queue
/// that cannot be dealt with does not keep the others waiting: it is counted, and found again.
pub async fn run(
    ports: &(impl transition::Ports + FairQueues),
    others: &impl Sweeps,
    limits: &Limits,
    scope: &SweepScope,
    stop_at: Timestamp,
) -> Result<Report, Error> {
    let swept = match &scope.shards {
        Some(shards) => sweep(ports, limits, shards, stop_at).await,
        None => sweep_all(ports, others, limits, stop_at).await,
    };
    let report = Report { unfinished: !swept.left.is_empty(), ..swept.report };
    tracing::info!(
        shards = ?scope.shards,
        dispatched = report.dispatched,
        checked = report.checked,
        sent = report.sent,
        expired = report.expired,
        failed = report.failed,
        handed_over = report.handed_over,
        unfinished = report.unfinished,
        "swept"
    );
    swept.failure.map_or(Ok(report), Err)
}

async fn sweep_all(
    ports: &(impl transition::Ports + FairQueues),
    others: &impl Sweeps,
    limits: &Limits,
    stop_at: Timestamp,
) -> Swept {
    let shards = from_another_place(ports.shards().all().collect(), ports.now());
    let mut swept = sweep(ports, limits, &shards, stop_at.min(ports.now() + ALONE)).await;
    if swept.left.is_empty() {
        return swept;
    }
    let own = hand_over(others, &swept.left).await;
    swept.report.handed_over = u32::try_from(swept.left.len() - own.len()).unwrap_or(u32::MAX);
    let rest = sweep(ports, limits, &own, stop_at).await;
    Swept { report: swept.report + rest.report, left: rest.left, failure: swept.failure.or(rest.failure) }
}

/// Does all tasks in these shards, until `stop_at`.
async fn sweep(
    ports: &(impl transition::Ports + FairQueues),
    limits: &Limits,
    shards: &[u8],
    stop_at: Timestamp,
) -> Swept {
    // Boxed here and in the tasks: a future that sends requests is large, and moved several times before it begins.
    let each: Vec<_> = shards.iter().map(|shard| Box::pin(sweep_shard(ports, limits, *shard, stop_at))).collect();
    let mut each = stream::iter(each).buffer_unordered(SHARDS_AT_ONCE);
    let mut all = Swept::default();
    while let Some(one) = each.next().await {
        all.report += one.report;
        all.left.extend(one.left);
        all.failure = all.failure.or(one.failure);
    }
    all
}

async fn sweep_shard(
    ports: &(impl transition::Ports + FairQueues),
    limits: &Limits,
    shard: u8,
    stop_at: Timestamp,
) -> Swept {
    let mut swept = Swept::default();
    for (task, share_percent) in TASKS {
        let now = ports.now();
        let until = now + stop_at.since(now) * share_percent / 100;
        let done = match task {
            Task::DispatchQueues => dispatch_queues::run(ports, &limits.app, shard, until).await,
            Task::CheckJobs => check_jobs::run(ports, shard, until).await,
        };
        match done {
            Ok(done) => swept.report += done,
            Err(error) => {
                tracing::error!(error = chain(&error), ?task, shard, "a task of the sweep ended early");
                swept.failure.get_or_insert(error);
            }
        }
    }
    if swept.report.unfinished {
        swept.left.push(shard);
    }
    swept
}

//! Dispatches from fair queues what their budgets allow.

use domain::{
    AppId, Timestamp,
    budget::{HostClass, Limit},
    fair_queue::Allocation,
    job::{Event, Refusal},
};
use futures_util::{StreamExt, future::try_join_all, stream};

use super::{
    pace::{JOBS_AT_ONCE, from_another_place},
    report::Report,
};
use crate::{
    Error, chain,
    fair_queue::{QueueForecast, forecast},
    ports::{self, FairQueues, QueuedJob},
    transition::{self, Applied, apply},
};

/// Dispatches from the queues of a shard until `stop_at`. A queue that cannot be dispatched from does not keep the
/// others waiting.
pub(super) async fn run(
    ports: &(impl transition::Ports + FairQueues),
    limit: &Limit,
    shard: u8,
    stop_at: Timestamp,
) -> Result<Report, Error> {
    let mut report = Report::default();
    for app in from_another_place(ports.fair_queues(shard).await?, ports.now()) {
        if ports.now() >= stop_at {
            report.unfinished = true;
            return Ok(report);
        }
        report += match dispatch(ports, limit, &app).await {
            Ok(done) => done,
            Err(error) => {
                tracing::error!(error = chain(&error), %app, "a fair queue could not be dispatched from");
                Report { failed: 1, ..Report::default() }
            }
        };
    }
    Ok(report)
}

/// Dispatches from one queue.
async fn dispatch(ports: &(impl transition::Ports + FairQueues), limit: &Limit, app: &AppId) -> Result<Report, Error> {
    let mut report = Report::default();
    let forecast = forecast(ports, limit, app).await?;
    let rooms = HostClass::OF_JOBS.map(|class| (class, forecast.allocate(class)));
    let Some(allocation) = rooms.iter().filter_map(|(_, room)| *room).max_by_key(|room| room.calls) else {
        return Ok(report);
    };
    let NextJobs { first, nobody_waits, are_all } = next_jobs(ports, app, &rooms, allocation.calls).await?;
    let QueueForecast { queue, now, .. } = forecast;
    if nobody_waits && queue.waiting.is_empty() {
        if queue.is_idle(now) {
            ports.unlist(app, queue.joined_at).await?;
        }
        return Ok(report);
    }
    if first.is_empty() && !nobody_waits {
        // Those who wait are for hosts that have no room.
        return Ok(report);
    }
    // Of two sweeps that see the same queue one reserves its calls.
    if !first.is_empty() && !ports.reserve(app, queue.allocated.0, &allocation).await? {
        return Ok(report);
    }
    let slots = first.iter().zip((0..).map(|number| allocation.slot(number)));
    let releases: Vec<_> =
        slots.map(|(queued, at)| Box::pin(async move { (queued, release(ports, queued, at).await) })).collect();
    let mut releases = stream::iter(releases).buffer_unordered(JOBS_AT_ONCE);
    let mut tags = Vec::new();
    while let Some((queued, released)) = releases.next().await {
        match released {
            Ok(true) => tags.push(queued.tag),
            Ok(false) => {}
            Err(error) => {
                report.failed += 1;
                tracing::error!(error = chain(&error), job_id = %queued.job.id, "a job could not be dispatched");
            }
        }
    }
    tags.sort_unstable();
    ports.record_dispatch(app, &queue.dispatched(&tags, are_all)).await?;
    report.dispatched = u32::try_from(tags.len()).unwrap_or(u32::MAX);
    tracing::info!(%app, dispatched = tags.len(), waiting = queue.waiting_jobs(), "fair queue dispatched");
    Ok(report)
}

/// The jobs that are dispatched next.
struct NextJobs {
    first: Vec<QueuedJob>,
    /// Whether the queue is empty.
    nobody_waits: bool,
    /// Whether nobody waits but these.
    are_all: bool,
}

/// The first of the queue: so many at most, and for each class of hosts as many as there is room for. Those who wait for
/// hosts that have no room keep no others waiting.
async fn next_jobs(
    ports: &impl FairQueues,
    app: &AppId,
    rooms: &[(HostClass, Option<Allocation>)],
    calls: u32,
) -> Result<NextJobs, Error> {
    let size = |calls: u32| u16::try_from(calls).unwrap_or(u16::MAX);
    let lines = rooms.iter().map(async |(class, room)| {
        let room = size(room.map_or(0, |room| room.calls));
        // One more tells whether somebody is left.
        let mut line = ports.first_in_queue(app, *class, room.saturating_add(1)).await?;
        let has_more = line.len() > usize::from(room);
        line.truncate(room.into());
        ports::Result::Ok((line, has_more))
    });
    let lines = try_join_all(lines).await?;
    let are_left = lines.iter().any(|(_, has_more)| *has_more);
    let mut first: Vec<QueuedJob> = lines.into_iter().flat_map(|(line, _)| line).collect();
    first.sort_by_key(|queued| queued.tag);
    let nobody_waits = first.is_empty() && !are_left;
    let are_all = !are_left && first.len() <= usize::from(size(calls));
    first.truncate(size(calls).into());
    Ok(NextJobs { first, nobody_waits, are_all })
}

/// Sends the job its message, if it still waits. Whether it did.
async fn release(ports: &impl transition::Ports, queued: &QueuedJob, at: Timestamp) -> Result<bool, Error> {
    let Some(job) = ports.job(&queued.job).await? else { return Ok(false) };
    match apply(ports, &job, Event::Release { at: at.max(ports.now()) }).await? {
        Applied::Done(transition) => Ok(!transition.is_end()),
        Applied::Conflict | Applied::Refused(Refusal::NotInQueue | Refusal::Ended) => Ok(false),
        Applied::Refused(refusal) => Err(Error::internal(format!("{refusal:?}"))),
    }
}

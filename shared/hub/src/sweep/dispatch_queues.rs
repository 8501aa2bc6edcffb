//! Dispatches from fair queues what their budgets allow.

use domain::{AppId, Timestamp, budget::Limit, job::Event, job::Refusal};
use futures_util::{StreamExt, stream};

use super::{
    pace::{JOBS_AT_ONCE, from_another_place},
    report::Report,
};
use crate::{
    Error, chain,
    fair_queue::{QueueForecast, forecast},
    ports::{FairQueues, QueuedJob},
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
    let QueueForecast { status, queue, now, .. } = forecast(ports, limit, app).await?;
    let Some(allocation) = queue.allocate(&status, now) else { return Ok(report) };
    let wanted = u16::try_from(allocation.calls).unwrap_or(u16::MAX);
    let first = ports.first_in_queue(app, wanted).await?;
    if first.is_empty() && queue.waiting.is_empty() {
        if queue.is_idle(now) {
            ports.unlist(app, queue.joined_at).await?;
        }
        return Ok(report);
    }
    // Of two sweeps that see the same queue one reserves its calls.
    if !first.is_empty() && !ports.reserve(app, queue.allocated.0, &allocation).await? {
        return Ok(report);
    }
    let all = first.len() < usize::from(wanted);
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
    ports.record_dispatch(app, &queue.dispatched(&tags, all)).await?;
    report.dispatched = u32::try_from(tags.len()).unwrap_or(u32::MAX);
    tracing::info!(%app, dispatched = tags.len(), waiting = queue.waiting_jobs(), "fair queue dispatched");
    Ok(report)
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

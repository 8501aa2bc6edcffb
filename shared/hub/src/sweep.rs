//! The sweep: every minute it looks at the open jobs whose time has come, and does for each what
//! nobody else does: sends what is due or seems lost, expires what is late, lets counts follow. And
//! it serves the lines of jobs that wait for their app's budget.
//!
//! Two sweeps at once do no harm: each write holds only if the job is as it was found. What a sweep
//! does not get to in its time the next one finds again, the longest due first.

use std::time::Duration;

use domain::{
    Timestamp,
    job::{Event, Job, Refusal, step},
};
use serde::Serialize;

use crate::{
    Error,
    budget::Limits,
    chain, dispatch, line,
    ports::{
        Clock, Due, FindJob, FindLine, LOOK_SHARDS, ListDue, ListWaiting, Look, PostponeLook, SaveJob, SendDispatch,
        ServeLine, SettleJob,
    },
};

/// The most jobs that are listed at once.
const PAGE_JOBS: u16 = 100;

/// How long a job that could not be looked at makes room for the others.
const FAILED_PAUSE: Duration = Duration::from_secs(120);

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Jobs looked at.
    pub looked_at: u32,
    /// Jobs of lines whose turn had come.
    pub dispatched: u32,
    /// Messages sent to other jobs.
    pub sent: u32,
    /// Jobs expired.
    pub expired: u32,
    /// Ended jobs that were still counted as pending.
    pub settled: u32,
    /// Jobs that could not be dealt with.
    pub failed: u32,
    /// Whether time ran out before all was done.
    pub unfinished: bool,
}

/// Serves the lines of all apps, then looks at all jobs whose time has come, until `stop_at`.
///
/// # Errors
/// A failure to list jobs, or lines: then the jobs were looked at all the same. One job that cannot
/// be dealt with does not keep the others waiting: it is counted, and found again.
pub async fn run<P>(ports: &P, limits: &Limits, stop_at: Timestamp) -> Result<Report, Error>
where
    P: Clock
        + FindLine
        + ListWaiting
        + ServeLine
        + ListDue
        + FindJob
        + SaveJob
        + PostponeLook
        + SettleJob
        + SendDispatch,
{
    let mut report = Report::default();
    // Long lines leave time to look at jobs.
    let half = ports.now() + stop_at.since(ports.now()) / 2;
    let served = line::serve(ports, &limits.app, half, &mut report).await;
    let lines_unfinished = std::mem::take(&mut report.unfinished);
    // Page by page around the shards, so that none waits for another to be done. Every job that was
    // looked at leaves the list or moves behind `now`; a list that is behind shows it again, and
    // then a page that did not change is the shard's last.
    let mut open: Vec<(u8, Vec<Due>)> = (0..LOOK_SHARDS).map(|shard| (shard, Vec::new())).collect();
    while !open.is_empty() && !report.unfinished {
        let mut rest = Vec::new();
        for (shard, last) in open {
            let due = ports.due_jobs(shard, ports.now(), PAGE_JOBS).await?;
            if due == last {
                continue;
            }
            for due in &due {
                if ports.now() >= stop_at {
                    report.unfinished = true;
                    break;
                }
                look(ports, due, &mut report).await;
            }
            if due.len() == usize::from(PAGE_JOBS) {
                rest.push((shard, due));
            }
        }
        open = rest;
    }
    report.unfinished |= lines_unfinished;
    tracing::info!(
        dispatched = report.dispatched,
        looked_at = report.looked_at,
        sent = report.sent,
        expired = report.expired,
        settled = report.settled,
        failed = report.failed,
        unfinished = report.unfinished,
        "swept"
    );
    served.map(|()| report)
}

async fn look<P>(ports: &P, due: &Due, report: &mut Report)
where
    P: Clock + FindJob + SaveJob + PostponeLook + SettleJob + SendDispatch,
{
    report.looked_at += 1;
    if let Err(error) = act(ports, due, report).await {
        report.failed += 1;
        tracing::error!(error = chain(&error), job_id = %due.id, "a job could not be looked at");
        // It makes room for the others; a failure of this is seen by the next sweep.
        let _ = ports.postpone_look(due, ports.now() + FAILED_PAUSE).await;
    }
}

async fn act<P>(ports: &P, due: &Due, report: &mut Report) -> Result<(), Error>
where
    P: Clock + FindJob + SaveJob + PostponeLook + SettleJob + SendDispatch,
{
    // The list may be behind: a job that is gone needs nothing.
    let Some(job) = ports.job(&due.tenant, &due.id).await? else { return Ok(()) };
    let now = ports.now();
    match step(&job.state, Event::Look, now) {
        Ok((state, effects)) => {
            let after = Job { state, ..job.clone() };
            if !ports.save_job(&after, &job.state, Look::Anew).await? {
                return Ok(());
            }
            report.expired += u32::from(after.state.is_terminal());
            report.sent += u32::try_from(effects.len()).unwrap_or(u32::MAX);
            tracing::info!(job_id = %job.id, trace_id = %job.trace, state = after.state.phase.name(), "job swept");
            Ok(dispatch::send(ports, &after, effects, now).await?)
        }
        Err(Refusal::Ended) => {
            if ports.settle_job(&due.tenant, &due.id).await? {
                report.settled += 1;
                tracing::warn!(job_id = %job.id, "an ended job was still counted as pending");
            }
            Ok(())
        }
        Err(_) => match job.state.look_at() {
            Some(look_at) => Ok(ports.postpone_look(due, look_at).await?),
            None => Ok(()),
        },
    }
}

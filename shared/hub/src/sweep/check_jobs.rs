//! Checks the open jobs whose time has come.

use std::time::Duration;

use domain::{Timestamp, job::Event};
use futures_util::{StreamExt, stream};

use super::{pace::JOBS_AT_ONCE, report::Report};
use crate::{
    Error, chain,
    ports::DueCheck,
    transition::{self, Applied, apply},
};

/// The most jobs that are listed at once.
const PAGE_JOBS: u16 = 100;

/// How long a job that could not be checked makes room for the others.
const FAILED_PAUSE: Duration = Duration::from_secs(120);

/// Checks the jobs of a shard whose time has come, page by page, until `stop_at`.
///
/// Every job that was checked leaves the list or moves behind `now`. The list may be behind, so each page begins where
/// the last one ended.
pub(super) async fn run(ports: &impl transition::Ports, shard: u8, stop_at: Timestamp) -> Result<Report, Error> {
    let mut report = Report::default();
    let now = ports.now();
    let mut after: Option<DueCheck> = None;
    loop {
        let page = ports.due_checks(shard, now, after.as_ref(), PAGE_JOBS).await?;
        let checks: Vec<_> = page.iter().map(|due| Box::pin(check_in_time(ports, due, stop_at))).collect();
        let mut checks = stream::iter(checks).buffer_unordered(JOBS_AT_ONCE);
        while let Some(checked) = checks.next().await {
            report += checked;
        }
        drop(checks);
        if report.unfinished || page.len() < usize::from(PAGE_JOBS) {
            return Ok(report);
        }
        after = page.into_iter().next_back();
    }
}

async fn check_in_time(ports: &impl transition::Ports, due: &DueCheck, stop_at: Timestamp) -> Report {
    if ports.now() >= stop_at {
        return Report { unfinished: true, ..Report::default() };
    }
    let checked = Report { checked: 1, ..Report::default() };
    match check(ports, due).await {
        Ok(did) => Report { checked: 1, ..did },
        Err(error) => {
            tracing::error!(error = chain(&error), job_id = %due.job.id, "a job could not be checked");
            // It makes room for the others; a failure of this is seen by the next sweep.
            let _ = ports.postpone_check(due, ports.now() + FAILED_PAUSE).await;
            Report { failed: 1, ..checked }
        }
    }
}

async fn check(ports: &impl transition::Ports, due: &DueCheck) -> Result<Report, Error> {
    let nothing = Report::default();
    // The list may be behind: a job that is gone needs nothing.
    let Some(job) = ports.job(&due.job).await? else { return Ok(nothing) };
    match apply(ports, &job, Event::Check).await? {
        Applied::Done(transition) => Ok(Report {
            expired: u32::from(transition.is_end()),
            sent: u32::from(transition.effects.message.is_some()),
            ..nothing
        }),
        Applied::Conflict => Ok(nothing),
        Applied::Refused(_) => {
            if let Some(at) = job.next_check_at() {
                ports.postpone_check(due, at).await?;
            }
            Ok(nothing)
        }
    }
}

//! Checks the open jobs whose time has come.

use std::time::Duration;

use domain::{Timestamp, job::Event};

use super::report::Report;
use crate::{
    Error, chain,
    ports::{DueCheck, SHARDS},
    transition::{self, Applied, apply},
};

/// The most jobs that are listed at once.
const PAGE_JOBS: u16 = 100;

/// How long a job that could not be checked makes room for the others.
const FAILED_PAUSE: Duration = Duration::from_secs(120);

/// Checks all jobs whose time has come, page by page around the shards, so that none waits for another to be done.
///
/// Every job that was checked leaves the list or moves behind `now`; a list that is behind shows it again, and then a
/// page that did not change is the shard's last.
pub(super) async fn run(ports: &impl transition::Ports, stop_at: Timestamp) -> Result<Report, Error> {
    let mut report = Report::default();
    let mut open: Vec<(u8, Vec<DueCheck>)> = (0..SHARDS).map(|shard| (shard, Vec::new())).collect();
    while !open.is_empty() && !report.unfinished {
        let mut rest = Vec::new();
        for (shard, last) in open {
            if report.unfinished {
                break;
            }
            let page = ports.due_checks(shard, ports.now(), PAGE_JOBS).await?;
            if page == last {
                continue;
            }
            for due in &page {
                if ports.now() >= stop_at {
                    report.unfinished = true;
                    break;
                }
                report += check(ports, due).await;
            }
            if page.len() == usize::from(PAGE_JOBS) {
                rest.push((shard, page));
            }
        }
        open = rest;
    }
    Ok(report)
}

async fn check(ports: &impl transition::Ports, due: &DueCheck) -> Report {
    let checked = Report { checked: 1, ..Report::default() };
    match act(ports, due).await {
        Ok(did) => Report { checked: 1, ..did },
        Err(error) => {
            tracing::error!(error = chain(&error), job_id = %due.job.id, "a job could not be checked");
            // It makes room for the others; a failure of this is seen by the next sweep.
            let _ = ports.postpone_check(due, ports.now() + FAILED_PAUSE).await;
            Report { failed: 1, ..checked }
        }
    }
}

async fn act(ports: &impl transition::Ports, due: &DueCheck) -> Result<Report, Error> {
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

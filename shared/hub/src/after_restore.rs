//! After the jobs table was restored to a point in time, before anything uses it.
//!
//! What happened since that point is lost. A job that ended since stands open, so that a write that must not be
//! repeated would be sent again: it is ended instead ([`Event::Restored`]). An account's cache generations may be again
//! what they were before a write, so that an answer from before the write would be given: all are raised. Whatever was
//! done is found done, so that it may be repeated as a whole.

use std::ops::AddAssign;

use domain::{
    AccountRef, JobRef, TenantId,
    cache::{CacheTags, Invalidation},
    job::{Event, Refusal, step},
    timing::VERIFICATION,
};
use futures_util::future::join_all;
use serde::Serialize;

use crate::{
    Error, chain,
    operator_mode::OperatorMode,
    ports::{Accounts, Tenants},
    transition::{self, Applied, apply},
};

/// How many records of the jobs table, and how many accounts, are read at once.
const PAGE: u16 = 500;

/// How many of them are dealt with at the same time.
const AT_ONCE: usize = 10;

/// How often a job is tried that another moves at the same time.
const TRIES: u32 = 3;

/// What was done, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Open writes that must not be repeated, which end as failed with `outcome_unknown`.
    pub ended_writes: u64,
    /// Dead writes that must not be repeated, which only force replays from now on.
    pub dead_writes: u64,
    /// Open reads, and writes that may be repeated: they run again.
    pub open_repeatable: u64,
    /// Open writes that must not be repeated, and could not have started yet.
    pub open_scheduled: u64,
    /// Open writes whose outcome was unknown already: they are verified or end, and are not sent again.
    pub open_in_doubt: u64,
    /// Accounts whose cached answers are invalidated.
    pub accounts: u64,
    /// Jobs that a worker holds, and jobs and accounts that could not be dealt with: it must be repeated.
    pub failed: u64,
}

impl AddAssign for Report {
    fn add_assign(&mut self, other: Self) {
        self.ended_writes += other.ended_writes;
        self.dead_writes += other.dead_writes;
        self.open_repeatable += other.open_repeatable;
        self.open_scheduled += other.open_scheduled;
        self.open_in_doubt += other.open_in_doubt;
        self.accounts += other.accounts;
        self.failed += other.failed;
    }
}

/// Makes a restored jobs table safe to use. After each page of jobs and after each tenant's accounts `progress` is
/// told what was done so far.
///
/// # Errors
/// A failure to list jobs, tenants or accounts. One job or account that fails is counted, and the others are dealt with.
pub async fn run(
    ports: &(impl transition::Ports + Tenants + Accounts),
    mode: OperatorMode,
    progress: impl Fn(&Report),
) -> Result<Report, Error> {
    let mut report = Report::default();
    let mut cursor = None;
    loop {
        let page = ports.open_and_dead_jobs(cursor.as_deref(), PAGE).await?;
        for some in page.items.chunks(AT_ONCE) {
            for settled in join_all(some.iter().map(|job| settle(ports, job, mode))).await {
                report += settled;
            }
        }
        progress(&report);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    for tenant in ports.tenants().await? {
        report += invalidate(ports, &tenant, mode).await?;
        progress(&report);
    }
    Ok(report)
}

/// Deals with one job.
async fn settle(ports: &impl transition::Ports, job: &JobRef, mode: OperatorMode) -> Report {
    match try_settle(ports, job, mode).await {
        Ok(settled) => settled,
        Err(error) => {
            tracing::error!(error = chain(&error), job_id = %job.id, "a job could not be dealt with");
            Report { failed: 1, ..Report::default() }
        }
    }
}

async fn try_settle(ports: &impl transition::Ports, reference: &JobRef, mode: OperatorMode) -> Result<Report, Error> {
    let nothing = Report::default();
    for _ in 0..TRIES {
        let Some(job) = ports.job(reference).await? else { return Ok(nothing) };
        let applied = match mode {
            OperatorMode::Apply => apply(ports, &job, Event::Restored).await?,
            OperatorMode::DryRun => match step(&job, Event::Restored, ports.now()) {
                Ok(transition) => Applied::Done(Box::new(transition)),
                Err(refusal) => Applied::Refused(refusal),
            },
        };
        return Ok(match applied {
            Applied::Done(transition) if transition.is_end() => Report { ended_writes: 1, ..nothing },
            Applied::Done(_) => Report { dead_writes: 1, ..nothing },
            Applied::Refused(_) if job.state.is_terminal() => nothing,
            Applied::Refused(Refusal::Repeatable) => Report { open_repeatable: 1, ..nothing },
            Applied::Refused(Refusal::Early) => Report { open_scheduled: 1, ..nothing },
            Applied::Refused(Refusal::InDoubt) => Report { open_in_doubt: 1, ..nothing },
            Applied::Refused(_) => Report { failed: 1, ..nothing },
            Applied::Conflict => continue,
        });
    }
    Ok(Report { failed: 1, ..nothing })
}

/// Invalidates what is cached of the tenant's accounts, as a write does that ended just now and may still take effect:
/// such writes may be among those that are lost.
async fn invalidate(
    ports: &(impl transition::Ports + Accounts),
    tenant: &TenantId,
    mode: OperatorMode,
) -> Result<Report, Error> {
    let mut report = Report::default();
    let mut after = None;
    loop {
        let accounts = ports.accounts(tenant, after.as_ref(), PAGE).await?;
        for some in accounts.chunks(AT_ONCE) {
            let invalidated =
                some.iter().map(|account| invalidate_one(ports, AccountRef::new(tenant, &account.user), mode));
            for invalidated in join_all(invalidated).await {
                report += invalidated;
            }
        }
        after = accounts.last().map(|account| account.user.clone()).filter(|_| accounts.len() == usize::from(PAGE));
        if after.is_none() {
            return Ok(report);
        }
    }
}

async fn invalidate_one(ports: &impl transition::Ports, account: AccountRef, mode: OperatorMode) -> Report {
    let now = ports.now();
    let everything =
        Invalidation { tags: CacheTags::all(), written_at: Some(now), unsettled_until: Some(now + VERIFICATION) };
    let invalidated = match mode {
        OperatorMode::Apply => ports.invalidate(&account, &everything).await,
        OperatorMode::DryRun => Ok(()),
    };
    match invalidated {
        Ok(()) => Report { accounts: 1, ..Report::default() },
        Err(error) => {
            tracing::error!(error = chain(&error), %account, "cached answers could not be invalidated");
            Report { failed: 1, ..Report::default() }
        }
    }
}

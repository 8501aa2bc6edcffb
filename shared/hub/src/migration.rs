//! Stores what a former release stored as this release does, while everything runs.
//!
//! What is migrated is read the same before and after, and while it is migrated. Each record is migrated by itself, so
//! that the command may be stopped at any time and repeated.

use std::ops::AddAssign;

use domain::{KeyId, TenantId};
use serde::Serialize;

use crate::{
    Error, chain,
    operator_mode::OperatorMode,
    page::Page,
    ports::{Entropy, FormerRecord, FormerRecords, FormerStore},
};

/// How many records of a store are read at once.
const PAGE: u16 = 500;

/// What was migrated, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Tenants whose record functions may write no more.
    pub tenants: u64,
    /// API keys that have an id, and are listed by it.
    pub api_keys: u64,
    /// Jobs that are in the list of their account's jobs.
    pub jobs: u64,
    /// Records that could not be migrated: they are read as they are.
    pub failed: u64,
}

impl AddAssign for Report {
    fn add_assign(&mut self, other: Self) {
        self.tenants += other.tenants;
        self.api_keys += other.api_keys;
        self.jobs += other.jobs;
        self.failed += other.failed;
    }
}

/// Migrates all former records, those of one tenant where one is named. Before each it awaits `pace`; after each page
/// `progress` is told what was done so far.
///
/// # Errors
/// A failure to list the records. One that fails is counted and logged, and the others are migrated.
pub async fn run(
    ports: &(impl Entropy + FormerRecords),
    mode: OperatorMode,
    tenant: Option<&TenantId>,
    pace: impl AsyncFn(),
    progress: impl Fn(&Report),
) -> Result<Report, Error> {
    let mut report = Report::default();
    for store in [FormerStore::Tenants, FormerStore::Jobs] {
        let mut after = None;
        loop {
            let Page { items, next } = ports.former_records(store, after.as_deref(), PAGE).await?;
            for record in items.iter().filter(|record| tenant.is_none_or(|one| one == record.tenant())) {
                if mode == OperatorMode::Apply {
                    pace().await;
                }
                report += migrate(ports, record, mode).await;
            }
            progress(&report);
            after = next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(report)
}

async fn migrate(ports: &(impl Entropy + FormerRecords), record: &FormerRecord, mode: OperatorMode) -> Report {
    let nothing = Report::default();
    let migrated = match mode {
        OperatorMode::Apply => ports.migrate(record, &KeyId::from_bytes(ports.random())).await,
        OperatorMode::DryRun => Ok(true),
    };
    match (migrated, record) {
        (Ok(false), _) => nothing,
        (Ok(true), FormerRecord::Tenant(_)) => Report { tenants: 1, ..nothing },
        (Ok(true), FormerRecord::ApiKey(..)) => Report { api_keys: 1, ..nothing },
        (Ok(true), FormerRecord::Job(_)) => Report { jobs: 1, ..nothing },
        (Err(error), _) => {
            tracing::error!(error = chain(&error), ?record, "a record could not be migrated");
            Report { failed: 1, ..nothing }
        }
    }
}

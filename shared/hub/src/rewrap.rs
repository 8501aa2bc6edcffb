//! Seals the secrets of the vault again, each under a fresh data key, while everything runs.
//!
//! A record is replaced only where it is still what was opened, so that an account that is connected anew meanwhile
//! keeps its new token. What was sealed before opens on, so that a process that remembers it is not disturbed, and the
//! command may be stopped at any time and repeated.

use std::ops::AddAssign;

use domain::TenantId;
use futures_util::future::join_all;
use serde::Serialize;
use vault::{DataKeys, EncryptionContext, Vault};

use crate::{
    Error, chain,
    page::Page,
    ports::{SealedRecord, SealedRecords, SecretOf},
    vaults::{self, Vaults},
};

/// How many records of the store are read at once.
const PAGE: u16 = 100;

/// How many secrets are sealed at the same time.
const AT_ONCE: usize = 10;

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Secrets that were sealed again.
    pub rewrapped: u64,
    /// Secrets that somebody else replaced or removed at the same time: what is stored now is as new.
    pub replaced_meanwhile: u64,
    /// Secrets that could not be opened, sealed or stored: they are as they were.
    pub failed: u64,
}

impl AddAssign for Report {
    fn add_assign(&mut self, other: Self) {
        self.rewrapped += other.rewrapped;
        self.replaced_meanwhile += other.replaced_meanwhile;
        self.failed += other.failed;
    }
}

/// Seals all secrets again after `from`, those of one tenant where one is named. Before each few it awaits `pace`, which
/// is told how many; after each page `progress` is told what was done so far, and from where to go on.
///
/// # Errors
/// A failure to list the records. One that fails is counted and logged, and the others are dealt with.
pub async fn run(
    ports: &impl SealedRecords,
    vaults: &Vaults<impl DataKeys>,
    tenant: Option<&TenantId>,
    from: Option<String>,
    pace: impl AsyncFn(u32),
    progress: impl Fn(&Report, Option<&str>),
) -> Result<Report, Error> {
    let (mut report, mut after) = (Report::default(), from);
    loop {
        let Page { items, next } = ports.sealed_records(after.as_deref(), PAGE).await?;
        let wanted: Vec<_> = items.iter().filter(|record| tenant.is_none_or(|one| *one == record.tenant)).collect();
        for some in wanted.chunks(AT_ONCE) {
            pace(u32::try_from(some.len()).unwrap_or(u32::MAX)).await;
            for rewrapped in join_all(some.iter().map(|record| rewrap(ports, vaults, record))).await {
                report += rewrapped;
            }
        }
        progress(&report, next.as_deref());
        after = next;
        if after.is_none() {
            return Ok(report);
        }
    }
}

async fn rewrap(ports: &impl SealedRecords, vaults: &Vaults<impl DataKeys>, record: &SealedRecord) -> Report {
    match try_rewrap(ports, vaults, record).await {
        Ok(true) => Report { rewrapped: 1, ..Report::default() },
        Ok(false) => Report { replaced_meanwhile: 1, ..Report::default() },
        Err(error) => {
            let SealedRecord { tenant, of, .. } = record;
            tracing::error!(error = chain(&error), %tenant, ?of, "a secret could not be sealed again");
            Report { failed: 1, ..Report::default() }
        }
    }
}

async fn try_rewrap(
    ports: &impl SealedRecords,
    vaults: &Vaults<impl DataKeys>,
    record: &SealedRecord,
) -> Result<bool, Error> {
    let (vault, context) = place(vaults, record)?;
    let sealed = vault.rewrap(&context, &record.sealed).await?;
    Ok(ports.replace_sealed(record, sealed.as_bytes()).await?)
}

/// The vault that a record is sealed in, and for what.
fn place<'a, K: DataKeys>(
    vaults: &'a Vaults<K>,
    SealedRecord { tenant, of, .. }: &SealedRecord,
) -> Result<(&'a Vault<K>, EncryptionContext), Error> {
    Ok(match of {
        SecretOf::Account(user) => (&vaults.tokens, vaults::account(tenant, user)?),
        SecretOf::App(app) => (&vaults.secrets, vaults::app(tenant, app)?),
        SecretOf::RequestSigning(key) => (&vaults.secrets, vaults::request_signing(tenant, key)?),
    })
}

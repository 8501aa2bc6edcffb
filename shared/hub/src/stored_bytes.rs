//! Counting the bytes of stored files: up before an upload is made, down after it was removed. No crash in between
//! makes a count too low.

use std::time::Duration;

use domain::{
    Day, TenantId, Timestamp,
    upload::{Upload, first_kept_day, most_stored},
};

use crate::{
    Error, Kind, chain,
    ports::{Result as PortResult, StoredBytes},
};

/// After how long a tenant whose files take all the room should ask again: jobs that end well make room meanwhile.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// Counts the bytes of an upload that is about to be made.
///
/// # Errors
/// [`Kind::TooManyBytes`] where more than `max_stored_bytes` would be stored, or a failure of the ports.
pub(crate) async fn count(ports: &impl StoredBytes, upload: &Upload, max_stored_bytes: u64) -> Result<(), Error> {
    let (tenant, made_at, bytes) = (&upload.account.tenant, upload.created_at, upload.file.bytes());
    let counts = ports.stored_bytes(tenant, first_kept_day(made_at)).await?;
    let today = Day::of(made_at);
    let most = most_stored(max_stored_bytes, &counts, today);
    if bytes <= most && ports.count_bytes(tenant, today, bytes, most).await? {
        Ok(())
    } else {
        let stored_bytes = counts.values().sum();
        Err(Kind::TooManyBytes { stored_bytes, max_stored_bytes, retry_after: RETRY_AFTER }.into())
    }
}

/// Counts the bytes of a file that a worker has fetched. It is stored already, and is sent next: no limit refuses it.
pub(crate) async fn count_fetched(ports: &impl StoredBytes, upload: &Upload) -> PortResult<()> {
    let day = Day::of(upload.created_at);
    ports.count_bytes(&upload.account.tenant, day, upload.file.bytes(), u64::MAX).await.map(|_| ())
}

/// Counts the bytes of an upload no more: it was removed, or not made. If that fails the count stays too high until its
/// day is forgotten.
pub(crate) async fn discount(ports: &impl StoredBytes, upload: &Upload) {
    let day = Day::of(upload.created_at);
    if let Err(error) = ports.discount_bytes(&upload.account.tenant, day, upload.file.bytes()).await {
        tracing::warn!(error = chain(&error), "the bytes of a file that is gone are still counted");
    }
}

/// How many bytes are counted as stored.
pub(crate) async fn total(ports: &impl StoredBytes, tenant: &TenantId, now: Timestamp) -> PortResult<u64> {
    Ok(ports.stored_bytes(tenant, first_kept_day(now)).await?.values().sum())
}

//! Copies what functions log for the audit log into it.
//!
//! CloudWatch Logs delivers the lines of a function's log that its subscription filter lets through, at least once, and
//! some seconds after they were logged. What is copied is told by the lines themselves, and not by the filter. Each copy
//! says which function logged it, as CloudWatch knows it: a function cannot speak in another's name.
//!
//! A delivery that fails is delivered again by Lambda, twice; after that its lines are still in the function's own log.

mod delivery;
mod entry;

use hub::{
    chain,
    ports::{self, AuditLog},
};

pub use delivery::{Delivery, Malformed};

/// Why a delivery is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The audit log does not take its lines.
    #[error(transparent)]
    AuditLog(#[from] ports::Error),
}

/// Appends the lines of a delivery that belong into the audit log to its stream of the day and the function; how many
/// they are.
///
/// # Errors
/// When the delivery cannot be read, or the audit log fails. It is logged, too.
pub async fn take(log: &impl AuditLog, delivery: &Delivery) -> Result<usize, Error> {
    let taken = append(log, delivery).await;
    taken.inspect_err(|error| tracing::error!(error = chain(error), "lines are not in the audit log"))
}

async fn append(log: &impl AuditLog, delivery: &Delivery) -> Result<usize, Error> {
    let lines = delivery.read()?;
    let mut appended = 0;
    for (stream, lines) in entry::by_stream(&lines) {
        log.append(&stream, &lines).await?;
        appended += lines.len();
    }
    Ok(appended)
}

//! What the use cases need of the world: one trait a store, one file a trait.
//!
//! The fakes, the AWS adapters and the contracts that both keep have files of the same names.
//!
//! Conditional operations say what they found instead of failing, so that a use case decides. An [`Error`] means that
//! the store itself failed.

mod accounts;
mod apps;
mod audit_log;
mod budgets;
mod dead_jobs;
mod fair_queue;
mod flickr;
mod former_records;
mod health;
mod job_counts;
mod job_history;
mod jobs;
mod key_uses;
mod logins;
mod messages;
mod nonces;
mod pending_jobs;
mod response_cache;
mod results;
mod sealed_records;
mod shards;
mod signing_secrets;
mod sources;
mod stored_bytes;
mod sweeps;
mod system;
mod tenants;
mod upload_tickets;
mod uploads;

use std::{error::Error as StdError, pin::Pin, sync::Arc};

use bytes::Bytes;
use futures_util::Stream;

pub use accounts::{Accounts, SealedAccount};
pub use apps::Apps;
pub use audit_log::{AuditLine, AuditLog};
pub use budgets::{BudgetKey, Budgets, Changed};
pub use dead_jobs::{DeadJobs, ListedDeadJob};
pub use fair_queue::{FairQueues, QueuedJob, SubmitContext, TagRequest, TenantTagRequest};
pub use flickr::{
    Access, Answer, CheckedToken, FileAnswer, FileRequest, FlickrApi, FlickrFiles, FlickrLogin, Signing, TokenOwner,
    VerifyAnswer,
};
pub use former_records::{FormerRecord, FormerRecords, FormerStore};
pub use health::Health;
pub use job_counts::JobCounts;
pub use job_history::{JobHistory, ListedJob, TimeSpan};
pub use jobs::{ClaimRequest, Claimed, Committed, DueCheck, Inserted, Jobs};
pub use key_uses::KeyUses;
pub use logins::{Logins, SealedLogin};
pub use messages::Messages;
pub use nonces::Nonces;
pub use pending_jobs::PendingJobs;
pub use response_cache::{CacheView, NewCacheEntry, ResponseCache, STATS_RETENTION};
pub use results::Results;
pub use sealed_records::{SealedRecord, SealedRecords, SecretOf};
pub use shards::Shards;
pub use signing_secrets::SigningSecrets;
pub use sources::{SourceFailure, SourceFile, Sources};
pub use stored_bytes::StoredBytes;
pub use sweeps::{SweepScope, Sweeps};
pub use system::{Clock, Entropy};
pub use tenants::{KeyHolder, NewKey, StoredKey, Tenants};
pub use upload_tickets::UploadTickets;
pub use uploads::{UploadUrl, Uploads};

/// A store failed. A clone is the same failure, for another that waited for what failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}")]
pub struct Error {
    kind: ErrorKind,
    what: String,
    #[source]
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// How a store failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// It may work later: throttled, unreachable, too slow.
    Unavailable,
    /// It will not work by itself: refused, misconfigured, or a record that cannot be read.
    Broken,
}

impl Error {
    /// A failure that may pass, of `what` was tried.
    pub fn unavailable(what: impl Into<String>, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: ErrorKind::Unavailable, what: what.into(), source: Some(source.into().into()) }
    }

    /// A failure that will not pass by itself, of `what` was tried.
    pub fn broken(what: impl Into<String>, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: ErrorKind::Broken, what: what.into(), source: Some(source.into().into()) }
    }

    /// How it failed.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// What an operation of a store gives.
pub type Result<T> = std::result::Result<T, Error>;

/// Bytes as they come; the first error ends them.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

//! Records as a former release stored them, which are read as they are until they are migrated.

use domain::{JobRef, KeyId, TenantId};

use super::Result;
use crate::{keyed_hash::ApiKeyHash, page::Page};

/// Where former records are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormerStore {
    /// Among tenants and API keys.
    Tenants,
    /// Among jobs.
    Jobs,
}

/// A record as a former release stored it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormerRecord {
    /// A tenant whose record functions may write.
    Tenant(TenantId),
    /// An API key of the tenant, without an id.
    ApiKey(TenantId, ApiKeyHash),
    /// A job that the list of its account's jobs lacks.
    Job(JobRef),
}

impl FormerRecord {
    /// Whose it is.
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::Tenant(tenant) | Self::ApiKey(tenant, _) => tenant,
            Self::Job(job) => &job.tenant,
        }
    }
}

/// Records as a former release stored them.
pub trait FormerRecords: Send + Sync {
    /// What of the next `limit` records of a store after `after` a former release stored, and where the next page
    /// begins. It reads the whole store: an operator asks, no request does.
    fn former_records(
        &self,
        store: FormerStore,
        after: Option<&str>,
        limit: u16,
    ) -> impl Future<Output = Result<Page<FormerRecord, String>>> + Send;

    /// Stores the record as this release does; an API key gets the id `key`. `false` when that is done already, or the
    /// record is gone.
    fn migrate(&self, record: &FormerRecord, key: &KeyId) -> impl Future<Output = Result<bool>> + Send;
}

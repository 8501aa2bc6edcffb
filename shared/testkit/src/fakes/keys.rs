//! The keys of what the stores hold, as the adapters have them. Who writes the same item meets there; who uses the same
//! partition key of a table or of an index shares what DynamoDB takes of it.

use domain::{AccountRef, AppId, JobRef, SigningKeyId, TenantId, UploadId, budget::HostClass};
use hub::ports::BudgetKey;

/// A partition key of a table or of an index.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Partition {
    // The vault table
    ApiKey(String),
    Tenant(TenantId),
    // The jobs table
    Job(JobRef),
    Account(AccountRef),
    JobCounts(TenantId),
    DeadJobs(TenantId),
    StoredBytes(TenantId),
    Upload(TenantId, UploadId),
    Quarantine,
    // Its indexes
    OpenJobs(u8),
    AcceptedJobs(AccountRef),
    WaitingJobs((AppId, HostClass)),
    // The runtime table
    Budget(BudgetKey),
    CacheEntries(AccountRef),
    CacheStats(TenantId),
    FairQueue(AppId),
    KeyUses(TenantId),
    Logins(TenantId),
    Nonce(SigningKeyId, String),
    // Its index
    ListedQueues(u8),
}

/// An item of a table: its two keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Item {
    pub(super) partition: Partition,
    sort: String,
}

impl Partition {
    /// The item with this partition key and a sort key.
    pub(super) fn item(self, sort: impl Into<String>) -> Item {
        Item { partition: self, sort: sort.into() }
    }
}

impl Item {
    /// A job's own.
    pub(super) fn job(job: &JobRef) -> Self {
        Partition::Job(job.clone()).item("JOB")
    }

    /// That of what an account's lanes took, and of what of it was invalidated.
    pub(super) fn account(account: &AccountRef) -> Self {
        Partition::Account(account.clone()).item("ACCOUNT")
    }

    pub(super) fn budget(key: &BudgetKey) -> Self {
        Partition::Budget(key.clone()).item("BUDGET")
    }

    pub(super) fn queue(app: &AppId) -> Self {
        Partition::FairQueue(app.clone()).item("QUEUE")
    }
}

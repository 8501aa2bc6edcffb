//! The fair queues of Flickr apps: where each stands, who waits in it, and the tags of accounts.

use domain::{
    AccountRef, AppId, Day, JobRef, TenantId, Timestamp,
    budget::{Budget, HostClass},
    fair_queue::{
        Allocation, Bucket, DispatchedBatch, FairQueue, FlowTags, Priority, Slot, Step, TenantFlow, TenantMark,
    },
    job::Job,
};

use super::{Result, SealedAccount};

/// What a new job of an account has to know.
#[derive(Debug, Clone)]
pub struct SubmitContext {
    pub account: SealedAccount,
    /// The budget of its app.
    pub budget: Budget,
    /// The fair queue of its app.
    pub queue: FairQueue,
    /// How many of its jobs are pending that could first start on the day that was asked for.
    pub pending_jobs: u32,
}

/// A request for the next tag of an account's lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagRequest {
    pub account: AccountRef,
    pub lane: Priority,
    pub step: Step,
    /// The queue's virtual time.
    pub virtual_time: u64,
}

/// A request for a tenant's next tag in a lane of an app's fair queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantTagRequest {
    pub app: AppId,
    pub tenant: TenantId,
    pub lane: Priority,
    /// Of the account that takes it.
    pub slot: Slot,
    /// The queue's virtual time.
    pub virtual_time: u64,
}

/// A job that waits for its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedJob {
    pub job: JobRef,
    pub tag: u64,
}

/// The fair queues of Flickr apps.
pub trait FairQueues: Send + Sync {
    /// The app's budget and its fair queue as they stand; new ones where there were none.
    fn budget_and_queue(&self, app: &AppId) -> impl Future<Output = Result<(Budget, FairQueue)>> + Send;

    /// The account with the budget and the fair queue of its app and its pending jobs of `day`, if it is there; and the
    /// job with that id, if one is asked for and there.
    fn submit_context(
        &self,
        account: &AccountRef,
        day: Day,
        job: Option<&JobRef>,
    ) -> impl Future<Output = Result<(Option<SubmitContext>, Option<Job>)>> + Send;

    /// Takes the next tag of the tenant's flow ([`TenantFlow::taken`]): the flow after it.
    fn take_tenant_tag(&self, request: &TenantTagRequest) -> impl Future<Output = Result<TenantFlow>> + Send;

    /// Gives the tag back, unless another was taken since.
    fn return_tenant_tag(&self, request: &TenantTagRequest, tag: u64) -> impl Future<Output = Result<()>> + Send;

    /// Takes the next tag of the account's lane ([`Step::next`]): the account's tags after it. Each
    /// tag is taken once.
    fn take_tag(&self, request: &TagRequest) -> impl Future<Output = Result<FlowTags>> + Send;

    /// Gives the lane's tag back, unless it took another since.
    fn return_tag(&self, account: &AccountRef, lane: Priority, tag: u64) -> impl Future<Output = Result<()>> + Send;

    /// Counts one more job in the app's fair queue, which begins with it if there was none, and has it remember `tenant`.
    /// The queue is listed, and stored for longer than a job can wait.
    fn join_queue(
        &self,
        app: &AppId,
        bucket: Bucket,
        tenant: Option<TenantMark>,
        now: Timestamp,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Up to `limit` jobs that wait in the app's fair queue to call hosts of this class, in its order. The list may be
    /// some seconds behind.
    fn first_in_queue(
        &self,
        app: &AppId,
        class: HostClass,
        limit: u16,
    ) -> impl Future<Output = Result<Vec<QueuedJob>>> + Send;

    /// The apps of this shard whose fair queue is listed: it is from the first job on that joins. The list may be some
    /// seconds behind.
    fn fair_queues(&self, shard: u8) -> impl Future<Output = Result<Vec<AppId>>> + Send;

    /// Takes the app's fair queue off the list, unless a job joined after `joined_at`. The queue itself stays.
    fn unlist(&self, app: &AppId, joined_at: Option<Timestamp>) -> impl Future<Output = Result<()>> + Send;

    /// Reserves these calls for the queue, as [`FairQueue::with_allocation`] says, if calls still are reserved until
    /// `before` only. `false` when another reserved them.
    fn reserve(
        &self,
        app: &AppId,
        before: Timestamp,
        allocation: &Allocation,
    ) -> impl Future<Output = Result<bool>> + Send;

    /// Changes the queue as [`FairQueue::after_dispatch`] says.
    fn record_dispatch(&self, app: &AppId, batch: &DispatchedBatch) -> impl Future<Output = Result<()>> + Send;
}

//! The fair queues of Flickr apps: where each stands, who waits in it, and the tags of accounts.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    AccountRef, AppId, Day, JobRef, TenantId, Timestamp,
    budget::Budget,
    fair_queue::{Allocation, Bucket, DispatchedBatch, FairQueue, FlowTags, Priority, TenantFlow, TenantMark},
    job::Job,
};
use hub::ports::{FairQueues, QueuedJob, Result, SubmitContext, TagRequest, TenantTagRequest};

use super::{
    accounts::StoredAccounts, budgets::StoredBudgets, jobs::StoredJobs, pending_jobs::PendingCounts, stores::Stores,
    waiting_jobs::WaitingJobs, world::World,
};
use crate::{call::Call, mutation::Mutation};

#[derive(Default)]
struct StoredQueues(BTreeMap<AppId, FairQueue>);

/// The queues that are listed, by shard.
#[derive(Default)]
struct ListedQueues(BTreeMap<AppId, u8>, BTreeSet<(u8, AppId)>);

impl ListedQueues {
    fn set(&mut self, app: &AppId, shard: Option<u8>) {
        let was = match shard {
            Some(shard) => self.0.insert(app.clone(), shard),
            None => self.0.remove(app),
        };
        if was != shard {
            was.map(|was| self.1.remove(&(was, app.clone())));
            self.1.extend(shard.map(|shard| (shard, app.clone())));
        }
    }

    fn of(&self, shard: u8) -> Vec<AppId> {
        let from = self.1.range((shard, AppId::from_bytes([0; 16]))..);
        from.take_while(|(of, _)| *of == shard).map(|(_, app)| app.clone()).collect()
    }
}

#[derive(Default)]
struct StoredTags(BTreeMap<AccountRef, FlowTags>);

#[derive(Default)]
struct StoredTenantFlows(BTreeMap<(AppId, TenantId, Priority), TenantFlow>);

impl StoredTenantFlows {
    fn of(&mut self, request: &TenantTagRequest) -> &mut TenantFlow {
        self.0.entry((request.app.clone(), request.tenant.clone(), request.lane)).or_default()
    }
}

fn budget_and_queue(stores: &mut Stores, app: &AppId, now: Timestamp) -> (Budget, FairQueue) {
    let queue = stores.part::<StoredQueues>().0.get(app).cloned().unwrap_or_else(|| FairQueue::new(now));
    (stores.part::<StoredBudgets>().of_app(app), queue)
}

impl FairQueues for World {
    async fn budget_and_queue(&self, app: &AppId) -> Result<(Budget, FairQueue)> {
        self.call(Call::BudgetAndQueue, |stores, now| budget_and_queue(stores, app, now)).await
    }

    async fn submit_context(
        &self,
        account: &AccountRef,
        day: Day,
        job: Option<&JobRef>,
    ) -> Result<(Option<SubmitContext>, Option<Job>)> {
        self.call(Call::SubmitContext, |stores, now| {
            let forgets = stores.breaks(Mutation::KeyIgnored);
            let job = job.filter(|_| !forgets).and_then(|job| stores.part::<StoredJobs>().get(job, now).cloned());
            let pending_jobs = stores.part::<PendingCounts>().of(account, day);
            let Some(account) = stores.part::<StoredAccounts>().get(account) else { return (None, job) };
            let (budget, queue) = budget_and_queue(stores, &account.account.app, now);
            (Some(SubmitContext { account, budget, queue, pending_jobs }), job)
        })
        .await
    }

    async fn take_tenant_tag(&self, request: &TenantTagRequest) -> Result<TenantFlow> {
        self.call(Call::TakeTenantTag, |stores, _| {
            let tenant_flow = stores.part::<StoredTenantFlows>().of(request);
            *tenant_flow = tenant_flow.taken(request.slot, request.lane.stride(), request.virtual_time);
            tenant_flow.clone()
        })
        .await
    }

    async fn return_tenant_tag(&self, request: &TenantTagRequest, tag: u64) -> Result<()> {
        self.call(Call::ReturnTenantTag, |stores, _| {
            let tenant_flow = stores.part::<StoredTenantFlows>().of(request);
            *tenant_flow = tenant_flow.returned(tag, request.lane.stride());
        })
        .await
    }

    async fn take_tag(&self, request: &TagRequest) -> Result<FlowTags> {
        self.call(Call::TakeTag, |stores, _| {
            let tags = stores.part::<StoredTags>().0.entry(request.account.clone()).or_default();
            *tags = tags.taken(request.lane, &request.step, request.virtual_time);
            *tags
        })
        .await
    }

    async fn return_tag(&self, account: &AccountRef, lane: Priority, tag: u64) -> Result<()> {
        self.call(Call::ReturnTag, |stores, _| {
            if let Some(tags) = stores.part::<StoredTags>().0.get_mut(account) {
                *tags = tags.returned(lane, tag);
            }
        })
        .await
    }

    async fn join_queue(&self, app: &AppId, bucket: Bucket, tenant: Option<TenantMark>, now: Timestamp) -> Result<()> {
        self.call(Call::JoinQueue, |stores, _| {
            let shard = stores.shards.of(app.as_str());
            stores.part::<ListedQueues>().set(app, Some(shard));
            let queues = &mut stores.part::<StoredQueues>().0;
            let queue = queues.entry(app.clone()).or_insert_with(|| FairQueue::new(now));
            *queue.waiting.entry(bucket).or_default() += 1;
            queue.tenants.extend(tenant);
            queue.joined_at = Some(Timestamp::from_milliseconds(now.as_seconds() * 1000));
        })
        .await
    }

    async fn first_in_queue(&self, app: &AppId, limit: u16) -> Result<Vec<QueuedJob>> {
        self.call(Call::FirstInQueue, |stores, _| stores.part::<WaitingJobs>().first(app, limit)).await
    }

    async fn fair_queues(&self, shard: u8) -> Result<Vec<AppId>> {
        self.call(Call::FairQueues, |stores, _| stores.part::<ListedQueues>().of(shard)).await
    }

    async fn unlist(&self, app: &AppId, joined_at: Option<Timestamp>) -> Result<()> {
        self.call(Call::Unlist, |stores, _| {
            if stores.part::<StoredQueues>().0.get(app).and_then(|queue| queue.joined_at) == joined_at {
                stores.part::<ListedQueues>().set(app, None);
            }
        })
        .await
    }

    async fn reserve(&self, app: &AppId, before: Timestamp, allocation: &Allocation) -> Result<bool> {
        self.call(Call::Reserve, |stores, _| match stores.part::<StoredQueues>().0.get_mut(app) {
            Some(queue) if queue.allocated.0 == before => {
                *queue = queue.with_allocation(allocation);
                true
            }
            _ => false,
        })
        .await
    }

    async fn record_dispatch(&self, app: &AppId, batch: &DispatchedBatch) -> Result<()> {
        self.call(Call::RecordDispatch, |stores, _| {
            if let Some(queue) = stores.part::<StoredQueues>().0.get_mut(app) {
                *queue = queue.after_dispatch(batch);
            }
        })
        .await
    }
}

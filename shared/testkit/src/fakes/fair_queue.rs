//! The fair queues of Flickr apps: where each stands, who waits in it, and the tags of accounts.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    AccountRef, AppId, Day, JobRef, TenantId, Timestamp,
    budget::{Budget, HostClass},
    fair_queue::{Allocation, Bucket, DispatchedBatch, FairQueue, FlowTags, Priority, TenantFlow, TenantMark},
    job::Job,
};
use hub::ports::{BudgetKey, FairQueues, QueuedJob, Result, SubmitContext, TagRequest, TenantTagRequest};

use super::{
    accounts::StoredAccounts,
    budgets::StoredBudgets,
    job_items::StoredJobs,
    keys::{Item, Partition},
    pending_jobs::PendingCounts,
    requests::{read_partitions, write_indexes},
    stores::Stores,
    waiting_jobs::WaitingJobs,
    world::World,
};
use crate::{call::Call, mutation::Mutation};

#[derive(Default)]
struct StoredQueues(BTreeMap<AppId, FairQueue>);

/// The queues that are listed, by shard.
#[derive(Default)]
struct ListedQueues(BTreeMap<AppId, u8>, BTreeSet<(u8, AppId)>);

impl ListedQueues {
    /// The partition keys in which [`ListedQueues::set`] writes: that of an entry that goes, and that of one that comes.
    fn changed_by(&self, app: &AppId, shard: Option<u8>) -> Vec<Partition> {
        let was = self.0.get(app).copied();
        [was, shard].into_iter().flatten().filter(|_| was != shard).map(Partition::ListedQueues).collect()
    }

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

/// Lists the queue in this shard, or takes it off; an error where that is throttled.
fn list(stores: &mut Stores, app: &AppId, shard: Option<u8>, now: Timestamp) -> Result<()> {
    let changed = stores.part::<ListedQueues>().changed_by(app, shard);
    write_indexes(stores, changed, now)?;
    stores.part::<ListedQueues>().set(app, shard);
    Ok(())
}

/// Where the budget and the queue of an app are.
fn budget_and_queue_of(app: &AppId) -> [Partition; 2] {
    [Partition::Budget(BudgetKey::App(app.clone())), Partition::FairQueue(app.clone())]
}

/// The item of a tenant's flow in a lane.
fn tenant_flow(request: &TenantTagRequest) -> Item {
    let TenantTagRequest { app, tenant, lane, .. } = request;
    Partition::FairQueue(app.clone()).item(format!("{tenant}#{}", lane.as_str()))
}

impl FairQueues for World {
    async fn budget_and_queue(&self, app: &AppId) -> Result<(Budget, FairQueue)> {
        let partitions = budget_and_queue_of(app);
        self.read(Call::BudgetAndQueue, partitions, |stores, now| budget_and_queue(stores, app, now)).await
    }

    async fn submit_context(
        &self,
        account: &AccountRef,
        day: Day,
        job: Option<&JobRef>,
    ) -> Result<(Option<SubmitContext>, Option<Job>)> {
        let read = [Partition::Tenant(account.tenant.clone()), Partition::Account(account.clone())];
        let read = read.into_iter().chain(job.map(|job| Partition::Job(job.clone())));
        self.read(Call::SubmitContext, read, |stores, now| {
            let forgets = stores.breaks(Mutation::KeyIgnored);
            let job = job.filter(|_| !forgets).and_then(|job| stores.part::<StoredJobs>().get(job, now).cloned());
            let pending_jobs = stores.part::<PendingCounts>().of(account, day);
            let Some(account) = stores.part::<StoredAccounts>().get(account) else {
                return Ok((None, job));
            };
            read_partitions(stores, budget_and_queue_of(&account.account.app), now)?;
            let (budget, queue) = budget_and_queue(stores, &account.account.app, now);
            Ok((Some(SubmitContext { account, budget, queue, pending_jobs }), job))
        })
        .await?
    }

    async fn take_tenant_tag(&self, request: &TenantTagRequest) -> Result<TenantFlow> {
        self.write(Call::TakeTenantTag, tenant_flow(request), |stores, _| {
            let tenant_flow = stores.part::<StoredTenantFlows>().of(request);
            *tenant_flow = tenant_flow.taken(request.slot, request.lane.stride(), request.virtual_time);
            tenant_flow.clone()
        })
        .await
    }

    async fn return_tenant_tag(&self, request: &TenantTagRequest, tag: u64) -> Result<()> {
        self.write(Call::ReturnTenantTag, tenant_flow(request), |stores, _| {
            let tenant_flow = stores.part::<StoredTenantFlows>().of(request);
            *tenant_flow = tenant_flow.returned(tag, request.lane.stride());
        })
        .await
    }

    async fn take_tag(&self, request: &TagRequest) -> Result<FlowTags> {
        self.write(Call::TakeTag, Item::account(&request.account), |stores, _| {
            let tags = stores.part::<StoredTags>().0.entry(request.account.clone()).or_default();
            *tags = tags.taken(request.lane, &request.step, request.virtual_time);
            *tags
        })
        .await
    }

    async fn return_tag(&self, account: &AccountRef, lane: Priority, tag: u64) -> Result<()> {
        self.write(Call::ReturnTag, Item::account(account), |stores, _| {
            if let Some(tags) = stores.part::<StoredTags>().0.get_mut(account) {
                *tags = tags.returned(lane, tag);
            }
        })
        .await
    }

    async fn join_queue(&self, app: &AppId, bucket: Bucket, tenant: Option<TenantMark>, now: Timestamp) -> Result<()> {
        self.write(Call::JoinQueue, Item::queue(app), |stores, at| {
            let shard = stores.shards.of(app.as_str());
            list(stores, app, Some(shard), at)?;
            let queues = &mut stores.part::<StoredQueues>().0;
            let queue = queues.entry(app.clone()).or_insert_with(|| FairQueue::new(now));
            *queue.waiting.entry(bucket).or_default() += 1;
            queue.tenants.extend(tenant);
            queue.joined_at = Some(Timestamp::from_milliseconds(now.as_seconds() * 1000));
            Ok(())
        })
        .await?
    }

    async fn first_in_queue(&self, app: &AppId, class: HostClass, limit: u16) -> Result<Vec<QueuedJob>> {
        let line = (app.clone(), class);
        let partition = Partition::WaitingJobs(line.clone());
        self.read(Call::FirstInQueue, [partition], |stores, _| stores.part::<WaitingJobs>().first(&line, limit)).await
    }

    async fn fair_queues(&self, shard: u8) -> Result<Vec<AppId>> {
        let partition = Partition::ListedQueues(shard);
        self.read(Call::FairQueues, [partition], |stores, _| stores.part::<ListedQueues>().of(shard)).await
    }

    async fn unlist(&self, app: &AppId, joined_at: Option<Timestamp>) -> Result<()> {
        self.write(Call::Unlist, Item::queue(app), |stores, now| {
            let is_as_seen = stores.part::<StoredQueues>().0.get(app).and_then(|queue| queue.joined_at) == joined_at;
            if is_as_seen { list(stores, app, None, now) } else { Ok(()) }
        })
        .await?
    }

    async fn reserve(&self, app: &AppId, before: Timestamp, allocation: &Allocation) -> Result<bool> {
        self.write(Call::Reserve, Item::queue(app), |stores, _| match stores.part::<StoredQueues>().0.get_mut(app) {
            Some(queue) if queue.allocated.0 == before => {
                *queue = queue.with_allocation(allocation);
                true
            }
            _ => false,
        })
        .await
    }

    async fn record_dispatch(&self, app: &AppId, batch: &DispatchedBatch) -> Result<()> {
        self.write(Call::RecordDispatch, Item::queue(app), |stores, _| {
            if let Some(queue) = stores.part::<StoredQueues>().0.get_mut(app) {
                *queue = queue.after_dispatch(batch);
            }
        })
        .await
    }
}

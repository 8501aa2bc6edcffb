//! Fair queues, in the runtime table: one small item each, changed by updates of which none waits for another.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `FAIR_QUEUE#app` | `QUEUE` | the fair queue of an app: where it stands, and how many wait |
//!
//! An item holds where its queue stands, which tenants joined it (two, that it is shared), and for each [`Bucket`] in
//! which jobs wait an attribute of the bucket's name with their count. The sparse index `fair_queues` lists the queues by
//! shard: each is in the shard that it was given when a job last joined. The jobs themselves are in the index
//! `fair_queue` of the jobs table, and the tags that an account's lanes took are in the account's item there. A count
//! that a lost answer made too high or too low makes an estimate wrong for a while, and nothing else.

mod tenant_flows;

use std::time::Duration;

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use domain::{
    AccountRef, AppId, Day, JobRef, Timestamp,
    budget::{Budget, HostClass},
    fair_queue::{Allocation, Bucket, DispatchedBatch, FairQueue, FlowTags, Priority, TenantFlow, TenantMark},
    job::Job,
    timing::JOB_DEADLINE,
};
use hub::ports::{self, BudgetKey, FairQueues, QueuedJob, SubmitContext, TagRequest, TenantTagRequest};

use crate::{
    Cloud, accounts, budgets,
    item::{
        self, Attributes, EXPIRES_AT, PARTITION, Reader, bytes, expiry, live, named, number, text, time, unreadable,
        whole,
    },
    jobs::{
        account_item::{self, flow_tags, tag_attribute},
        keys::{JOB, QUEUE_APP, QUEUE_INDEX, job_key, job_of, queue_app, tag_of},
    },
    machine::{now, random},
    pending_jobs,
    several::{get_all, get_several},
    table::{Written, list, pause, written, written_if},
};

/// The sort key of the queue itself.
const QUEUE: &str = "QUEUE";

/// The index of the queues that the sweep is to dispatch from, with its hash key.
const LIST_INDEX: &str = "fair_queues";
const QUEUE_SHARD: &str = "queue_shard";

const ANCHOR_AT: &str = "anchor_at";
const ANCHOR_TAG: &str = "anchor_tag";
const ALLOCATED_UNTIL: &str = "allocated_until";
const ALLOCATED_TAG: &str = "allocated_tag";
/// Tenants whose jobs joined.
const TENANTS: &str = "tenants";
/// Which request reserved calls last.
const ALLOCATED_BY: &str = "allocated_by";

/// How long a queue is stored after the last job joined: longer than a job waits.
const RETENTION: Duration = JOB_DEADLINE.saturating_add(Duration::from_secs(60 * 60));

/// How often what meets others is tried.
const TRIES: u32 = 6;

/// The most counts that one update changes: DynamoDB bounds an expression at 4 KB.
const MAX_CHANGES: usize = 100;

const JOINING: &str = "joining a fair queue";
const TAKING: &str = "taking a tag";

/// What is stored of an app's queue is in a partition of its own, so that no queue slows another down.
fn partition(app: &AppId) -> String {
    format!("FAIR_QUEUE#{}", app.as_str())
}

fn key(app: &AppId) -> Attributes {
    item::key(partition(app), QUEUE)
}

/// The app of an item's partition key.
fn app_of(item: &Attributes) -> ports::Result<AppId> {
    let app = Reader(item).text(PARTITION)?.strip_prefix("FAIR_QUEUE#").and_then(|app| app.parse().ok());
    app.ok_or_else(|| unreadable(PARTITION))
}

/// A tenant as a set of one mark.
fn marks(tenant: TenantMark) -> AttributeValue {
    AttributeValue::Ns(vec![tenant.number().to_string()])
}

/// Where a queue stands, as attributes.
fn standing(queue: &FairQueue) -> [(&'static str, AttributeValue); 4] {
    let ((anchor_at, anchor_tag), (until, tag)) = (queue.anchor, queue.allocated);
    [
        (ANCHOR_AT, time(anchor_at)),
        (ANCHOR_TAG, whole(anchor_tag)),
        (ALLOCATED_UNTIL, time(until)),
        (ALLOCATED_TAG, whole(tag)),
    ]
}

/// When a job last joined a queue that expires at so many seconds.
fn joined_at(expires_at: i64) -> Timestamp {
    let retention = i64::try_from(RETENTION.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_milliseconds(expires_at.saturating_mul(1000).saturating_sub(retention))
}

/// The queue in an item; none yet, or one whose time is over, is a new one.
fn read(item: Option<Attributes>, now: Timestamp) -> ports::Result<FairQueue> {
    let Some(item) = live(item, now) else { return Ok(FairQueue::new(now)) };
    let reader = Reader(&item);
    let waiting = item.keys().filter_map(|name| {
        let count = reader.optional_whole(name).and_then(|count| u32::try_from(count).ok());
        Some((Bucket::from_name(name)?, count.filter(|count| *count > 0)?))
    });
    let tenants = item.get(TENANTS).and_then(|value| value.as_ns().ok());
    let mark = |number: &String| Some(TenantMark::from_number(number.parse().ok()?));
    Ok(FairQueue {
        anchor: (reader.time(ANCHOR_AT)?, reader.whole(ANCHOR_TAG)?),
        allocated: (reader.time(ALLOCATED_UNTIL)?, reader.whole(ALLOCATED_TAG)?),
        waiting: waiting.collect(),
        tenants: tenants.into_iter().flatten().filter_map(mark).collect(),
        joined_at: reader.optional_number(EXPIRES_AT).map(joined_at),
    })
}

/// Where an account's lane is, and so which tag it takes next ([`domain::fair_queue::Step::next`]).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// Behind the virtual time: the next from there.
    Behind,
    /// Ahead of it, or at it: all strides from where it is.
    Ahead,
    /// Within these strides of the ceiling: the ceiling.
    BelowCeiling,
    /// At the ceiling but for a stride, or above: a stride from where it is.
    AtCeiling,
}

impl Lane {
    fn of(tag: Option<u64>, request: &TagRequest) -> Self {
        let TagRequest { lane, step, virtual_time, .. } = request;
        match tag.filter(|tag| tag >= virtual_time) {
            None => Self::Behind,
            Some(tag) if tag <= step.ceiling.saturating_sub(lane.stride().saturating_mul(step.strides)) => Self::Ahead,
            Some(tag) if tag < step.ceiling.saturating_sub(lane.stride()) => Self::BelowCeiling,
            Some(_) => Self::AtCeiling,
        }
    }
}

impl Cloud {
    /// The update that takes a tag if the lane is where it is said to be: DynamoDB has no maximum of two numbers.
    fn tag_update(&self, request: &TagRequest, is: Lane) -> UpdateItemFluentBuilder {
        let tag = tag_attribute(request.lane);
        let TagRequest { lane, step, virtual_time, .. } = request;
        let strides = lane.stride().saturating_mul(step.strides);
        let (far, near) = (step.ceiling.saturating_sub(strides), step.ceiling.saturating_sub(lane.stride()));
        let bounded = step.ceiling < u64::MAX;
        let (condition, taken, by) = match is {
            Lane::Behind => {
                let behind = format!("attribute_not_exists({tag}) OR {tag} < :virtual_time");
                (behind, ":by".to_owned(), step.next(0, *lane, *virtual_time))
            }
            Lane::Ahead if bounded => {
                (format!("{tag} >= :virtual_time AND {tag} <= :far"), format!("{tag} + :by"), strides)
            }
            Lane::Ahead => (format!("{tag} >= :virtual_time"), format!("{tag} + :by"), strides),
            Lane::BelowCeiling => {
                let between = format!("{tag} >= :virtual_time AND {tag} > :far AND {tag} < :near");
                (between, ":by".to_owned(), step.ceiling)
            }
            Lane::AtCeiling => {
                (format!("{tag} >= :virtual_time AND {tag} >= :near"), format!("{tag} + :by"), lane.stride())
            }
        };
        let update = self
            .jobs
            .update(account_item::key(&request.account))
            .update_expression(format!("SET {tag} = {taken}"))
            .expression_attribute_values(":virtual_time", whole(*virtual_time))
            .expression_attribute_values(":by", whole(by))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let bounds = [(":far", far), (":near", near)].into_iter().filter(|(name, _)| condition.contains(name));
        let update =
            bounds.fold(update, |update, (name, bound)| update.expression_attribute_values(name, whole(bound)));
        update.condition_expression(condition)
    }

    /// The shard in which the app's queue is listed from now on.
    fn shard_of(&self, app: &AppId) -> AttributeValue {
        text(self.shards.of(app.as_str()).to_string())
    }

    /// Counts one more job in a queue that is there or begins. `false` where there is one whose time is over.
    async fn join_open(
        &self,
        app: &AppId,
        bucket: &str,
        tenant: Option<TenantMark>,
        now: Timestamp,
    ) -> ports::Result<bool> {
        let begin = standing(&FairQueue::new(now));
        let kept: Vec<String> =
            begin.iter().map(|(name, _)| format!("{name} = if_not_exists({name}, :{name})")).collect();
        let joins = tenant.map(|_| format!(", {TENANTS} :tenant")).unwrap_or_default();
        let update = self
            .runtime
            .update(key(app))
            .condition_expression(format!("attribute_not_exists({PARTITION}) OR {EXPIRES_AT} > :now"))
            .update_expression(format!(
                "SET {}, {EXPIRES_AT} = :expires_at, {QUEUE_SHARD} = :shard ADD #bucket :one{joins}",
                kept.join(", ")
            ))
            .expression_attribute_names("#bucket", bucket)
            .expression_attribute_values(":now", expiry(now))
            .expression_attribute_values(":expires_at", expiry(now + RETENTION))
            .expression_attribute_values(":shard", self.shard_of(app))
            .expression_attribute_values(":one", number(1));
        let update = match tenant {
            Some(tenant) => update.expression_attribute_values(":tenant", marks(tenant)),
            None => update,
        };
        let update = begin
            .into_iter()
            .fold(update, |update, (name, value)| update.expression_attribute_values(format!(":{name}"), value));
        written_if(update.send().await, JOINING)
    }

    /// Begins a queue with one job over one whose time is over. `false` where another did.
    ///
    /// The old one's virtual time would let all who come later go before those who have seen it as absent.
    async fn begin_anew(
        &self,
        app: &AppId,
        bucket: &str,
        tenant: Option<TenantMark>,
        now: Timestamp,
    ) -> ports::Result<bool> {
        let mut item = key(app);
        item.extend(named(standing(&FairQueue::new(now))));
        item.extend(named([(EXPIRES_AT, expiry(now + RETENTION)), (QUEUE_SHARD, self.shard_of(app))]));
        item.insert(bucket.to_owned(), number(1));
        item.extend(named(tenant.map(|tenant| (TENANTS, marks(tenant)))));
        let put = self
            .runtime
            .write(item)
            .condition_expression(format!("{EXPIRES_AT} <= :now"))
            .expression_attribute_values(":now", expiry(now));
        written_if(put.send().await, JOINING)
    }

    /// Changes a queue that is still there: some of its counts, by which each grows or goes, and where it stands.
    async fn change_queue(&self, app: &AppId, tag: u64, changes: &[(Bucket, Option<u32>)]) -> ports::Result<()> {
        let mut update = self
            .runtime
            .update(key(app))
            .condition_expression(format!("attribute_exists({PARTITION})"))
            .expression_attribute_values(":tag", whole(tag));
        let (mut additions, mut removals) = (Vec::new(), Vec::new());
        for (number_of_change, (bucket, dispatched)) in changes.iter().enumerate() {
            let name = format!("#b{number_of_change}");
            update = update.expression_attribute_names(&name, bucket.name());
            match dispatched {
                Some(count) => {
                    let value = format!(":b{number_of_change}");
                    update = update.expression_attribute_values(&value, number(-i64::from(*count)));
                    additions.push(format!("{name} {value}"));
                }
                None => removals.push(name),
            }
        }
        let set = format!("SET {ALLOCATED_TAG} = :tag");
        let clauses = [("ADD", additions), ("REMOVE", removals)];
        let clauses = clauses.iter().filter(|(_, parts)| !parts.is_empty());
        let expression = clauses.fold(set, |all, (verb, parts)| format!("{all} {verb} {}", parts.join(", ")));
        written_if(update.update_expression(expression).send().await, "recording what was dispatched").map(|_| ())
    }
}

impl FairQueues for Cloud {
    async fn budget_and_queue(&self, app: &AppId) -> ports::Result<(Budget, FairQueue)> {
        let budget_key = budgets::key(&BudgetKey::App(app.clone()));
        let wanted = [(&self.runtime, budget_key), (&self.runtime, key(app))];
        let [budget, queue] = get_several(wanted, "reading a budget and a fair queue").await?;
        Ok((budgets::read(budget.as_ref())?, read(queue, now())?))
    }

    /// One read where this process knows which app the account had, else two.
    async fn submit_context(
        &self,
        account: &AccountRef,
        day: Day,
        job: Option<&JobRef>,
    ) -> ports::Result<(Option<SubmitContext>, Option<Job>)> {
        let known = self.account_app_cache.get(account);
        let mut wanted = vec![(&self.vault, accounts::key(account)), (&self.jobs, pending_jobs::key(account, day))];
        wanted.extend(job.map(|job| (&self.jobs, job_key(job, JOB))));
        if let Some(app) = &known {
            wanted.extend([(&self.runtime, budgets::key(&BudgetKey::App(app.clone()))), (&self.runtime, key(app))]);
        }
        let mut found = get_all(wanted, "reading what a new job has to know").await?.into_iter();
        let mut next = || found.next().flatten();
        let (sealed, pending) = (next(), next());
        let job = match job.and_then(|_| live(next(), now())) {
            Some(item) => Some(self.read_job(&item).await?),
            None => None,
        };
        let Some(sealed) = sealed else { return Ok((None, job)) };
        let sealed = accounts::read_sealed(&account.tenant, &sealed)?;
        let app = &sealed.account.app;
        let (budget, queue) = if known.as_ref() == Some(app) {
            (budgets::read(next().as_ref())?, read(next(), now())?)
        } else {
            self.account_app_cache.set(account, app.clone());
            self.budget_and_queue(app).await?
        };
        let pending_jobs = pending_jobs::read(pending.as_ref())?;
        Ok((Some(SubmitContext { account: sealed, budget, queue, pending_jobs }), job))
    }

    async fn take_tenant_tag(&self, request: &TenantTagRequest) -> ports::Result<TenantFlow> {
        self.take_tag_of_tenant(request).await
    }

    async fn return_tenant_tag(&self, request: &TenantTagRequest, tag: u64) -> ports::Result<()> {
        self.return_tag_of_tenant(request, tag).await
    }

    /// One write as long as the lane is ahead of the virtual time, as that of an account with many jobs is, else two.
    async fn take_tag(&self, request: &TagRequest) -> ports::Result<FlowTags> {
        let mut is = Lane::Ahead;
        for _ in 0..TRIES {
            let found = match written(self.tag_update(request, is).send().await, TAKING)? {
                Written::Done(answer) => return Ok(flow_tags(&answer.attributes.unwrap_or_default())),
                Written::Refused(found) => found,
            };
            let tag = found.and_then(|item| Reader(&item).optional_whole(tag_attribute(request.lane)));
            is = Lane::of(tag, request);
        }
        Err(ports::Error::unavailable(TAKING, "the account's tags are taken and given back all the time"))
    }

    async fn return_tag(&self, account: &AccountRef, lane: Priority, tag: u64) -> ports::Result<()> {
        let attribute = tag_attribute(lane);
        let update = self
            .jobs
            .update(account_item::key(account))
            .condition_expression(format!("{attribute} = :tag"))
            .update_expression(format!("SET {attribute} = :before"))
            .expression_attribute_values(":tag", whole(tag))
            .expression_attribute_values(":before", whole(tag.saturating_sub(lane.stride())));
        written_if(update.send().await, "returning a tag").map(|_| ())
    }

    async fn join_queue(
        &self,
        app: &AppId,
        bucket: Bucket,
        tenant: Option<TenantMark>,
        now: Timestamp,
    ) -> ports::Result<()> {
        let bucket = bucket.name();
        for attempt in 0..TRIES {
            pause(attempt).await;
            if self.join_open(app, &bucket, tenant, now).await? || self.begin_anew(app, &bucket, tenant, now).await? {
                return Ok(());
            }
        }
        Err(ports::Error::unavailable(JOINING, "too many begin the queue at once"))
    }

    async fn first_in_queue(&self, app: &AppId, class: HostClass, limit: u16) -> ports::Result<Vec<QueuedJob>> {
        let query = self
            .jobs
            .query()
            .index_name(QUEUE_INDEX)
            .key_condition_expression(format!("{QUEUE_APP} = :app"))
            .expression_attribute_values(":app", queue_app(app, class));
        let items = list(query, None, limit, "listing the jobs in a fair queue").await?;
        items.iter().map(|item| Ok(QueuedJob { job: job_of(item)?, tag: tag_of(item)? })).collect()
    }

    async fn fair_queues(&self, shard: u8) -> ports::Result<Vec<AppId>> {
        let query = self
            .runtime
            .query()
            .index_name(LIST_INDEX)
            .key_condition_expression(format!("{QUEUE_SHARD} = :shard"))
            .expression_attribute_values(":shard", text(shard.to_string()));
        let items = list(query, None, u16::MAX, "listing fair queues").await?;
        items.iter().map(app_of).collect()
    }

    async fn unlist(&self, app: &AppId, joined_at: Option<Timestamp>) -> ports::Result<()> {
        let update = self.runtime.update(key(app)).update_expression(format!("REMOVE {QUEUE_SHARD}"));
        let update = match joined_at {
            Some(at) => update
                .condition_expression(format!("{EXPIRES_AT} = :expires_at"))
                .expression_attribute_values(":expires_at", expiry(at + RETENTION)),
            None => update
                .condition_expression(format!("{EXPIRES_AT} <= :now"))
                .expression_attribute_values(":now", expiry(now())),
        };
        written_if(update.send().await, "taking a fair queue off the list").map(|_| ())
    }

    async fn reserve(&self, app: &AppId, before: Timestamp, allocation: &Allocation) -> ports::Result<bool> {
        let (anchor_at, anchor_tag) = allocation.anchor;
        let update = self
            .runtime
            .update(key(app))
            // A request that the SDK repeats, because its answer was lost, finds itself.
            .condition_expression(format!("{ALLOCATED_UNTIL} = :before OR {ALLOCATED_BY} = :me"))
            .update_expression(format!(
                "SET {ALLOCATED_UNTIL} = :until, {ALLOCATED_BY} = :me, \
                 {ANCHOR_AT} = :anchor_at, {ANCHOR_TAG} = :anchor_tag"
            ))
            .expression_attribute_values(":me", bytes(&random()))
            .expression_attribute_values(":before", time(before))
            .expression_attribute_values(":until", time(allocation.until))
            .expression_attribute_values(":anchor_at", time(anchor_at))
            .expression_attribute_values(":anchor_tag", whole(anchor_tag));
        written_if(update.send().await, "reserving calls for a fair queue")
    }

    async fn record_dispatch(&self, app: &AppId, batch: &DispatchedBatch) -> ports::Result<()> {
        let dispatched = batch.dispatched.iter().map(|(bucket, count)| (*bucket, Some(*count)));
        let emptied = batch.emptied.iter().map(|bucket| (*bucket, None));
        let changes: Vec<_> = dispatched.chain(emptied).collect();
        let (first, rest) = changes.split_at(changes.len().min(MAX_CHANGES));
        self.change_queue(app, batch.tag, first).await?;
        for changes in rest.chunks(MAX_CHANGES) {
            self.change_queue(app, batch.tag, changes).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_123);

    #[test]
    fn a_queue_reads_back_and_what_is_no_count_is_skipped() {
        let queue = FairQueue::new(NOW);
        let (near, far) =
            (Bucket::of(queue.anchor.1 + 4, queue.anchor.1), Bucket::of(queue.anchor.1 + 9_000, queue.anchor.1));
        let mut item = key(&AppId::from_bytes([9; 16]));
        item.extend(named(standing(&queue)));
        item.extend(named([(EXPIRES_AT, expiry(NOW + RETENTION)), ("x", number(7)), ("w1", number(7))]));
        item.extend(named([(QUEUE_SHARD, text("3"))]));
        item.extend(named([(ALLOCATED_BY, bytes(&[7; 16]))]));
        item.extend([(near.name(), number(3)), (far.name(), number(1))]);
        item.insert(Bucket::of(1, 1).name(), number(0));
        item.insert(Bucket::of(2, 1).name(), number(-2));
        let expected = FairQueue {
            waiting: [(near, 3), (far, 1)].into(),
            joined_at: Some(Timestamp::from_milliseconds(NOW.as_seconds() * 1000)),
            ..queue
        };
        assert_eq!(read(Some(item.clone()), NOW + Duration::from_secs(60)).unwrap(), expected);
        let over = NOW + RETENTION;
        assert_eq!(read(Some(item), over).unwrap(), FairQueue::new(over), "one whose time is over is none");
        assert_eq!(read(None, NOW).unwrap(), FairQueue::new(NOW));
    }

    #[test]
    fn the_app_of_a_queue_is_read_from_its_key() {
        let app = AppId::from_bytes([9; 16]);
        assert_eq!(app_of(&key(&app)).unwrap(), app);
        assert!(app_of(&item::key("FAIR_QUEUE#", QUEUE)).is_err());
    }
}

//! The fair queues of Flickr apps: who runs at once, who waits for a turn, and when that will come.

use domain::{
    AccountRef, AppId, TenantId, Timestamp,
    budget::{Budget, BudgetStatus, HostClass, Limit},
    fair_queue::{Admission, Allocation, Bucket, FairQueue, FlowTags, Priority, QueueTicket, Slot, Step, TenantFlow},
    job::{Job, Target, WaitReason},
    timing::JOB_DEADLINE,
};

use crate::{
    Error,
    ports::{Clock, FairQueues, SubmitContext, TagRequest, TenantTagRequest},
};

/// How an app's budget and its fair queue stand.
#[derive(Debug, Clone)]
pub struct QueueForecast {
    pub app: AppId,
    /// How many calls may be made.
    pub limit: Limit,
    /// How the budget stands for calls of the REST API.
    pub status: BudgetStatus,
    budget: Budget,
    pub(crate) queue: FairQueue,
    pub(crate) now: Timestamp,
}

/// How the budget and the fair queue of `app` stand.
///
/// # Errors
/// A failure of the port.
pub async fn forecast(ports: &(impl Clock + FairQueues), limit: &Limit, app: &AppId) -> Result<QueueForecast, Error> {
    let (budget, queue) = ports.budget_and_queue(app).await?;
    Ok(QueueForecast::new(app, &budget, queue, limit, ports.now()))
}

/// A tag that was taken.
struct TakenTag {
    /// The account's tags after it.
    tags: FlowTags,
    step: Step,
    /// The tag that its tenant took before, where tenants share the app.
    tenant: Option<(TenantTagRequest, TenantFlow)>,
}

impl TakenTag {
    /// Whether who took it still has had no more than its share: the tenant, where tenants share the app, and the account.
    fn is_under_share(&self, lane: Priority, virtual_time: u64) -> bool {
        self.tags.is_under_share(lane, &self.step, virtual_time)
            && self.tenant.as_ref().is_none_or(|(_, flow)| flow.is_under_share(virtual_time))
    }
}

/// Admission control: what becomes of a run that could begin now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admitted {
    /// It need not look at the queue.
    Freely,
    /// It has its place.
    As(Admission),
    /// So many jobs wait in the queue that it would not run before its deadline.
    Refused,
}

impl QueueForecast {
    /// How `budget` and `queue` of `app` stand at `now`.
    pub(crate) fn new(app: &AppId, budget: &Budget, queue: FairQueue, limit: &Limit, now: Timestamp) -> Self {
        let status = budget.status(limit, Target::default().host_class(), now);
        Self { app: app.clone(), limit: *limit, status, budget: budget.clone(), queue, now }
    }

    /// The calls to hosts of this class that may be reserved for the queue now.
    pub(crate) fn allocate(&self, class: HostClass) -> Option<Allocation> {
        self.queue.allocate(&self.budget.status(&self.limit, class, self.now), self.now)
    }

    /// How the budget and the queue of a new job's app stand at `now`.
    pub(crate) fn of(context: &SubmitContext, limit: &Limit, now: Timestamp) -> Self {
        let SubmitContext { account, budget, queue, .. } = context;
        Self::new(&account.account.app, budget, queue.clone(), limit, now)
    }

    /// Why the app's jobs wait, while Flickr refuses the app.
    pub fn stopped(&self) -> Option<WaitReason> {
        let stopped = self.status.stopped.as_ref()?;
        Some(WaitReason::AppStopped { message: stopped.message.clone() })
    }

    /// Whether a new job has to look at the queue.
    pub fn queue_is_needed(&self) -> bool {
        self.queue.is_needed(&self.status)
    }

    /// When the job will about start; `None` when it started, or nobody can say.
    pub fn estimated_start(&self, job: &Job) -> Option<Timestamp> {
        match job.state.queued_ticket().filter(|ticket| ticket.app == self.app) {
            Some(QueueTicket { tag, .. }) => {
                Some(self.queue.expected_of(*tag, job.state.due_at, &self.status, self.now))
            }
            None => due(job, self.now),
        }
    }

    /// Decides what becomes of a job of the account in this lane, whose run could begin now, where the queue is needed;
    /// counts it in the queue if it must wait.
    ///
    /// # Errors
    /// A failure of the port.
    pub async fn admit(
        &self,
        ports: &impl FairQueues,
        account: &AccountRef,
        lane: Priority,
    ) -> Result<Admitted, Error> {
        let taken = self.take_tag(ports, account, lane).await?;
        let ticket = QueueTicket { app: self.app.clone(), tag: taken.tags.of(lane) };
        let spare = self.status.is_closed() && self.status.remaining_calls > 0;
        if spare && taken.is_under_share(lane, self.virtual_time()) {
            return Ok(Admitted::As(Admission::RunNow(ticket)));
        }
        let expected_at = self.expected_of_newcomer(&ticket);
        if expected_at.since(self.now) >= JOB_DEADLINE {
            // Who asks again and again does not fall behind by being refused.
            ports.return_tag(account, lane, ticket.tag).await?;
            if let Some((request, tenant_flow)) = &taken.tenant {
                ports.return_tenant_tag(request, tenant_flow.tag).await?;
            }
            return Ok(Admitted::Refused);
        }
        self.join(ports, &account.tenant, &ticket).await?;
        let refusal = self.status.stopped.as_ref().map(|stopped| stopped.message.clone());
        Ok(Admitted::As(Admission::Enqueue { ticket, expected_at, refusal }))
    }

    /// Counts a job that was refused a call in the queue: where it stood before, if it did.
    ///
    /// # Errors
    /// A failure of the port.
    pub async fn enqueue(&self, ports: &impl FairQueues, job: &Job) -> Result<(QueueTicket, Timestamp), Error> {
        let ticket = match job.state.ticket.as_ref().filter(|ticket| ticket.app == self.app) {
            Some(ticket) => ticket.clone(),
            None => {
                let lane = job.spec.priority;
                let taken = self.take_tag(ports, &job.spec.account, lane).await?;
                QueueTicket { app: self.app.clone(), tag: taken.tags.of(lane) }
            }
        };
        let expected_at = self.expected_of_newcomer(&ticket);
        self.join(ports, job.tenant(), &ticket).await?;
        Ok((ticket, expected_at))
    }

    /// Takes the account's next tag, and before it its tenant's, where tenants share the app. A tag of the
    /// tenant whose account's cannot be taken is lost.
    async fn take_tag(&self, ports: &impl FairQueues, account: &AccountRef, lane: Priority) -> Result<TakenTag, Error> {
        let virtual_time = self.virtual_time();
        let tenant = if self.queue.is_shared() {
            let (app, tenant, slot) = (self.app.clone(), account.tenant.clone(), Slot::of(account));
            let request = TenantTagRequest { app, tenant, lane, slot, virtual_time };
            let tenant_flow = ports.take_tenant_tag(&request).await?;
            Some((request, tenant_flow))
        } else {
            None
        };
        let step =
            tenant.as_ref().map_or(Step::ALONE, |(_, flow)| Step { strides: flow.accounts(), ceiling: flow.tag });
        let tags = ports.take_tag(&TagRequest { account: account.clone(), lane, step, virtual_time }).await?;
        Ok(TakenTag { tags, step, tenant })
    }

    fn virtual_time(&self) -> u64 {
        self.queue.virtual_time(self.now)
    }

    /// Counts first, then the job is written: so no queue is forgotten in which somebody waits.
    async fn join(&self, ports: &impl FairQueues, tenant: &TenantId, ticket: &QueueTicket) -> Result<(), Error> {
        let bucket = Bucket::of(ticket.tag, self.virtual_time());
        Ok(ports.join_queue(&self.app, bucket, self.queue.newcomer(tenant), self.now).await?)
    }

    fn expected_of_newcomer(&self, ticket: &QueueTicket) -> Timestamp {
        self.queue.expected(self.queue.ahead(ticket.tag), &self.status, self.now)
    }
}

/// When a job that has not started is to start, whatever its queue says.
pub(crate) fn due(job: &Job, now: Timestamp) -> Option<Timestamp> {
    let starts = job.state.waiting().is_some_and(|wait| !matches!(wait.reason(), WaitReason::Verification { .. }));
    starts.then(|| job.state.due_at.max(now))
}

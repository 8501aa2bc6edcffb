//! The fair queues of Flickr apps: where each stands, who waits in it, and the tags of accounts.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    AccountRef, AppId, Day, JobId, Timestamp,
    budget::{Budget, HostClass, Limit, Request},
    fair_queue::{Allocation, Bucket, FairQueue, FlowTags, Priority, QueueTicket, Slot, Step, TenantFlow, TenantMark},
    job::{Event, FileCall, Job, JobSpec, State, Target, WaitReason, Work},
    upload::{FileSource, UploadFields},
};
use futures_util::future::join_all;
use hub::ports::{
    Accounts, BudgetKey, Budgets, Changed, Clock, Entropy, FairQueues, Jobs, PendingJobs, TagRequest, TenantTagRequest,
};

use super::steps::{claim_id, committed, held, insert};
use crate::build;

/// Taking tags: each once, in each lane by itself.
pub async fn tags(ports: &(impl Entropy + FairQueues)) {
    let account = build::account_ref(&build::tenant(ports), "1@N00");
    let request = |lane, virtual_time| TagRequest { account: account.clone(), lane, step: Step::ALONE, virtual_time };
    let take = async |lane, virtual_time| ports.take_tag(&request(lane, virtual_time)).await.unwrap();
    let taken = |high, normal, low| FlowTags { high, normal, low };

    assert_eq!(take(Priority::Normal, 100).await, taken(0, 104, 0));
    let several = join_all((0..6).map(|_| take(Priority::Normal, 100))).await;
    let tags: BTreeSet<u64> = several.iter().map(|tags| tags.normal).collect();
    assert_eq!(tags, (1..=6).map(|n| 104 + 4 * n).collect(), "tags taken at once are different ones");
    assert_eq!(take(Priority::High, 110).await, taken(111, 128, 0));
    assert_eq!(take(Priority::Normal, 500).await, taken(111, 504, 0), "a turn that passed is not made up for");

    ports.return_tag(&account, Priority::Normal, 500).await.unwrap();
    assert_eq!(take(Priority::Normal, 500).await, taken(111, 508, 0), "only the last is given back");
    ports.return_tag(&account, Priority::Normal, 508).await.unwrap();
    assert_eq!(take(Priority::Normal, 500).await, taken(111, 508, 0), "and then it is there again");
    let stranger = build::account_ref(&account.tenant, "2@N00");
    ports.return_tag(&stranger, Priority::High, 1).await.unwrap();

    // Of an account that shares its turns: behind, ahead, near the ceiling, and beyond it.
    let sharing = build::account_ref(&account.tenant, "3@N00");
    let mut expected = FlowTags::default();
    for (strides, ceiling, virtual_time) in
        [(3, 200, 100), (3, 200, 100), (20, 141, 110), (20, 142, 110), (20, 142, 110), (2, 1_000, 500), (9, 502, 501)]
    {
        let step = Step { strides, ceiling };
        let request = TagRequest { account: sharing.clone(), lane: Priority::Normal, step, virtual_time };
        expected = expected.taken(Priority::Normal, &step, virtual_time);
        assert_eq!(ports.take_tag(&request).await.unwrap(), expected, "{request:?}");
    }
}

/// Taking tags of a tenant's flow: each once, and its accounts are counted.
pub async fn tenant_flows(ports: &(impl Entropy + FairQueues)) {
    let (app, tenant) = (AppId::from_bytes(ports.random()), build::tenant(ports));
    let request = |lane, slot, virtual_time| {
        let slot = Slot::from_number(slot).unwrap();
        TenantTagRequest { app: app.clone(), tenant: tenant.clone(), lane, slot, virtual_time }
    };
    let mut expected = TenantFlow::default();
    for (slot, virtual_time) in [(1, 100), (2, 100), (1, 103), (3, 104), (3, 105), (4, 118), (127, 500), (0, 504)] {
        let taken = ports.take_tenant_tag(&request(Priority::Normal, slot, virtual_time)).await.unwrap();
        expected = expected.taken(Slot::from_number(slot).unwrap(), Priority::Normal.stride(), virtual_time);
        assert_eq!(taken, expected, "{slot} at {virtual_time}");
    }
    let other = ports.take_tenant_tag(&request(Priority::High, 1, 100)).await.unwrap();
    assert_eq!((other.tag, other.accounts()), (101, 1), "another lane");

    let again = request(Priority::Normal, 9, 504);
    ports.return_tenant_tag(&again, expected.tag - 1).await.unwrap();
    ports.return_tenant_tag(&again, expected.tag).await.unwrap();
    let several = join_all((0..5).map(|_| ports.take_tenant_tag(&again))).await;
    let tags: BTreeSet<u64> = several.iter().map(|flow| flow.as_ref().unwrap().tag).collect();
    assert_eq!(tags, (0..5).map(|n| expected.tag + 4 * n).collect(), "the last was given back; each is taken once");
    let stranger = TenantTagRequest { tenant: build::tenant(ports), ..again };
    ports.return_tenant_tag(&stranger, 1).await.unwrap();
}

/// Takes two calls of a budget.
async fn take_calls(ports: &impl Budgets, key: &BudgetKey, limit: &Limit, now: Timestamp) {
    let request = Request { limit: *limit, class: Some(HostClass::Rest), calls: 2 };
    let change = ports.budget(key).await.unwrap().take(&request, now).unwrap();
    assert!(matches!(ports.change_budget(key, &change).await.unwrap(), Changed::Done(_)));
}

/// What a new job has to know: the account, with the budget and the fair queue of its app and its pending jobs as they
/// are now, and an earlier job.
pub async fn submit_context(ports: &(impl Clock + Entropy + Accounts + Budgets + FairQueues + Jobs + PendingJobs)) {
    let now = ports.now();
    let account = build::account_ref(&build::tenant(ports), "1@N00");
    let (today, yesterday) = (Day::of(now), Day::of(now).before());
    let find = async |job| ports.submit_context(&account, yesterday, job).await.unwrap();
    let large = format!(r#"{{"text": "{}"}}"#, "x".repeat(5_000));
    let earlier =
        ["{}", &large].map(|params| build::job(ports.random(), build::spec(&account, "flickr.test.null", params), now));
    let references = earlier.each_ref().map(Job::reference);
    assert!(find(None).await.0.is_none(), "the account is not there");
    assert!(matches!(find(Some(&references[0])).await, (None, None)));
    for (job, reference) in earlier.iter().zip(&references) {
        insert(ports, job).await;
        let (context, found) = find(Some(reference)).await;
        assert_eq!((context.is_none(), found.as_ref()), (true, Some(job)), "a job outlives its account");
    }

    for app in [build::app_in_last_shard(ports), build::app_in_last_shard(ports)] {
        let mut sealed = build::account(&account.tenant, "1@N00", now);
        sealed.account.app = app.clone();
        ports.save_account(&sealed).await.unwrap();
        let pending = ports.pending_jobs(&account, yesterday).await.unwrap().get(&yesterday).copied();
        let (before, none) = find(None).await;
        let before = before.unwrap();
        assert_eq!((before.account, before.budget, before.queue.waiting_jobs()), (sealed, Budget::default(), 0));
        assert_eq!((before.pending_jobs, none), (pending.unwrap_or_default(), None));

        let key = BudgetKey::App(app.clone());
        take_calls(ports, &key, &Limit::FLICKR, now).await;
        ports.join_queue(&app, Bucket::of(1, 1), None, now).await.unwrap();
        for day in [today, yesterday] {
            assert!(ports.count_pending(&account, day, 9).await.unwrap());
        }
        for (job, reference) in earlier.iter().zip(&references) {
            let (after, found) = find(Some(reference)).await;
            let after = after.unwrap();
            assert_eq!((found.as_ref(), after.pending_jobs), (Some(job), before.pending_jobs + 1));
            assert_ne!(after.budget, Budget::default());
            let (budget, queue) = ports.budget_and_queue(&app).await.unwrap();
            assert_eq!((after.budget, after.queue.waiting_jobs(), queue.waiting_jobs()), (budget, 1, 1));
        }
    }
    let foreign = AccountRef { tenant: build::tenant(ports), ..account.clone() };
    assert!(ports.submit_context(&foreign, yesterday, None).await.unwrap().0.is_none());
}

/// A fair queue: who joins is counted, calls are reserved once, what was dispatched is counted no more.
pub async fn fair_queues(ports: &(impl Clock + Entropy + Budgets + FairQueues + Jobs)) {
    let app = build::app_in_last_shard(ports);
    let now = ports.now();
    let (budget, queue) = ports.budget_and_queue(&app).await.unwrap();
    assert_eq!((budget, queue.waiting_jobs()), (Budget::default(), 0));
    assert!(!listed(ports).await.contains(&app), "an app that nobody waits for has no queue");

    let limit = Limit { calls_per_hour: 3600, burst_calls: 3 };
    let key = BudgetKey::App(app.clone());
    take_calls(ports, &key, &limit, now).await;
    let begin = FairQueue::new(now).virtual_time(now);
    let (near, far) = (Bucket::of(begin + 4, begin), Bucket::of(begin + 4_000, begin));
    let marks = [7, 8].map(TenantMark::from_number);
    let coming = [(near, None), (far, Some(marks[0])), (near, Some(marks[0])), (near, Some(marks[1]))];
    let joins = join_all(coming.map(|(bucket, tenant)| ports.join_queue(&app, bucket, tenant, now))).await;
    assert!(joins.iter().all(Result::is_ok));
    let (budget, queue) = ports.budget_and_queue(&app).await.unwrap();
    assert_eq!(budget.status(&limit, HostClass::Rest, now).remaining_calls, 1);
    assert_eq!((&queue.waiting, &queue.tenants), (&[(near, 3), (far, 1)].into(), &marks.into()));
    assert!(listed(ports).await.contains(&app));

    let before = queue.allocated.0;
    let until = before + Duration::from_secs(120);
    let allocation = Allocation { calls: 2, anchor: (now, begin + 1), from: before, until };
    let reserved = join_all((0..5).map(|_| ports.reserve(&app, before, &allocation))).await;
    assert_eq!(reserved.iter().filter(|done| *done.as_ref().unwrap()).count(), 1, "of many at once one does");
    let (_, after) = ports.budget_and_queue(&app).await.unwrap();
    assert_eq!(after, queue.with_allocation(&allocation));

    let queue = after;
    let batch = queue.dispatched(&[begin + 4, begin + 4], false);
    ports.record_dispatch(&app, &batch).await.unwrap();
    let (_, after) = ports.budget_and_queue(&app).await.unwrap();
    assert_eq!(after, queue.after_dispatch(&batch));
    assert_eq!(after.waiting, [(near, 1), (far, 1)].into());
    assert_eq!(after.virtual_time(until), begin + 4);
    ports.record_dispatch(&app, &after.dispatched(&[], true)).await.unwrap();
    let (_, empty) = ports.budget_and_queue(&app).await.unwrap();
    assert_eq!(empty.waiting_jobs(), 0);
    assert!(listed(ports).await.contains(&app), "an empty queue stays as long as someone may be on the way to it");

    let joined_at = empty.joined_at.unwrap();
    assert_eq!(joined_at.as_milliseconds(), now.as_seconds() * 1000);
    for other in [None, Some(joined_at + Duration::from_secs(1))] {
        ports.unlist(&app, other).await.unwrap();
        assert!(listed(ports).await.contains(&app), "another joined meanwhile");
    }
    ports.unlist(&app, Some(joined_at)).await.unwrap();
    assert!(!listed(ports).await.contains(&app));
    let (_, stored) = ports.budget_and_queue(&app).await.unwrap();
    assert_eq!(stored, empty, "the queue goes on where it stood");
    ports.join_queue(&app, near, None, now).await.unwrap();
    assert!(listed(ports).await.contains(&app), "it is listed again with the next who joins");
}

async fn listed(ports: &(impl FairQueues + Jobs)) -> BTreeSet<AppId> {
    let mut apps = BTreeSet::new();
    for shard in ports.shards().all() {
        apps.extend(ports.fair_queues(shard).await.unwrap());
    }
    apps
}

/// The index of a queue: jobs are listed while they wait for their turn, by their tags, then as they came.
pub async fn waiting_jobs(ports: &(impl Clock + Entropy + Jobs + FairQueues)) {
    let app = &build::app_in_last_shard(ports);
    let account = build::account_ref(&build::tenant(ports), "1@N00");
    let now = ports.now();
    let ticket = |tag| QueueTicket { app: app.clone(), tag };
    let job = |state: State, created_at: Timestamp| {
        let spec = build::spec(&account, "flickr.test.null", "{}");
        Job { state, ..build::job(ports.random(), spec, created_at) }
    };
    let queued = |tag, created_at| job(State::first_in_queue(ticket(tag), created_at, created_at), created_at);
    let second = now + Duration::from_millis(1);
    let (last, middle, first) = (queued(90, now), queued(17, second), queued(17, now));
    let direct = job(State { ticket: Some(ticket(1)), ..State::first(now, now) }, now);
    for job in [&last, &middle, &first, &direct] {
        insert(ports, job).await;
        assert_eq!(ports.job(&job.reference()).await.unwrap().as_ref(), Some(job), "a ticket is stored");
    }
    let order = async |limit| {
        let queued = ports.first_in_queue(app, HostClass::Rest, limit).await.unwrap();
        assert!(queued.iter().all(|queued| queued.job.tenant == account.tenant));
        queued.into_iter().map(|queued| (queued.job.id, queued.tag)).collect::<Vec<(JobId, u64)>>()
    };
    let all = [(first.id.clone(), 17), (middle.id.clone(), 17), (last.id.clone(), 90)];
    assert_eq!(order(10).await, all);
    assert_eq!(order(2).await, all[..2]);

    let released = committed(ports, &first, Event::Release { at: second }, second).await;
    assert_eq!(order(10).await, all[1..], "who was dispatched waits no more");
    let (claim, later) = (claim_id(ports), second + Duration::from_secs(1));
    let running = held(ports, &released, &claim, later).await;
    let back = Event::JoinQueue {
        claim,
        ticket: running.state.ticket.clone().unwrap(),
        expected_at: later,
        reason: WaitReason::AppBudget,
    };
    let again = committed(ports, &running, back, later).await;
    assert_eq!(order(10).await, all, "who comes back has the place it had");

    committed(ports, &again, Event::Check, again.deadline()).await;
    assert_eq!(order(10).await, all[1..], "who has ended waits no more");

    let source = FileSource::Url("https://a.example/b.jpg".to_owned());
    let fields = UploadFields::from_json("{}", Target::Upload).unwrap();
    let upload = queued(5, now);
    let spec = JobSpec { work: Work::Upload(FileCall { source, fields }), ..upload.spec.clone() };
    let upload = Job { spec, ..upload };
    insert(ports, &upload).await;
    let uploads = async || {
        let queued = ports.first_in_queue(app, HostClass::Upload, 10).await.unwrap();
        queued.into_iter().map(|queued| (queued.job.id, queued.tag)).collect::<Vec<(JobId, u64)>>()
    };
    assert_eq!((order(10).await, uploads().await), (all[1..].to_vec(), vec![(upload.id.clone(), 5)]));
    committed(ports, &upload, Event::Release { at: second }, second).await;
    assert_eq!((order(10).await, uploads().await), (all[1..].to_vec(), vec![]));
}

//! Standing in line, from acceptance to dispatch.

use std::time::Duration;

use domain::{
    TenantId, Timestamp, TraceId, UserId,
    budget::{Budget, HostClass, Limit, MAX_PENDING, Signal},
    idempotency::Key,
    job::{Carrier, Job, Order},
    line::Priority,
};
use hub::{
    Error, Kind,
    budget::Limits,
    ports::{BudgetKey, Clock, KeepBudget, SaveAccount},
    read,
    submit::{Accepted, Start, Submit, Wish},
    sweep,
};
use testkit::{Fault, Moment, ScriptedFlickr, World, build};

struct Scene {
    submit: Submit<World, ScriptedFlickr>,
    tenant: TenantId,
    /// Two accounts.
    users: [UserId; 2],
}

/// A hub of whose budget so many calls are left.
async fn scene(left: u32) -> Scene {
    scene_of(Limit::FLICKR, left).await
}

async fn scene_of(limit: Limit, left: u32) -> Scene {
    let ports = World::new(build::NOW, 1);
    let tenant = build::tenant(&ports);
    let mut users = Vec::new();
    for nsid in ["1@N00", "2@N00"] {
        let account = build::account(&tenant, nsid, build::NOW);
        ports.save_account(&account).await.unwrap();
        users.push(account.account.user);
    }
    let spent = limit.burst_calls - left;
    change(&ports, |budget| budget.take(&limit, HostClass::Rest, spent, build::NOW).0).await;
    ports.forget_calls();
    let limits = Limits { app: limit, account: None };
    let submit = Submit { ports, catalogue: ScriptedFlickr::default(), limits, max_pending_jobs: MAX_PENDING };
    Scene { submit, tenant, users: users.try_into().unwrap() }
}

async fn change(ports: &World, change: impl Fn(&Budget) -> Option<Budget> + Send + Sync) {
    ports.change_budget(&BudgetKey::App(build::app()), |budget| (change(budget), ())).await.unwrap();
}

impl Scene {
    async fn ask(&self, user: usize, priority: Priority, key: Option<&str>) -> Result<Accepted, Error> {
        let order = build::order(&self.users[user], "flickr.test.echo", "{}");
        let key = key.map(|key| Key::parse(key).unwrap());
        let order = Order { priority, ..order };
        let wish = Wish { order, start: Start::Now, key, trace: TraceId::from_bytes([3; 16]) };
        self.submit.accept(&self.tenant, wish).await
    }

    async fn ask_for(&self, user: usize, jobs: usize) -> Vec<Job> {
        let mut all = Vec::new();
        for _ in 0..jobs {
            all.push(self.ask(user, Priority::Normal, None).await.unwrap().job);
        }
        all
    }

    async fn sweep(&self) -> sweep::Report {
        let ports = &self.submit.ports;
        sweep::run(ports, &self.submit.limits, ports.now() + Duration::from_secs(50)).await.unwrap()
    }
}

fn is_in_line(job: &Job) -> bool {
    job.state.carrier == Carrier::Line
}

#[tokio::test]
async fn who_has_had_its_share_waits_for_its_turn_and_is_told_when_it_comes() {
    let scene = scene(50).await;
    let first = scene.ask_for(0, 6).await;
    assert_eq!(first.iter().filter(|job| is_in_line(job)).count(), 1, "five may go ahead");
    scene.submit.ports.forget_calls();
    let accepted = scene.ask(0, Priority::Normal, None).await.unwrap();
    assert_eq!(scene.submit.ports.calls(), ["reception", "take_turn", "join_line", "insert_job"]);
    let outlook = accepted.outlook.unwrap();
    let start = outlook.estimated_start(&accepted.job).unwrap();
    assert!(start > first[5].state.due_at && start.since(build::NOW) < Duration::from_secs(180), "{start}");

    let other = scene.ask(1, Priority::Normal, None).await.unwrap().job;
    assert!(!is_in_line(&other), "another account does not wait for it");
    let urgent = scene.ask(0, Priority::High, None).await.unwrap().job;
    assert!(!is_in_line(&urgent), "nor what is urgent for what is not");
}

#[tokio::test]
async fn a_sweep_dispatches_the_line_in_its_order_and_another_nothing_more() {
    let scene = scene(60).await;
    let all = scene.ask_for(0, 60).await;
    let waiting: Vec<&Job> = all.iter().filter(|job| is_in_line(job)).collect();
    let direct = all.len() - waiting.len();
    assert_eq!(scene.submit.ports.queue().len(), direct);

    let report = scene.sweep().await;
    let sent = scene.submit.ports.queue().split_off(direct);
    assert!(report.dispatched >= 50 && sent.len() == report.dispatched as usize, "{report:?}");
    let order: Vec<_> = sent.iter().map(|message| &message.dispatch.job).collect();
    let expected: Vec<_> = waiting.iter().take(sent.len()).map(|job| &job.id).collect();
    assert_eq!(order, expected);
    let slots: Vec<Timestamp> = sent.iter().map(|message| message.visible_at).collect();
    assert!(slots.is_sorted() && slots.last().unwrap().since(build::NOW) > Duration::from_secs(60), "{slots:?}");

    let again = scene.sweep().await;
    assert_eq!(again.dispatched, 0, "what was handed out is not handed out again");
}

#[tokio::test]
async fn a_line_is_served_whatever_call_fails() {
    for moment in [Moment::Before, Moment::After] {
        for call in 0..30 {
            let scene = scene(0).await;
            let jobs = scene.ask_for(0, 2).await;
            assert!(jobs.iter().all(is_in_line));
            scene.submit.ports.forget_calls();
            scene.submit.ports.fault(call, moment, Fault::Fail);
            let ports = &scene.submit.ports;
            let _ = sweep::run(ports, &scene.submit.limits, ports.now() + Duration::from_secs(50)).await;
            ports.forget_calls();
            for _ in 0..5 {
                ports.pass(Duration::from_secs(60));
                scene.sweep().await;
            }
            let sent: std::collections::BTreeSet<_> = ports.queue().into_iter().map(|m| m.dispatch.job).collect();
            assert_eq!(sent.len(), 2, "call {call} {moment:?}");
        }
    }
}

#[tokio::test]
async fn a_repeated_request_takes_no_second_turn() {
    let scene = scene(0).await;
    let first = scene.ask(0, Priority::Low, Some("k")).await.unwrap();
    scene.submit.ports.forget_calls();
    scene.submit.ports.pass(Duration::from_secs(5));
    let again = scene.ask(0, Priority::Low, Some("k")).await.unwrap();
    assert_eq!((again.replayed, again.job.state), (true, first.job.state));
    assert_eq!(scene.submit.ports.calls(), ["reception", "job"]);
    assert_eq!(*scene.ask(0, Priority::High, Some("k")).await.unwrap_err().kind(), Kind::KeyReused);
}

#[tokio::test]
async fn while_the_circuit_is_open_new_jobs_wait_and_nothing_is_sent() {
    let scene = scene(150).await;
    for _ in 0..3 {
        change(&scene.submit.ports, |budget| budget.hear(HostClass::Rest, Signal::Throttled, 0, build::NOW)).await;
    }
    let jobs = scene.ask_for(0, 3).await;
    assert!(jobs.iter().all(is_in_line));
    assert!(jobs[0].state.due_at.since(build::NOW) >= Duration::from_secs(300), "told when it may close");
    scene.submit.ports.pass(Duration::from_secs(60));
    assert_eq!(scene.sweep().await.dispatched, 0);
    scene.submit.ports.pass(Duration::from_secs(400));
    assert_eq!(scene.sweep().await.dispatched, 1, "one finds out");
}

#[tokio::test]
async fn a_line_too_long_for_its_deadline_is_closed() {
    let scene = scene_of(Limit { calls_per_hour: 1, burst_calls: 6 }, 2).await;
    let mut accepted = 0;
    let retry_after = loop {
        match scene.ask(0, Priority::Normal, None).await {
            Ok(_) => accepted += 1,
            Err(error) => match error.kind() {
                Kind::TooManyPending { retry_after } => break *retry_after,
                other => panic!("{other:?}"),
            },
        }
    };
    assert!((10..40).contains(&accepted), "{accepted} in a day at one call an hour");
    assert!(retry_after >= Duration::from_secs(3_600));

    scene.submit.ports.forget_calls();
    assert!(scene.ask(0, Priority::Normal, None).await.is_err());
    assert_eq!(scene.submit.ports.calls(), ["reception", "take_turn", "return_turn"]);
}

#[tokio::test]
async fn too_many_pending_jobs_take_no_turn() {
    let mut scene = scene(0).await;
    scene.submit.max_pending_jobs = 3;
    scene.ask_for(0, 3).await;
    scene.submit.ports.forget_calls();
    let refused = scene.ask(0, Priority::Normal, None).await.unwrap_err();
    assert!(matches!(refused.kind(), Kind::TooManyPending { .. }));
    assert_eq!(scene.submit.ports.calls(), ["reception", "take_turn"]);
}

#[tokio::test]
async fn a_job_in_line_is_read_though_its_line_does_not_answer() {
    let scene = scene(0).await;
    let job = scene.ask_for(0, 1).await.remove(0);
    let (ports, limit) = (&scene.submit.ports, &scene.submit.limits.app);
    let read = async || read::job(ports, limit, &scene.tenant, &job.id, None).await.unwrap().estimated_start;
    let said = read().await.unwrap();
    ports.forget_calls();
    ports.fault(1, Moment::Before, Fault::Fail);
    assert_eq!(read().await, Some(job.state.due_at));
    assert_eq!(ports.calls(), ["job", "budget_and_line"]);
    assert!(said.since(build::NOW) > Duration::ZERO);
}

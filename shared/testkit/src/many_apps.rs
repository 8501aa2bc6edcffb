//! Many apps whose fair queues never run empty: whether each is dispatched from at its full rate, and what the sweeps of
//! a minute ask of the stores. Time is virtual.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

use std::time::Duration;

use domain::{
    AccountRef, AppId, JobId, TenantId, Timestamp, UserId,
    budget::{HostClass, Limit},
    fair_queue::{Bucket, FairQueue, Priority, QueueTicket, SWEEP_INTERVAL, reserved_calls},
    job::{Job, State},
};
use futures_util::FutureExt;
use hub::{
    limits::Limits,
    ports::{BudgetKey, Clock, FairQueues, Inserted, Jobs, Shards, SweepScope},
    sweep,
};

use crate::{
    build,
    crowd::{Task, at_once, round_trips, run_and_begin},
    fakes::{KeyUnits, World},
    random::Random,
};

mod workers;

use self::workers::Workers;

/// How long a call of a port takes: three of them make the 11 milliseconds or so that a job takes.
const ROUND_TRIP_MILLISECONDS: u64 = 4;

/// How long a sweep works before it leaves the rest to the next one.
const SWEEP_TIME: Duration = Duration::from_secs(50);

const SECOND: Duration = Duration::from_secs(1);

/// When jobs are due that are not due for long.
const MUCH_LATER: Duration = Duration::from_secs(20 * 60 * 60);

/// What there is, and who works on it.
#[derive(Debug, Clone, Copy)]
pub struct ManyApps {
    /// Apps with a fair queue.
    pub apps: usize,
    /// Over how many minutes they come, as many in each, before those minutes that are measured; 0 if all are there at
    /// once. An app that comes is due two minutes' calls, so that all at once are twice the work of a minute.
    pub come_in: usize,
    /// How much each may call.
    pub limit: Limit,
    /// Open jobs besides those in the queues, which are due much later.
    pub kept: usize,
    /// Apps besides those, whose fair queues have run empty.
    pub emptied: usize,
    /// Shards of the lists.
    pub shards: Shards,
    /// Units a second that a partition key of a table or an index takes; all if `None`.
    pub key_units: Option<KeyUnits>,
    /// How many sweeps work at once.
    pub sweeps_at_once: usize,
    /// Whether each sweep is invoked twice at once.
    pub twice: bool,
}

/// What came of a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minute {
    /// Calls of ports that the sweeps made.
    pub port_calls: usize,
    /// How many sweeps worked.
    pub sweeps: usize,
    /// How long it took until the last was done.
    pub took: Duration,
    /// Jobs and queues that could not be dealt with, and shards that were left.
    pub failed: u32,
    pub unfinished: bool,
    /// Requests that were throttled.
    pub throttled: u64,
    /// Calls that came due since the first minute began, of the app that had the fewest and of that which had the most.
    pub calls: (usize, usize),
    /// Those of all apps.
    pub all_calls: usize,
    /// Calls that the budget did not have when they came due.
    pub over_budget: usize,
    /// Open jobs at its end.
    pub open_jobs: usize,
}

/// An app with one account.
struct App {
    id: AppId,
    like: Job,
    last_tag: u64,
}

struct Scene {
    profile: ManyApps,
    world: World,
    random: Random,
    apps: Vec<App>,
    workers: Workers,
    open_jobs: usize,
}

impl ManyApps {
    /// What the sweeps do in so many minutes.
    ///
    /// # Panics
    /// Never: the fakes do not fail by themselves.
    pub fn run(self, minutes: usize) -> Vec<Minute> {
        let mut scene = Scene::new(self);
        for minute in 1..=self.come_in {
            scene.settle_apps(self.apps * minute / self.come_in);
            scene.minute();
        }
        scene.settle_apps(self.apps);
        scene.workers.forget();
        (0..minutes).map(|_| scene.minute()).collect()
    }

    /// The calls of an app in a minute.
    pub fn calls_a_minute(&self) -> usize {
        usize::try_from(self.limit.calls_per_hour / 60).unwrap_or(usize::MAX)
    }
}

impl Scene {
    fn new(profile: ManyApps) -> Self {
        let begin = (build::NOW.as_milliseconds() / 60_000 + 1) * 60_000;
        let world = World::new(Timestamp::from_milliseconds(begin), 1);
        world.set_shards(profile.shards);
        world.set_sweeps_at_once(profile.sweeps_at_once);
        let mut scene = Self {
            profile,
            world,
            random: Random::new(7),
            apps: Vec::new(),
            workers: Workers::new(profile.limit),
            open_jobs: 0,
        };
        (0..profile.emptied).for_each(|_| scene.settle_emptied());
        (0..profile.kept).for_each(|_| scene.settle_kept());
        scene
    }

    /// Has more apps come, until there are so many.
    fn settle_apps(&mut self, apps: usize) {
        (self.apps.len()..apps).for_each(|_| self.settle_app());
    }

    /// An app whose budget is down to its reserve, with more waiting jobs than two minutes take.
    fn settle_app(&mut self) {
        let now = self.world.now();
        let app = AppId::from_bytes(self.random.bits());
        let limit = self.profile.limit;
        self.world.set_budget(&BudgetKey::App(app.clone()), |budget| {
            let status = budget.status(&limit, HostClass::Rest, now);
            let calls = status.remaining_calls.checked_sub(reserved_calls(&status))?;
            build::after_calls(budget, &limit, HostClass::Rest, calls, now)
        });
        let like = self.job();
        self.workers.begin(&like.spec.account.user, &app);
        self.apps.push(App { id: app, like, last_tag: FairQueue::new(now).allocated.1 });
        let waiting = self.profile.calls_a_minute() * 2 + 4;
        (0..waiting).for_each(|_| self.submit(self.apps.len() - 1));
    }

    /// A queue that someone joined and nobody waits in.
    fn settle_emptied(&mut self) {
        let (app, now) = (AppId::from_bytes(self.random.bits()), self.world.now());
        let tag = FairQueue::new(now).allocated.1;
        self.world.join_queue(&app, Bucket::of(tag, tag), None, now).now_or_never().unwrap().unwrap();
    }

    /// A job that is due much later.
    fn settle_kept(&mut self) {
        let (job, now) = (self.job(), self.world.now());
        self.insert(&Job { state: State::first(now + MUCH_LATER, now), ..job });
    }

    /// A job of an account of its own.
    fn job(&mut self) -> Job {
        let tenant = TenantId::from_bytes(self.random.bits());
        let account = AccountRef::new(&tenant, &UserId::of(&tenant, "1@N00"));
        build::job(self.random.bits(), build::spec(&account, "flickr.test.null", "{}"), self.world.now())
    }

    /// One more job of an app, as `enqueue` accepts it.
    fn submit(&mut self, app: usize) {
        let (now, id) = (self.world.now(), JobId::from_bytes(self.random.bits()));
        let app = &mut self.apps[app];
        app.last_tag += Priority::Normal.stride();
        let ticket = QueueTicket { app: app.id.clone(), tag: app.last_tag };
        let bucket = Bucket::of(ticket.tag, ticket.tag);
        self.world.join_queue(&app.id, bucket, None, now).now_or_never().unwrap().unwrap();
        let state = State::first_in_queue(ticket, now, now);
        let job = Job { id, created_at: now, state, ..app.like.clone() };
        self.insert(&job);
    }

    fn insert(&mut self, job: &Job) {
        let inserted = self.world.insert(&build::acceptance(job)).now_or_never().unwrap();
        assert_eq!(inserted.unwrap(), Inserted::New);
        self.open_jobs += 1;
    }

    /// The sweeps of a minute, and the calls that come due in it; then each job that was dispatched is followed by
    /// another.
    fn minute(&mut self) -> Minute {
        let begin = self.world.now();
        let (throttled_before, over_budget_before) = (self.world.throttled(), self.workers.over_budget);
        let (reports, port_calls) = self.sweep();
        let took = self.world.now().since(begin);
        let throttled = self.world.throttled() - throttled_before;
        while self.world.now() < begin + SWEEP_INTERVAL {
            self.world.pass(SECOND);
            self.workers.work(&self.world);
        }
        let (dispatched, ended) = self.workers.take();
        self.open_jobs -= ended;
        dispatched.into_iter().for_each(|app| self.submit(app));
        Minute {
            port_calls,
            sweeps: reports.len(),
            took,
            failed: reports.iter().map(|report| report.failed).sum(),
            unfinished: reports.iter().any(|report| report.unfinished),
            throttled,
            calls: self.workers.calls(),
            all_calls: self.workers.all_calls(),
            over_budget: self.workers.over_budget - over_budget_before,
            open_jobs: self.open_jobs,
        }
    }

    /// Sweeps, with those that are begun; what they did, and how many calls of ports they made.
    fn sweep(&mut self) -> (Vec<sweep::Report>, usize) {
        let (world, workers) = (&self.world, &mut self.workers);
        world.forget_calls();
        world.set_fault_plan(round_trips(1, ROUND_TRIP_MILLISECONDS, ROUND_TRIP_MILLISECONDS));
        world.set_most_key_units(self.profile.key_units);
        let limits = Limits { app: self.profile.limit, ..Limits::default() };
        let task = |scope: SweepScope| {
            let world = world.clone();
            let task =
                async move { sweep::run(&world, &world, &limits, &scope, world.now() + SWEEP_TIME).await.unwrap() };
            Box::pin(task) as Task<sweep::Report>
        };
        let times = if self.profile.twice { 2 } else { 1 };
        let tasks = |scopes: Vec<SweepScope>| -> Vec<Task<sweep::Report>> {
            scopes.iter().flat_map(|scope| vec![scope.clone(); times]).map(task).collect()
        };
        let mut second = world.now().as_seconds();
        let reports = run_and_begin(world, tasks(vec![SweepScope::ALL]), || {
            if second != world.now().as_seconds() {
                second = world.now().as_seconds();
                workers.work(world);
            }
            tasks(world.take_begun_sweeps())
        });
        let calls = world.calls().len();
        world.set_fault_plan(at_once());
        world.set_most_key_units(None);
        (reports, calls)
    }
}

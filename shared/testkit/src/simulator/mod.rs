//! The simulator: the real use cases of every function over the fakes, in virtual time, on one
//! thread. A seed reproduces a run to the byte.
//!
//! A simulation is an agenda of things to happen, each at its time: callers ask for jobs, the queue
//! delivers, workers go on after a wait, the sweep comes by, an operator replays. Between any two
//! port calls of one task others may run; at each port call a task may wait, fail or crash, before
//! its effect or after it.

mod flickr;
mod oracles;
mod random;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque},
    fmt::Write as _,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Waker},
    time::Duration,
};

use domain::{
    AppId, JobId, TenantId, Timestamp, TraceId, UserId,
    budget::{Limit, MAX_PENDING},
    cache::Terms,
    idempotency::Key,
    job::{Job, Order, Phase, Policy},
    line::Priority,
    timing,
};
use hub::{
    Kind,
    budget::Limits,
    cache::Tally,
    dead::{self, Burial},
    dispatch::Dispatch,
    ports::{Clock, SaveAccount, SaveApp},
    submit::{Accepted, Start as When, Submit, Wish},
    sweep,
    vaults::Vaults,
    worker::{Disposition, Worker},
};
use vault::memory::MemoryKeys;

use self::{
    flickr::{METHODS, POISON, STOPPED, SimulatedFlickr},
    oracles::{Remains, judge},
    random::Chance,
};
use crate::{Breach, Fault, Meeting, Moment, World, build};

/// How often a message is received before it goes to the dead-letter queue: the redrive policy's
/// `maxReceiveCount`.
pub const MAX_RECEIVES: u32 = 10;

/// What goes wrong in a simulation, and which rule is broken on purpose.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Jobs that are asked for.
    pub jobs: u32,
    /// Over how long they are asked for.
    pub span: Duration,
    /// Port calls in ten thousand that fail, half of them after their effect.
    pub failures_per_myriad: u64,
    /// Port calls in ten thousand at which their process dies, half of them after their effect.
    pub crashes_per_myriad: u64,
    /// Calls of Flickr in a thousand that go wrong.
    pub flickr_faults_per_mille: u64,
    /// How many calls of Flickr may be made.
    pub limit: Limit,
    /// From when on how many may be made instead.
    pub later_limit: Option<(Duration, Limit)>,
    /// How many tenants there are.
    pub tenants: u8,
    /// How many accounts each has.
    pub accounts_each: u32,
    /// Whether each tenant has a Flickr app of its own; else all share one.
    pub app_each: bool,
    /// Steady streams of jobs, apart from those that are asked for at random.
    pub flows: Vec<Flow>,
    /// Times at which Flickr refuses all calls as too many: when, and for how long.
    pub storms: Vec<(Duration, Duration)>,
    /// Times at which Flickr is down: when, and for how long.
    pub outages: Vec<(Duration, Duration)>,
    /// Whether Flickr is down for twenty minutes, and an operator replays what died of it.
    pub outage: bool,
    /// How many messages are worked on at once; none means all that come.
    pub worker_slots: Option<usize>,
    /// The one port call at which the process dies, if just one does.
    pub crash_at: Option<(usize, Moment)>,
    /// What the jobs call of which a process dies so.
    pub crashing_method: &'static str,
    /// A rule broken on purpose.
    pub mutation: Option<Mutation>,
}

/// A stream of jobs of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Whose: the account's number, from 0, over all tenants.
    pub account: usize,
    /// In which lane.
    pub priority: Priority,
    /// How many.
    pub jobs: u32,
    /// When the first is asked for.
    pub from: Duration,
    /// Over how long they are asked for, at random.
    pub span: Duration,
    /// Whether they all ask the same; else each asks something else.
    pub same_question: bool,
}

/// How much an account asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountSize {
    /// Ten jobs a day: six in ten accounts.
    Small,
    /// Sixty: three in ten.
    Medium,
    /// Six hundred: one in ten.
    Large,
}

impl AccountSize {
    /// The size of the account with this number.
    pub fn of(account: usize) -> Self {
        match account % 10 {
            0 => Self::Large,
            1..=3 => Self::Medium,
            _ => Self::Small,
        }
    }

    fn jobs_a_day(self) -> u32 {
        match self {
            Self::Small => 10,
            Self::Medium => 60,
            Self::Large => 600,
        }
    }
}

/// When a job started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Which of the flows it came with; none for one that was asked for at random.
    pub flow: Option<usize>,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it was said to start.
    pub expected_at: Option<Timestamp>,
    /// When Flickr was first called for it; none if it never was.
    pub called_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl Start {
    /// How long it waited, if it was called.
    pub fn waited(&self) -> Option<Duration> {
        self.called_at.map(|at| at.since(self.accepted_at))
    }
}

/// A rule broken on purpose: the oracles must notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// A retry that ignores the class of what happened.
    RetryIgnoresClass,
    /// A claim without a lease.
    ClaimWithoutLease,
    /// A dispatch number that is not compared.
    DispatchNotCompared,
    /// A message acknowledged before what it asks for is written.
    AcknowledgedFirst,
    /// An idempotency key that makes a job each time.
    KeyIgnored,
    /// A sweep that never comes.
    NoSweep,
    /// A budget that grants whatever is asked.
    NoBudget,
    /// A budget that grants whatever its circuit says.
    CircuitIgnored,
    /// A write whose end makes no kept answer void.
    NothingRaised,
    /// A kept answer that never grows old.
    NothingAges,
    /// A cache that does not tell accounts apart.
    AnswersOfAnyone,
}

impl Setup {
    /// An ordinary bad day.
    pub fn bad_day() -> Self {
        Self {
            jobs: 60,
            span: Duration::from_secs(2 * 3600),
            failures_per_myriad: 150,
            crashes_per_myriad: 100,
            flickr_faults_per_mille: 250,
            limit: Limit { calls_per_hour: 60, burst_calls: 8 },
            later_limit: None,
            tenants: 2,
            accounts_each: 3,
            app_each: false,
            flows: Vec::new(),
            storms: vec![(Duration::from_secs(1_500), Duration::from_secs(600))],
            outages: Vec::new(),
            outage: true,
            worker_slots: None,
            crash_at: None,
            crashing_method: METHODS[2],
            mutation: None,
        }
    }

    /// More jobs at once than workers can do for a quarter of an hour.
    pub fn backlog() -> Self {
        Self {
            jobs: 900,
            span: Duration::from_secs(60),
            limit: Limit { calls_per_hour: 36_000, burst_calls: 3_000 },
            worker_slots: Some(2),
            ..Self::good_day()
        }
    }

    /// A day on which nothing goes wrong, and nothing is asked for but what `flows` say.
    pub fn good_day() -> Self {
        Self {
            jobs: 0,
            failures_per_myriad: 0,
            crashes_per_myriad: 0,
            flickr_faults_per_mille: 0,
            limit: Limit::FLICKR,
            storms: Vec::new(),
            outage: false,
            ..Self::bad_day()
        }
    }

    /// Ten thousand jobs that wait on one app: five hundred of each of twenty accounts, asked for
    /// over ten minutes.
    pub fn long_line() -> Self {
        let flow = |account| Flow {
            account,
            priority: Priority::Normal,
            jobs: 500,
            from: Duration::ZERO,
            span: Duration::from_secs(600),
            same_question: false,
        };
        Self {
            span: Duration::from_secs(600),
            tenants: 4,
            accounts_each: 5,
            flows: (0..20).map(flow).collect(),
            ..Self::good_day()
        }
    }

    /// Eight quiet accounts, the first flows: a job every half minute each, for an hour. With `flood`
    /// another asks for a hundred times as many.
    pub fn quiet_accounts(flood: bool) -> Self {
        let span = Duration::from_secs(3600);
        let jobs = 120;
        let (priority, from) = (Priority::Normal, Duration::ZERO);
        let quiet = |account| Flow { account, priority, jobs, from, span, same_question: false };
        let loud = Flow { jobs: jobs * 100, ..quiet(8) };
        let flows = (0..8).map(quiet).chain(flood.then_some(loud)).collect();
        Self { span, tenants: 1, accounts_each: 9, flows, ..Self::good_day() }
    }

    /// An account asks the same six hundred times in ten minutes, while another asks for more of the
    /// same app than its budget has for hours.
    pub fn popular_question() -> Self {
        let span = Duration::from_secs(600);
        let (priority, from) = (Priority::Normal, Duration::ZERO);
        let popular = Flow { account: 0, priority, jobs: 600, from, span, same_question: true };
        let flood = Flow { account: 1, jobs: 900, span: Duration::from_secs(60), same_question: false, ..popular };
        Self { span, tenants: 1, accounts_each: 2, flows: vec![popular, flood], ..Self::good_day() }
    }

    /// A day of twenty tenants, each with a Flickr app and a hundred accounts of three sizes. An account
    /// of the first tenant floods its app; Flickr is down for an hour, and twice answers everyone for
    /// ten minutes that they call too often.
    pub fn day() -> Self {
        const HOUR: Duration = Duration::from_secs(3600);
        const DAY: Duration = Duration::from_secs(24 * 3600);
        let flow = |account| {
            let jobs = AccountSize::of(account).jobs_a_day();
            let (priority, from) = (Priority::ALL[account % 7 % 3], Duration::ZERO);
            Flow { account, priority, jobs, from, span: DAY, same_question: false }
        };
        let flood = Flow { priority: Priority::Normal, jobs: 12_000, from: HOUR * 18, span: HOUR, ..flow(0) };
        Self {
            span: DAY,
            tenants: 20,
            accounts_each: 100,
            app_each: true,
            flows: (0..2_000).map(flow).chain([flood]).collect(),
            flickr_faults_per_mille: 5,
            storms: vec![(HOUR * 6, HOUR / 6), (HOUR * 20, HOUR / 6)],
            outages: vec![(HOUR * 12, HOUR)],
            ..Self::good_day()
        }
    }

    /// Jobs to which one thing happens.
    pub fn one_crash(call: usize, moment: Moment, scene: CrashScene) -> Self {
        let spare = Limit { calls_per_hour: 60, burst_calls: 1 };
        let (jobs, limit, crashing_method) = match scene {
            CrashScene::Alone => (1, Limit::FLICKR, METHODS[2]),
            CrashScene::InLine => (2, spare, METHODS[2]),
            CrashScene::SameQuestion => (4, Limit::FLICKR, METHODS[0]),
        };
        let (crash_at, span) = (Some((call, moment)), Duration::from_secs(1));
        Self { jobs, limit, span, crash_at, crashing_method, accounts_each: 1, tenants: 1, ..Self::good_day() }
    }
}

/// What happens when one thing happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashScene {
    /// A write by itself.
    Alone,
    /// Two writes, of which one has to stand in line.
    InLine,
    /// Four reads of the same.
    SameQuestion,
}

/// What a simulation came to.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Jobs accepted.
    pub jobs: u64,
    /// Virtual time from begin to end.
    pub simulated: Duration,
    /// The time jobs were open, added up.
    pub job_time: Duration,
    /// Failures and crashes of port calls, and faults of Flickr.
    pub faults: u64,
    /// Calls of Flickr.
    pub flickr_calls: u64,
    /// Port calls.
    pub port_calls: u64,
    /// Messages received by workers.
    pub receives: u64,
    /// Jobs by flow and acceptance.
    pub starts: Vec<Start>,
    /// When each call came to Flickr, and of which app.
    pub calls: Vec<(Timestamp, String)>,
    /// Messages that jobs waited for after their first.
    pub deferrals: u64,
    /// Jobs that another job's call answered.
    pub shared: u64,
    /// Asks that were answered with 503 because too many jobs were pending.
    pub turned_away: u64,
    /// Jobs by the state they ended in.
    pub ends: BTreeMap<&'static str, u64>,
    /// What was broken: the promise, and how.
    pub violations: Vec<(&'static str, String)>,
    /// Everything that happened, to be compared with another run of the same seed.
    pub fingerprint: u64,
}

/// Runs one simulation.
pub fn run(seed: u64, setup: &Setup) -> Report {
    Simulation::new(seed, setup.clone()).run()
}

/// The marker that a job's parameters carry to Flickr.
fn marker_of(job: &Job) -> String {
    let marker = job.order.params.iter().find(|(name, _)| *name == "marker");
    marker.map(|(_, value)| value.to_owned()).unwrap_or_default()
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Something to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    /// A task goes on.
    Wake(u64),
    /// A task is out of time.
    Kill(u64),
    /// A caller asks for the job with this number, for the n-th time.
    Ask(u32, u32),
    /// The queue delivers a message.
    Deliver(u64),
    /// The dead-letter queue delivers a message.
    DeliverDead(u64),
    /// The scheduler invokes the sweep.
    Sweep,
    /// An operator replays what is dead.
    Replay,
    /// Flickr is down for a while.
    Outage,
}

/// A message on its way.
#[derive(Debug, Clone)]
struct Message {
    dispatch: Dispatch,
    receives: u32,
    gone: bool,
}

/// What a caller was told of its job.
enum Told {
    /// It is accepted: its id, the marker of the payload it was accepted with, and when it is said to
    /// start.
    Accepted(JobId, String, Option<Timestamp>),
    /// It is refused for good.
    Refused,
    /// It may be accepted later.
    Later,
    /// It may be accepted when fewer are pending.
    TurnedAway,
}

/// What tasks report back.
#[derive(Default)]
struct Mail {
    finished: Vec<u64>,
    told: Vec<(u32, Told)>,
    forced: Vec<String>,
}

/// What a caller asks for.
struct Ask {
    tenant: TenantId,
    user: UserId,
    method: &'static str,
    marker: String,
    key: String,
    start: When,
    priority: Priority,
    cache: Terms,
    flow: Option<usize>,
}

struct Simulation {
    setup: Setup,
    asks: Vec<Ask>,
    chance: Chance,
    world: World,
    flickr: SimulatedFlickr,
    vaults: Vaults<Arc<MemoryKeys>>,
    accounts: Vec<(TenantId, UserId)>,
    agenda: BinaryHeap<Reverse<(Timestamp, u64, Item)>>,
    sequence: u64,
    tasks: BTreeMap<u64, Task>,
    messages: BTreeMap<u64, Message>,
    mail: Arc<Mutex<Mail>>,
    faults: Arc<Mutex<u64>>,
    accepted: BTreeSet<JobId>,
    told: BTreeMap<(TenantId, String), BTreeSet<(JobId, String)>>,
    forced: BTreeSet<String>,
    /// Callers that ask no more.
    silent: BTreeSet<u32>,
    expected: BTreeMap<u32, Timestamp>,
    /// Which caller was told first of each job.
    numbers: BTreeMap<JobId, u32>,
    turned_away: u64,
    orphaned: Vec<JobId>,
    workers: BTreeSet<u64>,
    waiting: VecDeque<u64>,
    receives: u64,
    undercounted: BTreeSet<UserId>,
    fingerprint: u64,
}

impl Simulation {
    fn new(seed: u64, setup: Setup) -> Self {
        let mut chance = Chance::new(seed);
        let world = World::new(build::NOW, chance.below(u64::MAX));
        let mut flickr = SimulatedFlickr::new(world.clone(), chance.fork(), setup.flickr_faults_per_mille);
        flickr.hides_doubt = setup.mutation == Some(Mutation::RetryIgnoresClass);
        let vaults = build::vaults();
        let mut accounts = Vec::new();
        for tenant in 1..=setup.tenants {
            let app = if setup.app_each { AppId::from_bytes([tenant; 16]) } else { build::app() };
            let tenant = TenantId::from_bytes([tenant; 16]);
            for number in 0..setup.accounts_each {
                let nsid = format!("{number}@N00");
                let sealed = build::sealed_account_of(&vaults, &tenant, &app, &nsid, build::NOW);
                let (account, app) = at_once(sealed);
                at_once(world.save_app(&tenant, &account.account.app, &app)).unwrap_or_default();
                at_once(world.save_account(&account)).unwrap_or_default();
                accounts.push((tenant.clone(), account.account.user));
            }
        }
        world.forget_calls();
        let breach = match setup.mutation {
            Some(Mutation::ClaimWithoutLease) => Some(Breach::ClaimWithoutLease),
            Some(Mutation::DispatchNotCompared) => Some(Breach::DispatchNotCompared),
            Some(Mutation::KeyIgnored) => Some(Breach::InsertOverwrites),
            Some(Mutation::CircuitIgnored) => Some(Breach::CircuitIgnored),
            Some(Mutation::NothingRaised) => Some(Breach::NothingRaised),
            Some(Mutation::NothingAges) => Some(Breach::NothingAges),
            Some(Mutation::AnswersOfAnyone) => Some(Breach::AnswersOfAnyone),
            _ => None,
        };
        if let Some(breach) = breach {
            world.breach(breach);
        }
        if let Some((call, moment)) = setup.crash_at {
            world.fault(call, moment, Fault::Crash);
        }
        let mut simulation = Self {
            chance,
            world,
            flickr,
            vaults,
            accounts,
            agenda: BinaryHeap::new(),
            sequence: 0,
            tasks: BTreeMap::new(),
            messages: BTreeMap::new(),
            mail: Arc::default(),
            faults: Arc::default(),
            accepted: BTreeSet::new(),
            told: BTreeMap::new(),
            forced: BTreeSet::new(),
            silent: BTreeSet::new(),
            expected: BTreeMap::new(),
            numbers: BTreeMap::new(),
            turned_away: 0,
            orphaned: Vec::new(),
            workers: BTreeSet::new(),
            waiting: VecDeque::new(),
            receives: 0,
            undercounted: BTreeSet::new(),
            fingerprint: seed,
            asks: Vec::new(),
            setup,
        };
        simulation.begin();
        simulation
    }

    /// Puts the first things on the agenda, and sets the weather.
    fn begin(&mut self) {
        let span = u64::try_from(self.setup.span.as_millis()).unwrap_or(u64::MAX);
        let mut at = build::NOW;
        for number in 0..self.setup.jobs {
            // One in two follows on the one before: who works with an account looks, changes and
            // looks again.
            let follows_on = number > 0 && self.setup.crash_at.is_none() && self.chance.per_mille(500);
            let ask = self.invent(number, follows_on);
            self.asks.push(ask);
            at = if follows_on {
                at + self.chance.milliseconds(0, 60_000)
            } else {
                build::NOW + self.chance.milliseconds(0, span)
            };
            self.plan(at, Item::Ask(number, 0));
        }
        for (index, flow) in self.setup.flows.clone().into_iter().enumerate() {
            self.flow(index, &flow);
        }
        if self.setup.mutation != Some(Mutation::NoSweep) {
            self.plan_sweep(build::NOW);
        }
        for (from, length) in &self.setup.storms {
            self.flickr.storm(build::NOW + *from, build::NOW + *from + *length);
        }
        for (from, length) in &self.setup.outages {
            self.flickr.outage(build::NOW + *from, build::NOW + *from + *length);
        }
        if self.setup.outage {
            self.plan(build::NOW + self.setup.span / 2, Item::Outage);
            self.plan(build::NOW + self.setup.span, Item::Replay);
        }
        let mut chance = self.chance.fork();
        let (failures, crashes) = (self.setup.failures_per_myriad, self.setup.crashes_per_myriad);
        let faults = Arc::clone(&self.faults);
        self.world.set_weather(Box::new(move |_, moment| {
            let roll = chance.below(20_000);
            let fault = if roll < failures {
                Some(Fault::Fail)
            } else if roll < failures + crashes {
                Some(Fault::Crash)
            } else {
                None
            };
            if let Some(fault) = fault {
                *faults.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                return Meeting::Fault(fault);
            }
            match moment {
                Moment::After => Meeting::Pass,
                Moment::Before if chance.per_mille(3) => Meeting::Wait(chance.milliseconds(100, 8_000)),
                Moment::Before => Meeting::Wait(chance.milliseconds(2, 40)),
            }
        }));
    }

    /// Puts the asks of a flow on the agenda.
    fn flow(&mut self, index: usize, flow: &Flow) {
        let span = u64::try_from(flow.span.as_millis()).unwrap_or(u64::MAX);
        for _ in 0..flow.jobs {
            let number = u32::try_from(self.asks.len()).unwrap_or(u32::MAX);
            let Some((tenant, user)) = self.accounts.get(flow.account).cloned() else { return };
            self.asks.push(Ask {
                tenant,
                user,
                method: METHODS[0],
                marker: if flow.same_question { "popular".to_owned() } else { number.to_string() },
                key: format!("key-{number}"),
                start: When::Now,
                priority: flow.priority,
                cache: Terms::default(),
                flow: Some(index),
            });
            let at = build::NOW + flow.from + self.chance.milliseconds(0, span);
            self.plan(at, Item::Ask(number, 0));
        }
    }

    fn plan(&mut self, at: Timestamp, item: Item) {
        self.sequence += 1;
        self.agenda.push(Reverse((at, self.sequence, item)));
    }

    fn run(mut self) -> Report {
        let end = build::NOW + self.setup.span + timing::JOB_DEADLINE * 3;
        while let Some(Reverse((at, _, item))) = self.agenda.pop() {
            let now = self.world.now().max(at);
            if now > end {
                break;
            }
            self.world.set_now(now);
            self.note(now, &item);
            self.happen(item, now);
            self.collect(now);
            if self.is_over(now) {
                break;
            }
        }
        self.report()
    }

    /// Folds what happens into the run's fingerprint (FNV-1a).
    fn note(&mut self, now: Timestamp, item: &Item) {
        let mut text = String::new();
        let _ = write!(text, "{} {item:?}", now.as_milliseconds());
        for byte in text.bytes() {
            self.fingerprint = (self.fingerprint ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Whether everything was asked for and nothing is left to be done.
    fn is_over(&self, now: Timestamp) -> bool {
        now > build::NOW + self.setup.span + Duration::from_secs(3600)
            && self.tasks.is_empty()
            && self.messages.is_empty()
            && self.world.counts().values().all(|(open, pending)| *open == 0 && *pending == 0)
    }

    fn happen(&mut self, item: Item, now: Timestamp) {
        match item {
            Item::Wake(task) => self.poll(task),
            Item::Kill(task) => drop(self.tasks.remove(&task)),
            Item::Ask(number, time) => self.ask(number, time),
            Item::Deliver(message) => self.deliver(message, now),
            Item::DeliverDead(message) => self.deliver_dead(message, now),
            Item::Sweep => self.sweep(now),
            Item::Replay => self.replay(now),
            Item::Outage => self.flickr.outage(now, now + Duration::from_secs(1200)),
        }
    }

    /// Starts a task that is killed when it takes longer than `limit`.
    fn start(&mut self, task: Task, limit: Duration) -> u64 {
        self.sequence += 1;
        let id = self.sequence;
        self.tasks.insert(id, task);
        let now = self.world.now();
        self.plan(now + limit, Item::Kill(id));
        self.poll(id);
        id
    }

    /// Lets a task go on until it waits, ends, or turns out to be dead.
    fn poll(&mut self, id: u64) {
        let Some(mut task) = self.tasks.remove(&id) else { return };
        let pending = task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
        // What waits for nothing has crashed: it is dropped.
        if let (true, Some(at)) = (pending, self.world.take_wake()) {
            self.tasks.insert(id, task);
            self.plan(at, Item::Wake(id));
        }
    }

    /// A clock that runs up to two seconds ahead or behind.
    fn somewhere(&mut self) -> World {
        let skew = i64::try_from(self.chance.below(4_001)).unwrap_or(0) - 2_000;
        self.world.skewed(if self.setup.crash_at.is_some() { 0 } else { skew })
    }

    /// What the caller with this number asks for; one that follows on the last asks for the same
    /// account, at once, and mostly the same question.
    fn invent(&mut self, number: u32, follows_on: bool) -> Ask {
        let quiet = self.setup.crash_at.is_some();
        let last = self.asks.last().filter(|_| follows_on);
        let (tenant, user) = match last {
            Some(last) => (last.tenant.clone(), last.user.clone()),
            None => self.chance.pick(&self.accounts).clone(),
        };
        // One key in ten is used for two payloads: the second is refused.
        let key = match self.asks.last() {
            Some(last) if !quiet && self.chance.per_mille(100) => last.key.clone(),
            _ => format!("key-{number}"),
        };
        let start = match self.chance.below(10) {
            _ if quiet || follows_on => When::Now,
            0 => When::After(Duration::from_secs(self.chance.below(600))),
            1 => When::After(Duration::from_secs(self.chance.below(7200))),
            _ => When::Now,
        };
        let method = match self.setup.crash_at {
            Some(_) => self.setup.crashing_method,
            None if follows_on && self.chance.per_mille(500) => METHODS[0],
            None => self.chance.pick(&METHODS),
        };
        let kind = match self.chance.below(100) {
            _ if self.setup.flickr_faults_per_mille == 0 => "",
            0..3 => POISON,
            3 => STOPPED,
            _ => "",
        };
        let marker = match method {
            // Of questions there are few, so that jobs meet at them.
            _ if quiet && method == METHODS[0] => "topic".to_owned(),
            _ if method == METHODS[0] && kind.is_empty() => format!("topic-{}", self.chance.below(3).min(1)),
            _ => format!("{kind}{number}"),
        };
        let cache = match self.chance.below(10) {
            _ if quiet || method != METHODS[0] => None,
            0 => Terms::new(None, true).ok(),
            1..4 => Terms::new(u32::try_from(10 + self.chance.below(120)).ok(), false).ok(),
            _ => None,
        };
        let priority = *self.chance.pick(&[Priority::High, Priority::Normal, Priority::Normal, Priority::Low]);
        let cache = cache.unwrap_or_default();
        Ask { tenant, user, method, marker, key, start, priority, cache, flow: None }
    }

    /// A caller asks for a job, and again with the same key when it hears of no success.
    fn ask(&mut self, number: u32, time: u32) {
        let submit = Submit {
            ports: self.somewhere(),
            catalogue: self.flickr.clone(),
            limits: Limits { app: self.granted_limit(), account: None },
            max_pending_jobs: MAX_PENDING,
        };
        let Some(ask) = self.asks.get(number as usize).filter(|_| !self.silent.contains(&number)) else { return };
        let tenant = ask.tenant.clone();
        let order = build::order(&ask.user, ask.method, &format!(r#"{{"marker": "{}"}}"#, ask.marker));
        let wish = Wish {
            order: Order { priority: ask.priority, cache: ask.cache, ..order },
            start: ask.start,
            key: Key::parse(&ask.key).ok(),
            trace: TraceId::from_bytes([1; 16]),
        };
        let mail = Arc::clone(&self.mail);
        let task = async move {
            let told = match submit.accept(&tenant, wish).await {
                Ok(Accepted { job, outlook, .. }) => {
                    let expected = outlook.and_then(|outlook| outlook.estimated_start(&job));
                    Told::Accepted(job.id.clone(), marker_of(&job), expected)
                }
                Err(error) if matches!(error.kind(), Kind::TooManyPending { .. }) => Told::TurnedAway,
                Err(error) if matches!(error.kind(), Kind::Unavailable) => Told::Later,
                Err(_) => Told::Refused,
            };
            mail.lock().unwrap_or_else(PoisonError::into_inner).told.push((number, told));
        };
        self.start(Box::pin(task), Duration::from_secs(29));
        if time < 6 {
            let at = self.world.now() + Duration::from_secs(30 << time);
            self.plan(at, Item::Ask(number, time + 1));
        }
    }

    /// The limit that workers are told.
    fn granted_limit(&self) -> Limit {
        match self.setup.mutation {
            Some(Mutation::NoBudget) => Limit { calls_per_hour: 1_000_000, burst_calls: 1_000_000 },
            _ => match self.setup.later_limit {
                Some((from, limit)) if self.world.now() >= build::NOW + from => limit,
                _ => self.setup.limit,
            },
        }
    }

    fn deliver(&mut self, id: u64, now: Timestamp) {
        let early = self.setup.mutation == Some(Mutation::AcknowledgedFirst);
        let Some(message) = self.messages.get_mut(&id) else { return };
        if message.gone {
            self.messages.remove(&id);
            return;
        }
        if self.setup.worker_slots.is_some_and(|slots| self.workers.len() >= slots) {
            // It stays in the queue, unseen by anyone, until a worker is free.
            self.waiting.push_back(id);
            return;
        }
        self.receives += 1;
        message.receives += 1;
        if message.receives > MAX_RECEIVES {
            self.plan(now + Duration::from_secs(1), Item::DeliverDead(id));
            return;
        }
        message.gone = early;
        let dispatch = message.dispatch.clone();
        self.plan(now + timing::VISIBILITY_TIMEOUT, Item::Deliver(id));
        let ports = self.somewhere();
        let worker = Worker {
            ports,
            flickr: self.flickr.clone(),
            vaults: self.vaults.clone(),
            policy: Policy::REST,
            limits: Limits { app: self.granted_limit(), account: None },
            tally: Tally::default(),
        };
        let mail = Arc::clone(&self.mail);
        let task = async move {
            let handled = worker.handle(&dispatch).await;
            worker.tally.write(&worker.ports).await;
            if let Ok(Disposition::Finished | Disposition::LostLease) = handled {
                mail.lock().unwrap_or_else(PoisonError::into_inner).finished.push(id);
            }
        };
        let task = self.start(Box::pin(task), timing::WORKER_TIMEOUT);
        self.workers.insert(task);
    }

    fn deliver_dead(&mut self, id: u64, now: Timestamp) {
        let Some(message) = self.messages.get(&id).filter(|message| !message.gone) else {
            self.messages.remove(&id);
            return;
        };
        let body = serde_json::to_string(&message.dispatch).unwrap_or_default();
        self.plan(now + timing::VISIBILITY_TIMEOUT, Item::DeliverDead(id));
        let ports = self.somewhere();
        let mail = Arc::clone(&self.mail);
        let task = async move {
            let burial = dead::bury(&ports, "m", &body).await;
            if let Ok(Burial::Buried | Burial::Quarantined | Burial::Stale | Burial::Resent) = burial {
                mail.lock().unwrap_or_else(PoisonError::into_inner).finished.push(id);
            }
        };
        self.start(Box::pin(task), timing::WORKER_TIMEOUT);
    }

    /// The sweep comes each minute, and now and then twice.
    fn sweep(&mut self, now: Timestamp) {
        for ((_, user), (open, pending)) in self.world.counts() {
            if pending < open {
                self.undercounted.insert(user);
            }
        }
        let times = 1 + u64::from(self.chance.per_mille(100));
        for _ in 0..times {
            let ports = self.somewhere();
            let limits = Limits { app: self.granted_limit(), account: None };
            let task = async move {
                let stop_at = ports.now() + Duration::from_secs(50);
                let _ = sweep::run(&ports, &limits, stop_at).await;
            };
            self.start(Box::pin(task), Duration::from_secs(60));
        }
        self.plan_sweep(now);
    }

    /// The scheduler invokes the sweep at the beginning of each minute, or a little later.
    fn plan_sweep(&mut self, now: Timestamp) {
        let minute = now.as_milliseconds().div_euclid(60_000) + 1;
        let late = self.chance.milliseconds(0, if self.setup.crash_at.is_some() { 0 } else { 2_000 });
        self.plan(Timestamp::from_milliseconds(minute * 60_000) + late, Item::Sweep);
    }

    /// An operator replays what is dead; what is in doubt sometimes by force.
    fn replay(&mut self, now: Timestamp) {
        for (tenant, _) in self.accounts.clone().into_iter().step_by(3) {
            let ports = self.somewhere();
            let force = self.chance.per_mille(300);
            let mail = Arc::clone(&self.mail);
            let task = async move {
                let Ok(page) = dead::list(&ports, &tenant, None).await else { return };
                for job in page.jobs {
                    if force {
                        mail.lock().unwrap_or_else(PoisonError::into_inner).forced.push(marker_of(&job));
                    }
                    let _ = dead::replay(&ports, &tenant, &job.id, force, false).await;
                }
            };
            self.start(Box::pin(task), Duration::from_secs(29));
        }
        if now < build::NOW + self.setup.span * 2 {
            self.plan(now + Duration::from_secs(1200), Item::Replay);
        }
    }

    /// Takes up what tasks sent and said.
    fn collect(&mut self, now: Timestamp) {
        self.workers.retain(|worker| self.tasks.contains_key(worker));
        while self.setup.worker_slots.is_some_and(|slots| self.workers.len() < slots) {
            let Some(id) = self.waiting.pop_front() else { break };
            self.deliver(id, now);
            self.workers.retain(|worker| self.tasks.contains_key(worker));
        }
        for id in self.world.take_orphaned_runs() {
            if !self.messages.values().any(|message| message.dispatch.job == id) {
                self.orphaned.push(id);
            }
        }
        for sent in self.world.take_queue() {
            self.sequence += 1;
            let id = self.sequence;
            self.messages.insert(id, Message { dispatch: sent.dispatch, receives: 0, gone: false });
            let mut at = sent.visible_at.max(now);
            if self.setup.crash_at.is_none() {
                at = at + self.chance.milliseconds(0, 2_000);
                if self.chance.per_mille(20) {
                    let twice = at + self.chance.milliseconds(0, 30_000);
                    self.plan(twice, Item::Deliver(id));
                }
                if self.chance.per_mille(30) {
                    self.world.crowd(1);
                }
            }
            self.plan(at, Item::Deliver(id));
        }
        let mail = std::mem::take(&mut *self.mail.lock().unwrap_or_else(PoisonError::into_inner));
        for id in mail.finished {
            // One acknowledgement in fifty is lost: the message comes again.
            let lost = self.setup.crash_at.is_none() && self.chance.per_mille(20);
            if !lost && let Some(message) = self.messages.get_mut(&id) {
                message.gone = true;
            }
        }
        self.messages.retain(|_, message| !message.gone);
        for (number, told) in mail.told {
            match told {
                Told::Accepted(id, marker, expected) => {
                    if let Some(expected) = expected {
                        self.expected.entry(number).or_insert(expected);
                    }
                    if let Some(ask) = self.asks.get(number as usize) {
                        let key = (ask.tenant.clone(), ask.key.clone());
                        self.told.entry(key).or_default().insert((id.clone(), marker));
                    }
                    self.numbers.entry(id.clone()).or_insert(number);
                    self.accepted.insert(id);
                    self.silence(number);
                }
                Told::Refused => self.silence(number),
                Told::Later => {}
                Told::TurnedAway => self.turned_away += 1,
            }
        }
        self.forced.extend(mail.forced);
    }

    /// A caller that heard of success or refusal mostly asks no more.
    fn silence(&mut self, number: u32) {
        if self.chance.per_mille(900) {
            self.silent.insert(number);
        }
    }

    /// When each job of which a caller was told started.
    fn starts(&self, jobs: &[Job]) -> Vec<Start> {
        let first_calls = self.flickr.first_calls();
        let start = |job: &Job| {
            let number = self.numbers.get(&job.id)?;
            Some(Start {
                flow: self.asks.get(*number as usize)?.flow,
                accepted_at: job.created_at,
                expected_at: self.expected.get(number).copied(),
                called_at: first_calls.get(&marker_of(job)).copied().filter(|_| is_called(job)),
                ended_at: job.state.phase.ended_at(),
            })
        };
        let mut starts: Vec<Start> = jobs.iter().filter_map(start).collect();
        starts.sort_by_key(|start| (start.flow, start.accepted_at));
        starts
    }

    fn report(self) -> Report {
        let now = self.world.now();
        let jobs = self.world.jobs();
        let mut report = Report {
            jobs: self.accepted.len() as u64,
            simulated: now.since(build::NOW),
            faults: *self.faults.lock().unwrap_or_else(PoisonError::into_inner) + self.flickr.faults(),
            flickr_calls: self.flickr.calls().len() as u64,
            port_calls: self.world.calls().len() as u64,
            fingerprint: self.fingerprint,
            receives: self.receives,
            starts: self.starts(&jobs),
            calls: self.flickr.calls(),
            turned_away: self.turned_away,
            ..Report::default()
        };
        for job in &jobs {
            *report.ends.entry(job.state.phase.name()).or_default() += 1;
            report.deferrals += u64::from(job.state.dispatch.saturating_sub(1));
            report.shared += u64::from(!is_called(job));
            report.job_time += job.state.phase.ended_at().unwrap_or(now).since(job.created_at);
        }
        report.violations = judge(&Remains {
            jobs,
            accepted: self.accepted,
            told: self.told,
            done: self.flickr.done(),
            writes: self.flickr.writes(),
            forced: self.forced,
            chronicle: self.world.chronicle(),
            orphaned: self.orphaned,
            counts: self.world.counts(),
            undercounted: self.undercounted,
            calls: self.flickr.calls(),
            limit: self.setup.limit,
            later_limit: self.setup.later_limit.map(|(from, limit)| (build::NOW + from, limit)),
            now,
        });
        report
    }
}

/// Whether Flickr was called for a job, as far as its end tells.
fn is_called(job: &Job) -> bool {
    !matches!(&job.state.phase, Phase::Completed { result, .. } if !result.is_own())
}

/// What a future gives that waits for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

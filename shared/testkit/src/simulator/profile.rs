//! What goes wrong in a simulation, and how much is asked of it.

use std::{collections::BTreeSet, time::Duration};

use domain::{budget::Limit, fair_queue::Priority};

use super::{
    flickr::{CREATE, READ},
    period::Period,
};
use crate::{faults::FaultPoint, mutation::Mutation};

const HOUR: Duration = Duration::from_secs(3600);

/// What goes wrong in a simulation, and how much is asked of it. With a seed it says all that happens.
///
/// Times count from the begin of the simulation.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// How many jobs are asked for at random.
    pub jobs: u32,
    /// Over how long they are asked for.
    pub span: Duration,
    /// Steady streams of jobs besides those.
    pub flows: Vec<Flow>,
    /// The numbers of the asks that are made, where it is not all of them. The others are drawn and left out, so that
    /// these stay as they are.
    pub asks: Option<BTreeSet<u32>>,
    /// How many tenants there are.
    pub tenants: u8,
    /// How many accounts each tenant has.
    pub accounts_each: u32,
    /// Whether each tenant has a Flickr app of its own; else all share one.
    pub app_each: bool,
    /// How many calls an app may make.
    pub limit: Limit,
    /// From when on how many calls an app may make instead.
    pub later_limit: Option<(Duration, Limit)>,
    /// How many messages are worked on at once; `None` means all that come.
    pub worker_slots: Option<usize>,
    /// Calls of a port in ten thousand that fail, half of them after their effect.
    pub failures_per_myriad: u64,
    /// Calls of a port in ten thousand at which their process dies, half of them after their effect.
    pub crashes_per_myriad: u64,
    /// For how many milliseconds a write holds its items, so that transactions conflict with those who come meanwhile.
    pub hold_milliseconds: u64,
    /// The one call of a port at which its process dies, counted from 0, if just one does.
    pub crash_at: Option<(usize, FaultPoint)>,
    /// Calls of Flickr in a thousand that go wrong.
    pub flickr_faults_per_mille: u64,
    /// Random jobs in a thousand whose worker dies each time it calls for them.
    pub poison_per_mille: u64,
    /// Random jobs in a thousand whose app Flickr refuses.
    pub stopped_per_mille: u64,
    /// Random jobs in a thousand that send a file.
    pub files_per_mille: u64,
    /// Photos in a thousand that their owners delete.
    pub deletions_per_mille: u64,
    /// Times at which Flickr refuses all calls as too many.
    pub storms: Vec<Period>,
    /// Times at which Flickr is down.
    pub outages: Vec<Period>,
    /// Whether messages come late and twice, acknowledgements are lost, clocks differ and writes conflict.
    pub noise: bool,
    /// Whether an operator replays, from the end of `span` on, what is dead.
    pub replays: bool,
    /// A rule that is broken on purpose.
    pub mutation: Option<Mutation>,
}

/// A stream of jobs of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Whose: the account's number, from 0, over all tenants.
    pub account: usize,
    /// What its jobs call.
    pub method: &'static str,
    /// In which lane.
    pub priority: Priority,
    /// How many.
    pub jobs: u32,
    /// When the first may be asked for.
    pub from: Duration,
    /// Over how long they are asked for, at random.
    pub span: Duration,
    /// Whether all make the same call; else each makes another.
    pub same_call: bool,
    /// Whether their calls always fail.
    pub fails: bool,
    /// How much later than they are asked for they are to run.
    pub delay: Duration,
}

/// How much an account asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountSize {
    /// Ten jobs a day: six in ten accounts.
    Small,
    /// Sixty jobs a day: three in ten.
    Medium,
    /// Six hundred jobs a day: one in ten.
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

/// What a single crash happens to ([`Profile::one_crash`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashScene {
    /// A write by itself.
    Alone,
    /// Two writes, of which one has to wait in the fair queue.
    Queued,
    /// Four reads that make the same call.
    SameCall,
    /// Four jobs that send files of the account.
    Files,
}

/// Jobs of the first account that read, each something else, over an hour.
const READS: Flow = Flow {
    account: 0,
    method: READ,
    priority: Priority::Normal,
    jobs: 0,
    from: Duration::ZERO,
    span: HOUR,
    same_call: false,
    fails: false,
    delay: Duration::ZERO,
};

impl Profile {
    /// An ordinary bad day: 60 jobs over two hours, of all kinds, for an app that may call 60 times an hour. Ports
    /// fail, processes die, writes conflict, Flickr errs in one call of four, throttles for ten minutes and is down for twenty; messages
    /// come twice; an operator replays what died.
    pub fn bad_day() -> Self {
        Self {
            jobs: 60,
            failures_per_myriad: 150,
            crashes_per_myriad: 100,
            hold_milliseconds: 15,
            flickr_faults_per_mille: 250,
            poison_per_mille: 30,
            stopped_per_mille: 10,
            files_per_mille: 150,
            deletions_per_mille: 150,
            limit: Limit { calls_per_hour: 60, burst_calls: 8 },
            storms: vec![Period { from: Duration::from_secs(1_500), length: HOUR / 6 }],
            outages: vec![Period { from: HOUR, length: HOUR / 3 }],
            replays: true,
            ..Self::good_day()
        }
    }

    /// A day on which nothing goes wrong but what queues and clocks always do, and nothing is asked for but what
    /// `flows` say.
    pub fn good_day() -> Self {
        Self {
            jobs: 0,
            span: HOUR * 2,
            flows: Vec::new(),
            asks: None,
            tenants: 2,
            accounts_each: 3,
            app_each: false,
            limit: Limit::FLICKR,
            later_limit: None,
            worker_slots: None,
            failures_per_myriad: 0,
            crashes_per_myriad: 0,
            hold_milliseconds: 0,
            crash_at: None,
            flickr_faults_per_mille: 0,
            poison_per_mille: 0,
            stopped_per_mille: 0,
            files_per_mille: 0,
            deletions_per_mille: 0,
            storms: Vec::new(),
            outages: Vec::new(),
            noise: true,
            replays: false,
            mutation: None,
        }
    }

    /// A bad day of files alone: 150 jobs of six accounts, which have few different files, for an app that may call 900
    /// times an hour.
    pub fn files() -> Self {
        Self {
            jobs: 150,
            files_per_mille: 1_000,
            limit: Limit { calls_per_hour: 900, burst_calls: 60 },
            ..Self::bad_day()
        }
    }

    /// More jobs at once than two workers can do for a quarter of an hour.
    pub fn backlog() -> Self {
        Self {
            jobs: 900,
            span: Duration::from_secs(60),
            limit: Limit { calls_per_hour: 36_000, burst_calls: 3_000 },
            worker_slots: Some(2),
            ..Self::good_day()
        }
    }

    /// Ten thousand jobs that wait in the fair queue of one app: five hundred of each of twenty accounts, asked for
    /// over ten minutes.
    pub fn long_queue() -> Self {
        let span = HOUR / 6;
        let flow = |account| Flow { account, jobs: 500, span, ..READS };
        Self { span, tenants: 4, accounts_each: 5, flows: (0..20).map(flow).collect(), ..Self::good_day() }
    }

    /// Eight quiet accounts, the first flows: a job every half minute each, for an hour. With `flood` another account
    /// of the same app asks for a hundred times as many.
    pub fn quiet_accounts(flood: bool) -> Self {
        let jobs = 120;
        let quiet = |account| Flow { account, jobs, ..READS };
        let loud = Flow { jobs: jobs * 100, ..quiet(8) };
        let flows = (0..8).map(quiet).chain(flood.then_some(loud)).collect();
        Self { span: HOUR, tenants: 1, accounts_each: 9, flows, ..Self::good_day() }
    }

    /// Eight quiet accounts of one tenant, the first flows, as in [`Profile::quiet_accounts`]. With `hostile` another
    /// tenant of the same app does what it can: all calls of two accounts fail, another fills its schedule for the days
    /// ahead, and three ask for far more than there is.
    pub fn hostile_tenant(hostile: bool) -> Self {
        let quiet = Self::quiet_accounts(false);
        let loud = |account| Flow { account, jobs: 1_200, ..READS };
        let attack = [
            Flow { method: CREATE, fails: true, jobs: 60, ..loud(8) },
            Flow { fails: true, jobs: 200, ..loud(9) },
            Flow { delay: HOUR * 40, ..loud(10) },
            loud(11),
            loud(12),
            loud(13),
        ];
        let flows = quiet.flows.iter().cloned().chain(attack.into_iter().filter(|_| hostile)).collect();
        Self { tenants: 2, accounts_each: 8, flows, replays: true, ..quiet }
    }

    /// Two tenants of one app, each of which asks for more than the app's budget has: the first flow is the only account
    /// of the one, the others are twenty accounts of the other.
    pub fn unequal_tenants() -> Self {
        let flow = |account, jobs| Flow { account, jobs, ..READS };
        let many = (20..40).map(|account| flow(account, 300));
        let flows = [flow(0, 4_000)].into_iter().chain(many).collect();
        Self { span: HOUR, tenants: 2, accounts_each: 20, flows, ..Self::good_day() }
    }

    /// An account makes the same call six hundred times in ten minutes, while another asks for more of the same app
    /// than its budget has for hours.
    pub fn popular_call() -> Self {
        let span = HOUR / 6;
        let popular = Flow { jobs: 600, span, same_call: true, ..READS };
        let flood = Flow { account: 1, jobs: 900, span: Duration::from_secs(60), ..READS };
        Self { span, tenants: 1, accounts_each: 2, flows: vec![popular, flood], ..Self::good_day() }
    }

    /// A day of twenty tenants, each with a Flickr app and a hundred accounts of three sizes. An account of the first
    /// tenant floods its app; Flickr is down for an hour, and twice answers everyone for ten minutes that they call too
    /// often.
    pub fn day() -> Self {
        let span = HOUR * 24;
        let flow = |account| {
            let (priority, jobs) = (Priority::ALL[account % 7 % 3], AccountSize::of(account).jobs_a_day());
            Flow { account, priority, jobs, span, ..READS }
        };
        let flood = Flow { jobs: 12_000, from: HOUR * 18, ..READS };
        let storm = |hours| Period { from: HOUR * hours, length: HOUR / 6 };
        Self {
            span,
            tenants: 20,
            accounts_each: 100,
            app_each: true,
            flows: (0..2_000).map(flow).chain([flood]).collect(),
            flickr_faults_per_mille: 5,
            storms: vec![storm(6), storm(20)],
            outages: vec![Period { from: HOUR * 12, length: HOUR }],
            ..Self::good_day()
        }
    }

    /// A few jobs, and one call of a port (counted from 0) at which its process dies; nothing else is left to chance.
    pub fn one_crash(call: usize, point: FaultPoint, scene: CrashScene) -> Self {
        let span = Duration::from_secs(1);
        let one_write = Flow { method: CREATE, jobs: 1, span, ..READS };
        let one_call = Limit { calls_per_hour: 60, burst_calls: 1 };
        let (flow, limit) = match scene {
            CrashScene::Alone => (one_write, Limit::FLICKR),
            CrashScene::Queued => (Flow { jobs: 2, ..one_write }, one_call),
            CrashScene::Files => (Flow { jobs: 0, ..READS }, Limit::FLICKR),
            CrashScene::SameCall => (Flow { jobs: 4, span, same_call: true, ..READS }, Limit::FLICKR),
        };
        Self {
            span,
            tenants: 1,
            accounts_each: 1,
            flows: vec![flow],
            limit,
            jobs: if scene == CrashScene::Files { 4 } else { 0 },
            files_per_mille: 1_000,
            crash_at: Some((call, point)),
            noise: false,
            ..Self::good_day()
        }
    }
}

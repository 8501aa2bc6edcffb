//! A simulation as it stands: the tasks that run, on one thread, and what they share.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use domain::Timestamp;
use hub::ports::Clock;

use super::{
    agenda::{Agenda, Happening},
    environment::Environment,
    inbox::Inbox,
};
use crate::{
    World,
    random::Random,
    simulator::{
        profile::Profile,
        streams::{Stream, stream},
    },
    woken::Woken,
};

/// Something that runs until it ends, is out of time, or crashes.
type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A simulation as it stands.
pub(super) struct Simulation {
    pub(super) seed: u64,
    pub(super) profile: Profile,
    pub(super) environment: Environment,
    pub(super) agenda: Agenda,
    pub(super) random: Random,
    pub(super) inbox: Inbox,
    tasks: BTreeMap<u64, Task>,
    stopped: u64,
}

impl Simulation {
    pub(super) fn new(seed: u64, profile: &Profile) -> Self {
        Self {
            seed,
            profile: profile.clone(),
            environment: Environment::new(seed, profile),
            agenda: Agenda::new(seed),
            random: stream(seed, Stream::Executor),
            inbox: Inbox::default(),
            tasks: BTreeMap::new(),
            stopped: 0,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.environment.world.now()
    }

    /// Plans something for so much later.
    pub(super) fn plan_in(&mut self, length: Duration, happening: Happening) {
        self.agenda.plan(self.now() + length, happening);
    }

    /// Starts a task that is stopped when it takes longer than `limit`; its number.
    pub(super) fn start(&mut self, task: impl Future<Output = ()> + Send + 'static, limit: Duration) -> u64 {
        let number = self.agenda.number();
        self.tasks.insert(number, Box::pin(task));
        self.plan_in(limit, Happening::Stop(number));
        self.resume(number);
        number
    }

    /// Lets a task go on until it waits, ends, or turns out to have crashed.
    pub(super) fn resume(&mut self, number: u64) {
        let Some(mut task) = self.tasks.remove(&number) else { return };
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut poll = || task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending();
        let mut is_pending = poll();
        // A part of the task may have let another part go on.
        while is_pending && woken.take() {
            is_pending = poll();
        }
        // What waits for nothing has crashed: it is dropped.
        if let (true, Some(at)) = (is_pending, self.environment.world.take_wake()) {
            self.tasks.insert(number, task);
            self.agenda.plan(at, Happening::Resume(number));
        }
    }

    /// Ends a task that is out of time.
    pub(super) fn stop(&mut self, number: u64) {
        self.stopped += u64::from(self.tasks.remove(&number).is_some());
    }

    /// How many tasks were out of time.
    pub(super) fn stopped(&self) -> u64 {
        self.stopped
    }

    pub(super) fn runs(&self, task: u64) -> bool {
        self.tasks.contains_key(&task)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The world as a process sees it whose clock runs up to two seconds ahead or behind.
    pub(super) fn with_skewed_clock(&mut self) -> World {
        let skew = i64::try_from(self.random.below(4_001)).unwrap_or(0) - 2_000;
        self.environment.world.skewed(if self.profile.noise { skew } else { 0 })
    }

    /// True so many times in a thousand, where anything is left to chance.
    pub(super) fn noise_per_mille(&mut self, times: u64) -> bool {
        self.profile.noise && self.random.per_mille(times)
    }

    /// A delay of up to so many milliseconds, where anything is left to chance.
    pub(super) fn noise_delay(&mut self, most_milliseconds: u64) -> Duration {
        if self.profile.noise { self.random.milliseconds(0, most_milliseconds) } else { Duration::ZERO }
    }
}

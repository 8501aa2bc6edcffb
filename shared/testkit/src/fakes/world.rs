//! The world: what all stores hold, the clock, randomness, the calls that were made, and the faults that calls meet.

use std::{
    collections::BTreeMap,
    future::{pending, poll_fn},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use domain::Timestamp;
use hub::ports::{Error, Result};

use super::stores::Stores;
use crate::{
    call::Call,
    faults::{Fault, FaultPlan, FaultPoint, Injection},
    mutation::Mutation,
    random::Random,
};

/// Everything FlickrHub depends on, in memory; it implements every port but Flickr's. A clone is the same world.
#[derive(Clone)]
pub struct World {
    shared: Arc<Mutex<Shared>>,
    /// How far this clone's clock runs ahead.
    skew_milliseconds: i64,
}

struct Shared {
    now: Timestamp,
    random: Random,
    calls: Vec<Call>,
    faults: BTreeMap<(usize, FaultPoint), Fault>,
    fault_plan: Option<FaultPlan>,
    wake: Option<Timestamp>,
    sleepers: Vec<Waker>,
    stores: Stores,
}

impl World {
    /// An empty world at `now`, whose randomness follows from `seed`.
    pub fn new(now: Timestamp, seed: u64) -> Self {
        let shared = Shared {
            now,
            random: Random::new(seed),
            calls: Vec::new(),
            faults: BTreeMap::new(),
            fault_plan: None,
            wake: None,
            sleepers: Vec::new(),
            stores: Stores::default(),
        };
        Self { shared: Arc::new(Mutex::new(shared)), skew_milliseconds: 0 }
    }

    /// The same world, as one sees it whose clock runs `milliseconds` ahead.
    pub fn skewed(&self, milliseconds: i64) -> Self {
        Self { skew_milliseconds: milliseconds, ..self.clone() }
    }

    /// Sets the time.
    pub fn set_now(&self, now: Timestamp) {
        let sleepers = {
            let mut shared = self.shared();
            shared.now = now;
            std::mem::take(&mut shared.sleepers)
        };
        sleepers.into_iter().for_each(Waker::wake);
    }

    /// Lets time pass.
    pub fn pass(&self, length: Duration) {
        let now = self.shared().now + length;
        self.set_now(now);
    }

    /// Breaks a rule from now on.
    pub fn set_mutation(&self, mutation: Mutation) {
        self.shared().stores.mutation = Some(mutation);
    }

    /// The rule that is broken, if one is.
    pub fn mutation(&self) -> Option<Mutation> {
        self.shared().stores.mutation
    }

    /// Sets what calls meet from now on, where no single fault was set for them.
    pub fn set_fault_plan(&self, fault_plan: FaultPlan) {
        self.shared().fault_plan = Some(fault_plan);
    }

    /// Makes the call with this number (from 0, counted over all ports) fail.
    pub fn fault(&self, call_number: usize, point: FaultPoint, fault: Fault) {
        self.shared().faults.insert((call_number, point), fault);
    }

    /// Makes the next call fail.
    pub fn fault_next(&self, point: FaultPoint, fault: Fault) {
        let next = self.shared().calls.len();
        self.fault(next, point, fault);
    }

    /// The calls of all ports so far, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.shared().calls.clone()
    }

    /// How often an operation was called.
    pub fn count(&self, call: Call) -> usize {
        self.shared().calls.iter().filter(|made| **made == call).count()
    }

    /// Forgets the calls so far, and the single faults that were set.
    pub fn forget_calls(&self) {
        let mut shared = self.shared();
        shared.calls.clear();
        shared.faults.clear();
    }

    /// Waits, in virtual time: whoever polls learns from [`World::take_wake`] when to poll again.
    pub async fn sleep(&self, length: Duration) {
        let until = self.shared().now + length;
        poll_fn(|context| {
            let mut shared = self.shared();
            if shared.now >= until {
                return Poll::Ready(());
            }
            shared.wake = Some(shared.wake.map_or(until, |earlier| earlier.min(until)));
            shared.sleepers.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// When the task that was polled last wants to be polled again; `None` if it never does.
    pub fn take_wake(&self) -> Option<Timestamp> {
        self.shared().wake.take()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time, as this clone sees it.
    pub(super) fn time(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.shared().now.as_milliseconds() + self.skew_milliseconds)
    }

    /// 128 fresh bits.
    pub(super) fn bits(&self) -> [u8; 16] {
        self.shared().random.bits()
    }

    /// What `look` makes of the stores, at the time of the world. That is no call of a port.
    pub(super) fn stores<T>(&self, look: impl FnOnce(&mut Stores, Timestamp) -> T) -> T {
        let shared = &mut *self.shared();
        look(&mut shared.stores, shared.now)
    }

    /// One call of a port: `effect`, between its two points of failure.
    pub(super) async fn call<T>(
        &self,
        call: Call,
        effect: impl FnOnce(&mut Stores, Timestamp) -> T + Send,
    ) -> Result<T> {
        self.between_faults(call, async { self.stores(effect) }).await
    }

    /// One call of a port whose effect may take some time.
    pub(super) async fn between_faults<T>(&self, call: Call, effect: impl Future<Output = T> + Send) -> Result<T> {
        let number = {
            let mut shared = self.shared();
            shared.calls.push(call);
            shared.calls.len() - 1
        };
        self.meet(number, FaultPoint::Before, call).await?;
        let value = effect.await;
        self.meet(number, FaultPoint::After, call).await?;
        Ok(value)
    }

    async fn meet(&self, number: usize, point: FaultPoint, call: Call) -> Result<()> {
        let injection = {
            let mut shared = self.shared();
            let single = shared.faults.get(&(number, point)).copied().map(Injection::Fault);
            let planned = || shared.fault_plan.as_mut().map(|plan| plan(call, point));
            single.or_else(planned).unwrap_or(Injection::Pass)
        };
        match injection {
            Injection::Pass => Ok(()),
            Injection::Wait(length) => {
                self.sleep(length).await;
                Ok(())
            }
            Injection::Fault(Fault::Fail) => {
                Err(Error::unavailable(format!("{call:?}"), format!("injected {point:?} call {number}")))
            }
            Injection::Fault(Fault::Crash) => pending().await,
        }
    }
}

//! Many tasks at once, in the virtual time of a world: a crowd that meets on the same items.

#![expect(clippy::panic, reason = "a crowd that stands still fails its test")]

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use hub::ports::Clock;

use crate::{
    fakes::World,
    faults::{FaultPlan, FaultPoint, Injection},
    random::Random,
};

/// A task of a crowd.
pub type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Has each call of a port take between so many milliseconds, as requests of a store over a network do. What is read is
/// some milliseconds old when it is written, and others have come in between.
pub fn round_trips(seed: u64, least_milliseconds: u64, most_milliseconds: u64) -> FaultPlan {
    let mut random = Random::new(seed);
    Box::new(move |_, point| match point {
        FaultPoint::Before => Injection::Wait(random.milliseconds(least_milliseconds, most_milliseconds)),
        FaultPoint::After => Injection::Pass,
    })
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs the tasks at once until all have ended; what they gave, in their order.
///
/// # Panics
/// When all that are left wait for nothing.
pub fn run_at_once<T>(world: &World, tasks: impl IntoIterator<Item = Task<T>>) -> Vec<T> {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut running: Vec<(usize, Task<T>)> = tasks.into_iter().enumerate().collect();
    let mut ended: Vec<(usize, T)> = Vec::new();
    while !running.is_empty() {
        woken.0.store(false, Ordering::Relaxed);
        let before = running.len();
        running = running
            .into_iter()
            .filter_map(|(number, mut task)| match task.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(value) => {
                    ended.push((number, value));
                    None
                }
                Poll::Pending => Some((number, task)),
            })
            .collect();
        // Who ended or woke another may have let it go on.
        if running.len() < before || woken.0.load(Ordering::Relaxed) {
            continue;
        }
        match world.take_wake() {
            Some(at) => world.set_now(at.max(world.now())),
            None => panic!("{} tasks wait for nothing", running.len()),
        }
    }
    ended.sort_by_key(|(number, _)| *number);
    ended.into_iter().map(|(_, value)| value).collect()
}

//! Many tasks at once, in the virtual time of a world: a crowd that meets on the same items.

#![expect(clippy::panic, reason = "a crowd that stands still fails its test")]

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use hub::ports::Clock;

use crate::{
    fakes::World,
    faults::{FaultPlan, FaultPoint, Injection},
    random::Random,
    woken::Woken,
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

/// Has each call of a port be done at once, again.
pub fn at_once() -> FaultPlan {
    Box::new(|_, _| Injection::Pass)
}

/// Runs the tasks at once until all have ended; what they gave, in their order.
///
/// # Panics
/// When all that are left wait for nothing.
pub fn run_at_once<T>(world: &World, tasks: impl IntoIterator<Item = Task<T>>) -> Vec<T> {
    run_and_begin(world, tasks, Vec::new)
}

/// The same, where tasks begin others: `begun` gives those that were begun since it was last asked.
///
/// # Panics
/// When all that are left wait for nothing.
pub fn run_and_begin<T>(
    world: &World,
    tasks: impl IntoIterator<Item = Task<T>>,
    mut begun: impl FnMut() -> Vec<Task<T>>,
) -> Vec<T> {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut running: Vec<(usize, Task<T>)> = tasks.into_iter().enumerate().collect();
    let mut ended: Vec<(usize, T)> = Vec::new();
    while !running.is_empty() {
        woken.take();
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
        let ended_now = before > running.len();
        let first = ended.len() + running.len();
        running.extend(begun().into_iter().enumerate().map(|(number, task)| (first + number, task)));
        // Who ended or woke another may have let it go on, and who was begun has not gone anywhere yet.
        if ended_now || running.len() + ended.len() > first || woken.take() {
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

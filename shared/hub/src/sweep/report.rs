//! What a sweep did.

use std::ops::{Add, AddAssign};

use serde::Serialize;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Jobs checked.
    pub checked: u32,
    /// Jobs of fair queues whose turn had come.
    pub dispatched: u32,
    /// Messages sent to other jobs.
    pub sent: u32,
    /// Jobs expired.
    pub expired: u32,
    /// Jobs and queues that could not be dealt with.
    pub failed: u32,
    /// Shards handed over to other sweeps.
    pub handed_over: u32,
    /// Whether time ran out before all was done or handed over.
    pub unfinished: bool,
}

impl AddAssign for Report {
    fn add_assign(&mut self, other: Self) {
        self.checked += other.checked;
        self.dispatched += other.dispatched;
        self.sent += other.sent;
        self.expired += other.expired;
        self.failed += other.failed;
        self.handed_over += other.handed_over;
        self.unfinished |= other.unfinished;
    }
}

impl Add for Report {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

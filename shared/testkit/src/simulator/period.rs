//! Lengths of time, counted from the begin of a simulation.

use std::time::Duration;

use domain::Timestamp;

use crate::build::NOW;

/// A length of time that begins some time after the simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// When it begins.
    pub from: Duration,
    /// How long it lasts.
    pub length: Duration,
}

impl Period {
    /// Whether it has begun by `now`, and not ended.
    pub(crate) fn contains(&self, now: Timestamp) -> bool {
        (self.from..self.from + self.length).contains(&now.since(NOW))
    }
}

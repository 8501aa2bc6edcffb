//! Changes of a budget, as data: what is to be written, and on which condition.

use std::time::Duration;

use super::{control::Control, host_class::HostClass, limiter::Move};

/// One of a budget's buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meter {
    /// Of all calls.
    Whole,
    /// Of the part that calls to these hosts may use.
    Part(HostClass),
}

/// A change of a budget. It may be made where the stored budget has the version of the control that it was computed
/// from, and each of its buckets stands where its move says ([`super::Budget::changed`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetChange {
    /// The version of the control that the change was computed from.
    pub version: u64,
    /// The control after it, where that changes.
    pub control: Option<Control>,
    /// How many calls it grants.
    pub calls: u32,
    /// How the buckets move for them.
    pub moves: Vec<(Meter, Move)>,
}

/// A call that was granted and is not made: how much earlier the arrival times of the buckets become.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReturnedCalls {
    pub earlier: Vec<(Meter, Duration)>,
}

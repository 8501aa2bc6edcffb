//! Changes of a budget, as data: what is to be written, and on which condition.

use std::time::Duration;

use super::{Budget, Control, HostClass, limiter, limiter::Move};
use crate::Timestamp;

/// One of a budget's buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meter {
    /// Of all calls.
    Whole,
    /// Of the part that calls to these hosts may use.
    Part(HostClass),
}

/// A change of a budget. It may be made where the stored budget has the version of the control that it was computed
/// from, and each of its buckets stands where its move says ([`Budget::changed`]).
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

impl BudgetChange {
    /// One of the calls that the change granted, given back at `now`, where the budget stood so `after` it: as much of
    /// it as has not drained yet.
    pub fn give_back_one(&self, after: &Budget, now: Timestamp) -> ReturnedCalls {
        let earlier = self.moves.iter().filter_map(|(meter, moved)| {
            let to = *after.arrivals.get(meter)?;
            let earlier = limiter::given_back(moved.length() / self.calls.max(1), to, now);
            (!earlier.is_zero()).then_some((*meter, earlier))
        });
        ReturnedCalls { earlier: earlier.collect() }
    }
}

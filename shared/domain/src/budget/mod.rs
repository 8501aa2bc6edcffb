//! The budget of calls: how many may be made, and when none may.
//!
//! Flickr allows 3,600 calls an hour for each API key, all users together (Flickr, "API limits"),
//! and turns keys off that go over it. A [`Budget`] grants calls so that no rolling hour sees more
//! than its [`Limit`] allows, stops them while Flickr refuses, and learns a lower rate where Flickr
//! refuses earlier than it says. It is one small value, changed by pure functions of it and `now`.

mod back_pressure;
mod circuit;
mod limiter;

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

pub use back_pressure::{MAX_PENDING, most_pending, retry_after};
use circuit::CircuitState;
pub use circuit::{Circuit, Signal};
pub use limiter::{FULL_RATE, Limit};

use crate::{Jitter, Timestamp};

/// How long a grant holds: a call that begins later needs another.
pub const GRANT_LIFETIME: Duration = Duration::from_secs(15);

/// What a host of Flickr is for: trouble with one does not stop the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostClass {
    /// The REST API.
    Rest,
    /// Upload and replace.
    Upload,
    /// The steps of the login.
    Oauth,
}

impl HostClass {
    /// The part of an app's limit that calls to these hosts may use; `None` means all of it. Logins
    /// leave four fifths to jobs, and uploads, which are slow, a half.
    fn part(self, limit: &Limit) -> Option<Limit> {
        let part = |of: u32| {
            let share = |calls: u32| (calls / of).max(1);
            Limit { calls_per_hour: share(limit.calls_per_hour), burst_calls: share(limit.burst_calls) }
        };
        match self {
            HostClass::Rest => None,
            HostClass::Upload => Some(part(2)),
            HostClass::Oauth => Some(part(5)),
        }
    }
}

/// The budget of a Flickr app, or of an account within it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Budget {
    /// When the bucket will be empty again: GCRA's theoretical arrival time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arrival: Option<Timestamp>,
    /// The same of the parts that host classes may use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    parts: BTreeMap<HostClass, Timestamp>,
    /// The learned rate, in thousandths of the configured one; none means all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate_per_mille: Option<u32>,
    /// When the learned rate was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    learned_at: Option<Timestamp>,
    /// Since when calls are counted for the ratio of failures, and how many were granted since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counted: Option<(Timestamp, u32)>,
    /// The circuits of host classes that are not simply closed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    circuits: BTreeMap<HostClass, Circuit>,
}

/// The answer to a request for calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// The calls may be made, within [`GRANT_LIFETIME`].
    Granted {
        /// Whether it is the one call that finds out if an open circuit can be closed.
        probe: bool,
    },
    /// None may be made.
    Refused {
        /// When to ask again.
        retry_at: Timestamp,
        why: Why,
    },
}

/// Why no call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The budget is spent.
    Spent,
    /// Flickr refused too often: the circuit is open.
    CircuitOpen,
}

/// How a budget stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetStatus {
    /// Calls that could be made at once.
    pub remaining_calls: u32,
    /// Calls that can be made at once after a rest, at the learned rate.
    pub burst_calls: u32,
    /// When all of the burst is there again.
    pub full_at: Timestamp,
    /// Calls an hour, as learned.
    pub calls_per_hour: u32,
    /// Until when the circuit is open, if it is.
    pub open_until: Option<Timestamp>,
    /// Whether the next call is the one that finds out if the circuit can be closed.
    pub half_open: bool,
}

impl BudgetStatus {
    /// Whether the circuit is closed.
    pub fn is_closed(&self) -> bool {
        self.open_until.is_none() && !self.half_open
    }

    /// The time between two calls at the learned rate.
    pub fn interval(&self) -> Duration {
        limiter::interval_at(self.calls_per_hour)
    }

    /// How many calls the learned rate allows in that time.
    pub fn calls_in(&self, length: Duration) -> u32 {
        u32::try_from(length.as_millis() / self.interval().as_millis().max(1)).unwrap_or(u32::MAX)
    }
}

impl Budget {
    /// Asks for `calls` to hosts of this class: the budget after them, if they are granted.
    pub fn take(&self, limit: &Limit, class: HostClass, calls: u32, now: Timestamp) -> (Option<Self>, Grant) {
        let mut after = self.clone();
        let mut probe = false;
        if let Some(circuit) = self.circuits.get(&class) {
            match circuit.state(now) {
                CircuitState::Closed => {}
                CircuitState::HalfOpen(probing) => {
                    probe = true;
                    after.circuits.insert(class, probing);
                }
                CircuitState::Open(retry_at) => {
                    return (None, Grant::Refused { retry_at, why: Why::CircuitOpen });
                }
            }
        }
        let calls = if probe { 1 } else { calls };
        let of_class = class
            .part(limit)
            .map(|part| limiter::take(self.parts.get(&class).copied(), &part, self.rate(now), calls, now));
        let of_class = match of_class.transpose() {
            Ok(arrival) => arrival,
            Err(retry_at) => return (None, Grant::Refused { retry_at, why: Why::Spent }),
        };
        match limiter::take(self.arrival, limit, self.rate(now), calls, now) {
            Ok(arrival) => {
                after.arrival = Some(arrival);
                after.parts.extend(of_class.map(|arrival| (class, arrival)));
                after.counted = Some(match self.counted {
                    Some((since, granted)) if now.since(since) < circuit::WITHIN => {
                        (since, granted.saturating_add(calls))
                    }
                    _ => (now, calls),
                });
                (Some(after), Grant::Granted { probe })
            }
            Err(retry_at) => (None, Grant::Refused { retry_at, why: Why::Spent }),
        }
    }

    /// Asks for `calls` to any hosts: the budget of an account, which has neither parts nor circuits.
    pub fn take_any(&self, limit: &Limit, calls: u32, now: Timestamp) -> (Option<Self>, Grant) {
        match limiter::take(self.arrival, limit, self.rate(now), calls, now) {
            Ok(arrival) => (Some(Self { arrival: Some(arrival), ..self.clone() }), Grant::Granted { probe: false }),
            Err(retry_at) => (None, Grant::Refused { retry_at, why: Why::Spent }),
        }
    }

    /// The budget after `calls` to any hosts that were granted and will not be made.
    #[must_use]
    pub fn give_back_any(&self, limit: &Limit, calls: u32) -> Self {
        Self { arrival: self.arrival.map(|arrival| limiter::give_back(arrival, limit, calls)), ..self.clone() }
    }

    /// The budget after `calls` to hosts of this class that were granted and will not be made.
    #[must_use]
    pub fn give_back(&self, limit: &Limit, class: HostClass, calls: u32) -> Self {
        let mut after = self.clone();
        after.arrival = self.arrival.map(|arrival| limiter::give_back(arrival, limit, calls));
        if let (Some(part), Some(arrival)) = (class.part(limit), after.parts.get_mut(&class)) {
            *arrival = limiter::give_back(*arrival, &part, calls);
        }
        after
    }

    /// The budget after what became of a call was recorded; `None` when nothing changes.
    pub fn record(&self, class: HostClass, signal: Signal, jitter: Jitter, now: Timestamp) -> Option<Self> {
        let before = self.circuits.get(&class).cloned().unwrap_or_default();
        let granted = self.counted.map_or(0, |(_, granted)| granted);
        let circuit = before.record(signal, granted, jitter, now);
        let mut after = self.clone();
        if circuit == Circuit::default() {
            after.circuits.remove(&class);
        } else {
            after.circuits.insert(class, circuit);
        }
        if signal == Signal::Throttled && self.learned_at.is_none_or(|at| now.since(at) >= limiter::LEARN_ONCE_IN) {
            after.rate_per_mille = Some(limiter::lowered(self.rate(now)));
            after.learned_at = Some(now);
        }
        (after != *self).then_some(after)
    }

    /// How the budget stands, for calls to hosts of this class.
    pub fn status(&self, limit: &Limit, class: HostClass, now: Timestamp) -> BudgetStatus {
        let rate = self.rate(now);
        let circuit = self.circuits.get(&class).map(|circuit| circuit.state(now));
        let open = match circuit {
            Some(CircuitState::Open(until)) => Some(until),
            _ => None,
        };
        BudgetStatus {
            remaining_calls: if open.is_some() { 0 } else { limiter::remaining(self.arrival, limit, rate, now) },
            burst_calls: limiter::burst_calls(limit, rate),
            full_at: self.arrival.map_or(now, |arrival| arrival.max(now)),
            calls_per_hour: limiter::learned(limit, rate),
            open_until: open,
            half_open: matches!(circuit, Some(CircuitState::HalfOpen(_))),
        }
    }

    /// The learned rate now, in thousandths: it grows back by the minute.
    fn rate(&self, now: Timestamp) -> u32 {
        match (self.rate_per_mille, self.learned_at) {
            (Some(rate), Some(at)) => limiter::grown(rate, now.since(at)),
            _ => FULL_RATE,
        }
    }
}

#[cfg(test)]
mod tests;

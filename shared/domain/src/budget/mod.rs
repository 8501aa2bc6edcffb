//! The budget of calls: how many may be made, and when none may.
//!
//! Flickr allows 3,600 calls an hour for each API key, all users together (Flickr, "API limits"), and turns keys off
//! that go over it. A [`Budget`] grants calls so that no rolling hour sees more than its [`Limit`] allows, stops them
//! while Flickr refuses, and learns a lower rate where Flickr refuses earlier than it says.
//!
//! It is one small value, and every change of it is data, a [`BudgetChange`]: computed here by pure functions of the
//! budget and `now`, and made where the budget is stored, under a condition that speaks of values. So those who ask at
//! once do not undo each other's changes, and none waits for another while there is room.

mod back_pressure;
mod change;
mod circuit;
mod control;
mod host_class;
mod limiter;
mod stop;

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

pub use back_pressure::{MAX_PENDING, most_pending, retry_after};
pub use change::{BudgetChange, Meter, ReturnedCalls};
pub use circuit::{Circuit, CircuitRule, CircuitState, Party, Signal};
pub use control::Control;
pub use host_class::HostClass;
pub use limiter::{FULL_RATE, Limit, Move};
pub use stop::{AppStop, StoppedApp};

use crate::{Jitter, Timestamp};

/// How long a grant holds: a call that begins later needs another.
pub const GRANT_LIFETIME: Duration = Duration::from_secs(15);

/// The budget of a Flickr app, or of an account or tenant within it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Budget {
    /// When each bucket will be empty again: GCRA's theoretical arrival time.
    pub arrivals: BTreeMap<Meter, Timestamp>,
    pub control: Control,
}

/// A request for calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    pub limit: Limit,
    /// The hosts that are called; `None` for a budget that has neither parts nor circuits, as that of an account.
    pub class: Option<HostClass>,
    pub calls: u32,
}

/// No call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// When to ask again.
    pub retry_at: Timestamp,
    pub why: Why,
}

/// Why no call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The budget is spent.
    Spent,
    /// Flickr refused too often: the circuit is open.
    CircuitOpen,
    /// Flickr refuses the app.
    AppStopped,
}

/// How a budget stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetStatus {
    /// Calls that could be made at once.
    pub remaining_calls: u32,
    /// Calls that can be made at once after a rest, at the learned rate.
    pub burst_calls: u32,
    /// When all of the burst is there again.
    pub full_at: Timestamp,
    /// Calls an hour, as learned.
    pub calls_per_hour: u32,
    /// Until when the circuit is open, or the app is stopped.
    pub open_until: Option<Timestamp>,
    /// Whether the next call is the one that finds out if the circuit can be closed, or the app works again.
    pub half_open: bool,
    /// Since when Flickr refuses the app, if it does.
    pub stopped: Option<StoppedApp>,
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
    /// Asks for calls: the change by which up to so many are granted, and at least one.
    ///
    /// # Errors
    /// When none may be made.
    pub fn take(&self, request: &Request, now: Timestamp) -> Result<BudgetChange, Refused> {
        let Request { limit, class, calls } = request;
        let mut control = self.control.clone();
        let mut probe = false;
        if let Some(stop) = self.stop_of(*class) {
            match stop.state(now) {
                CircuitState::Closed => {}
                CircuitState::HalfOpen(probing) => {
                    probe = true;
                    control.stop = Some(stop.probing(probing));
                }
                CircuitState::Open(retry_at) => return Err(Refused { retry_at, why: Why::AppStopped }),
            }
        }
        if let Some((class, circuit)) = class.and_then(|class| Some((class, self.control.circuits.get(&class)?))) {
            match circuit.state(now) {
                CircuitState::Closed => {}
                CircuitState::HalfOpen(probing) => {
                    probe = true;
                    control.circuits.insert(class, probing);
                }
                CircuitState::Open(retry_at) => return Err(Refused { retry_at, why: Why::CircuitOpen }),
            }
        }
        let limits = meters(*class, limit);
        let rate = self.rate(now);
        let arrival = |meter| self.arrivals.get(&meter).copied();
        let room = limits.iter().map(|(meter, limit)| limiter::remaining(arrival(*meter), limit, rate, now));
        let calls = if probe { 1 } else { room.fold(*calls, u32::min).max(1) };
        let mut moves = Vec::new();
        let mut retry_at = None;
        for (meter, limit) in limits {
            match limiter::take(arrival(meter), &limit, rate, calls, now) {
                Ok(moved) => moves.push((meter, moved)),
                Err(at) => retry_at = retry_at.max(Some(at)),
            }
        }
        if let Some(retry_at) = retry_at {
            return Err(Refused { retry_at, why: Why::Spent });
        }
        Ok(BudgetChange { version: self.control.version, control: probe.then(|| control.next()), calls, moves })
    }

    /// What becomes of the budget when the outcome of a call is recorded; `None` when nothing changes.
    pub fn record(&self, class: HostClass, signal: &Signal, jitter: Jitter, now: Timestamp) -> Option<BudgetChange> {
        let before = self.control.circuits.get(&class).cloned().unwrap_or_default();
        let circuit = before.record(signal, &CircuitRule::APP, jitter, now);
        let mut control = self.control.clone();
        if circuit == Circuit::default() {
            control.circuits.remove(&class);
        } else {
            control.circuits.insert(class, circuit);
        }
        control.stop = AppStop::record(self.control.stop.as_ref(), signal, class == HostClass::Oauth, jitter, now);
        let learned_at = self.control.learned_at;
        if matches!(signal, Signal::Throttled) && learned_at.is_none_or(|at| now.since(at) >= limiter::LEARN_ONCE_IN) {
            control.rate_per_mille = Some(limiter::lowered(self.rate(now)));
            control.learned_at = Some(now);
        }
        let version = self.control.version;
        let control = (control != self.control).then(|| control.next())?;
        Some(BudgetChange { version, control: Some(control), calls: 0, moves: Vec::new() })
    }

    /// The budget after a change; `None` where its condition does not hold.
    pub fn changed(&self, change: &BudgetChange) -> Option<Self> {
        if self.control.version != change.version {
            return None;
        }
        let mut after = self.clone();
        if let Some(control) = &change.control {
            after.control = control.clone();
        }
        for (meter, moved) in &change.moves {
            after.arrivals.insert(*meter, moved.of(self.arrivals.get(meter).copied())?);
        }
        Some(after)
    }

    /// What is given back at `now` for one of the calls that `change` granted, which led to this budget: as much of it
    /// as has not drained yet. The calls of a change drain one after the other: `number` counts them from 0.
    pub fn returned(&self, change: &BudgetChange, number: u32, now: Timestamp) -> ReturnedCalls {
        let later = change.calls.saturating_sub(number.saturating_add(1));
        let earlier = change.moves.iter().filter_map(|(meter, moved)| {
            let each = moved.length() / change.calls.max(1);
            let to = self.arrivals.get(meter)?.before(each * later);
            let earlier = limiter::given_back(each, to, now);
            (!earlier.is_zero()).then_some((*meter, earlier))
        });
        ReturnedCalls { earlier: earlier.collect() }
    }

    /// The budget after calls that were granted and are not made were given back.
    #[must_use]
    pub fn given_back(&self, returned: &ReturnedCalls) -> Self {
        let mut after = self.clone();
        for (meter, earlier) in &returned.earlier {
            if let Some(arrival) = after.arrivals.get_mut(meter) {
                *arrival = arrival.before(*earlier);
            }
        }
        after
    }

    /// How the budget stands for calls to hosts of this class: where they have a part of it, that part.
    pub fn status(&self, limit: &Limit, class: HostClass, now: Timestamp) -> BudgetStatus {
        let rate = self.rate(now);
        let circuit = self.control.circuits.get(&class).map(|circuit| circuit.state(now));
        let stop = self.stop_of(Some(class));
        let states = [circuit, stop.map(|stop| stop.state(now))];
        let until = |state: &Option<CircuitState>| match state {
            Some(CircuitState::Open(until)) => Some(*until),
            _ => None,
        };
        let open = states.iter().filter_map(until).max();
        let meters = meters(Some(class), limit);
        let arrivals = meters.iter().map(|(meter, limit)| (self.arrivals.get(meter).copied(), limit));
        let remaining = arrivals.clone().map(|(arrival, limit)| limiter::remaining(arrival, limit, rate, now)).min();
        let narrowest = class.part(limit).unwrap_or(*limit);
        BudgetStatus {
            remaining_calls: remaining.filter(|_| open.is_none()).unwrap_or(0),
            burst_calls: limiter::burst_calls(&narrowest, rate),
            full_at: arrivals.filter_map(|(arrival, _)| arrival).fold(now, Timestamp::max),
            calls_per_hour: limiter::learned(&narrowest, rate),
            open_until: open,
            half_open: open.is_none() && states.iter().any(|state| matches!(state, Some(CircuitState::HalfOpen(_)))),
            stopped: stop.and_then(AppStop::stopped),
        }
    }

    /// Since when Flickr refuses the app, if it does.
    pub fn stopped(&self) -> Option<StoppedApp> {
        self.control.stop.as_ref().and_then(AppStop::stopped)
    }

    /// What holds calls to these hosts up as a stop of the app: logins go on.
    fn stop_of(&self, class: Option<HostClass>) -> Option<&AppStop> {
        self.control.stop.as_ref().filter(|_| class.is_some_and(|class| class != HostClass::Oauth))
    }

    /// The learned rate now, in thousandths: it grows back by the minute.
    fn rate(&self, now: Timestamp) -> u32 {
        match (self.control.rate_per_mille, self.control.learned_at) {
            (Some(rate), Some(at)) => limiter::grown(rate, now.since(at)),
            _ => FULL_RATE,
        }
    }
}

/// The buckets that calls to these hosts draw on, each with its limit.
fn meters(class: Option<HostClass>, limit: &Limit) -> Vec<(Meter, Limit)> {
    let part = class.and_then(|class| Some((Meter::Part(class), class.part(limit)?)));
    [Some((Meter::Whole, *limit)), part].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;

//! The budget of calls: how many may be made, and when none may.
//!
//! Flickr allows 3,600 calls an hour for each API key, all users together (Flickr, "API limits"),
//! and turns keys off that go over it. A [`Budget`] grants calls so that no rolling hour sees more
//! than its [`Limit`] allows, stops them while Flickr refuses, and learns a lower rate where Flickr
//! refuses earlier than it says. It is one small value, changed by pure functions of it and `now`.

mod circuit;
mod limiter;
mod pressure;

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

pub use circuit::{Circuit, Signal};
pub use limiter::{FULL_RATE, Limit};
pub use pressure::{MAX_PENDING, relief};

use crate::Timestamp;

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

/// What a wish for calls came to.
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
        /// Why.
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
pub struct Standing {
    /// Calls that could be made at once.
    pub remaining_calls: u32,
    /// Calls that can be made at once after a rest, at the learned rate.
    pub burst_calls: u32,
    /// When all of the burst is there again.
    pub full_at: Timestamp,
    /// Calls an hour, as learned.
    pub calls_per_hour: u32,
    /// Until when the circuit of REST calls is open, if it is.
    pub open_until: Option<Timestamp>,
    /// Whether the next REST call is the one that finds out if the circuit can be closed.
    pub half_open: bool,
}

impl Standing {
    /// Whether no circuit stands in the way of REST calls.
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
    /// A wish for `calls` to hosts of this class: the budget after it, if it was granted.
    pub fn take(&self, limit: &Limit, class: HostClass, calls: u32, now: Timestamp) -> (Option<Self>, Grant) {
        let mut after = self.clone();
        let mut probe = false;
        if let Some(circuit) = self.circuits.get(&class) {
            match circuit.admit(now) {
                circuit::Admission::Closed => {}
                circuit::Admission::Probe(probing) => {
                    probe = true;
                    after.circuits.insert(class, probing);
                }
                circuit::Admission::Open(retry_at) => {
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

    /// The budget after what was heard of a call; `None` when nothing changes.
    pub fn hear(&self, class: HostClass, signal: Signal, chance: u32, now: Timestamp) -> Option<Self> {
        let before = self.circuits.get(&class).cloned().unwrap_or_default();
        let granted = self.counted.map_or(0, |(_, granted)| granted);
        let circuit = before.hear(signal, granted, chance, now);
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

    /// How the budget stands.
    pub fn standing(&self, limit: &Limit, now: Timestamp) -> Standing {
        let rate = self.rate(now);
        let admission = self.circuits.get(&HostClass::Rest).map(|circuit| circuit.admit(now));
        let open = match admission {
            Some(circuit::Admission::Open(until)) => Some(until),
            _ => None,
        };
        Standing {
            remaining_calls: if open.is_some() { 0 } else { limiter::remaining(self.arrival, limit, rate, now) },
            burst_calls: limiter::burst_calls(limit, rate),
            full_at: self.arrival.map_or(now, |arrival| arrival.max(now)),
            calls_per_hour: limiter::learned(limit, rate),
            open_until: open,
            half_open: matches!(admission, Some(circuit::Admission::Probe(_))),
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
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_000);

    fn granted(budget: &mut Budget, limit: &Limit, calls: u32, now: Timestamp) -> bool {
        let (after, grant) = budget.take(limit, HostClass::Rest, calls, now);
        if let Some(after) = after {
            *budget = after;
        }
        matches!(grant, Grant::Granted { .. })
    }

    fn after(seconds: u64) -> Timestamp {
        NOW + Duration::from_secs(seconds)
    }

    #[test]
    fn a_burst_is_granted_at_once_and_then_the_rate() {
        let limit = Limit::FLICKR;
        let mut budget = Budget::default();
        let at_once = (0..1000).filter(|_| granted(&mut budget, &limit, 1, NOW)).count();
        assert_eq!(at_once, limit.burst_calls as usize);
        assert_eq!(budget.standing(&limit, NOW).remaining_calls, 0);
        let in_an_hour = (0..3600).filter(|second| granted(&mut budget, &limit, 1, after(*second))).count();
        assert!((3320..=3330).contains(&in_an_hour), "{in_an_hour}");
    }

    #[test]
    fn a_refusal_says_when_and_a_gift_back_is_granted_again() {
        let limit = Limit { calls_per_hour: 3600, burst_calls: 2 };
        let mut budget = Budget::default();
        assert!(granted(&mut budget, &limit, 2, NOW));
        let (_, refused) = budget.take(&limit, HostClass::Rest, 1, NOW);
        assert_eq!(refused, Grant::Refused { retry_at: after(1), why: Why::Spent });
        assert!(!granted(&mut budget, &limit, 1, NOW + Duration::from_millis(999)));
        budget = budget.give_back(&limit, HostClass::Rest, 1);
        assert!(granted(&mut budget, &limit, 1, NOW));
        assert!(!granted(&mut budget, &limit, 1, NOW));
        let impossible = budget.take(&limit, HostClass::Rest, 3, after(9999)).1;
        assert!(matches!(impossible, Grant::Refused { .. }), "more than the burst is never granted at once");
    }

    #[test]
    fn logins_leave_most_of_the_budget_to_jobs() {
        let limit = Limit::FLICKR;
        let take = |budget: &Budget, class| budget.take(&limit, class, 1, NOW).0;
        let mut budget = Budget::default();
        let mut logins = 0;
        while let Some(after) = take(&budget, HostClass::Oauth) {
            (budget, logins) = (after, logins + 1);
        }
        assert_eq!(logins, 30);
        assert_eq!(budget.standing(&limit, NOW).remaining_calls, 120, "they count in the whole, too");
        let back = budget.give_back(&limit, HostClass::Oauth, 1);
        assert!(take(&back, HostClass::Oauth).is_some());
        let jobs = std::iter::successors(Some(budget), |budget| take(budget, HostClass::Rest)).count() - 1;
        assert_eq!(jobs, 120);
        let least = Limit { calls_per_hour: 1, burst_calls: 1 };
        assert!(Budget::default().take(&least, HostClass::Oauth, 1, NOW).0.is_some(), "of little, one is left");
    }

    #[test]
    fn three_refusals_within_a_minute_open_the_circuit_and_a_probe_closes_it() {
        let limit = Limit::FLICKR;
        let mut budget = Budget::default();
        for second in [0, 10, 20] {
            assert!(granted(&mut budget, &limit, 1, after(second)));
            budget = budget.hear(HostClass::Rest, Signal::Throttled, 0, after(second)).unwrap();
        }
        let (_, refused) = budget.take(&limit, HostClass::Rest, 1, after(21));
        let Grant::Refused { retry_at, why: Why::CircuitOpen } = refused else { panic!("{refused:?}") };
        assert!((after(20 + 300)..after(20 + 450)).contains(&retry_at));
        let upload = budget.take(&limit, HostClass::Upload, 1, after(21)).1;
        assert_eq!(upload, Grant::Granted { probe: false }, "another host class goes on");

        let (probing, first) = budget.take(&limit, HostClass::Rest, 5, retry_at);
        assert_eq!(first, Grant::Granted { probe: true });
        let probing = probing.unwrap();
        let second = probing.take(&limit, HostClass::Rest, 1, retry_at).1;
        assert!(matches!(second, Grant::Refused { why: Why::CircuitOpen, .. }), "one probe at a time");

        let again = probing.hear(HostClass::Rest, Signal::Throttled, 0, retry_at).unwrap();
        let Grant::Refused { retry_at: later, .. } = again.take(&limit, HostClass::Rest, 1, retry_at).1 else {
            panic!("open again")
        };
        assert!(later.since(retry_at) >= 2 * Duration::from_secs(300), "the wait doubles");
        let closed = probing.hear(HostClass::Rest, Signal::Succeeded, 0, retry_at).unwrap();
        assert_eq!(closed.take(&limit, HostClass::Rest, 1, retry_at).1, Grant::Granted { probe: false });
    }

    #[test]
    fn the_learned_rate_is_halved_once_and_grows_back() {
        let limit = Limit::FLICKR;
        let mut budget = Budget::default();
        for second in [0, 1] {
            budget = budget.hear(HostClass::Rest, Signal::Throttled, 0, after(second)).unwrap_or(budget);
        }
        assert_eq!(budget.standing(&limit, after(1)).calls_per_hour, 1665);
        let later = budget.standing(&limit, after(600)).calls_per_hour;
        assert!(later > 1665 && later < 3330, "{later}");
        assert_eq!(budget.standing(&limit, after(24 * 3600)).calls_per_hour, 3330);
    }

    #[test]
    fn a_rate_that_is_lowered_grants_no_second_burst() {
        let limit = Limit { calls_per_hour: 60, burst_calls: 8 };
        let mut budget = Budget::default();
        assert!(granted(&mut budget, &limit, 8, NOW));
        for minute in 0..5 {
            let now = NOW + Duration::from_secs(61) * minute;
            budget = budget.hear(HostClass::Upload, Signal::Throttled, 7, now).unwrap_or(budget);
        }
        let now = NOW + Duration::from_secs(244);
        let standing = budget.standing(&limit, now);
        assert_eq!((standing.calls_per_hour, standing.burst_calls, standing.remaining_calls), (3, 1, 0));
        assert!(!granted(&mut budget, &limit, 1, now));
        assert!(granted(&mut budget, &limit, 1, NOW + Duration::from_secs(480)), "one call is left at any rate");
    }

    proptest! {
        /// The promise (I2), by an exact log: no rolling hour sees more than the rate and a burst,
        /// whatever the order of wishes, gifts back, refusals and changes of the limit to less.
        #[test]
        fn no_rolling_hour_sees_more_than_the_limit(
            steps in prop::collection::vec((0u64..40_000, 1u32..4, 0u8..20), 1..600),
            rate in 600u32..3600, burst in 4u32..150,
        ) {
            let limit = Limit { calls_per_hour: rate, burst_calls: burst };
            let mut budget = Budget::default();
            let mut now = NOW;
            let mut log: VecDeque<Timestamp> = VecDeque::new();
            for (pause, calls, kind) in steps {
                now = now + Duration::from_millis(if kind == 0 { pause * 20 } else { pause / 40 });
                if kind == 1 {
                    budget = budget.hear(HostClass::Rest, Signal::Throttled, 7, now).unwrap_or(budget);
                }
                if granted(&mut budget, &limit, calls, now) {
                    if kind == 2 {
                        budget = budget.give_back(&limit, HostClass::Rest, calls);
                    } else {
                        log.extend((0..calls).map(|_| now));
                    }
                }
                while log.front().is_some_and(|first| now.since(*first) >= Duration::from_secs(3600)) {
                    log.pop_front();
                }
                prop_assert!(log.len() <= (rate + burst) as usize, "{} calls in an hour", log.len());
            }
        }

        /// While a circuit is open only its probe is granted (I8).
        #[test]
        fn an_open_circuit_grants_its_probe_alone(
            steps in prop::collection::vec((0u64..120, 0u8..6, any::<u32>()), 1..200)
        ) {
            let limit = Limit { calls_per_hour: 3_600_000, burst_calls: 10_000 };
            let mut budget = Budget::default();
            let mut now = NOW;
            let mut probes = 0;
            for (pause, kind, chance) in steps {
                now = now + Duration::from_secs(pause);
                let open = budget.standing(&limit, now).open_until.is_some();
                let (after, grant) = budget.take(&limit, HostClass::Rest, 1, now);
                if let Grant::Granted { probe } = grant {
                    prop_assert!(!open);
                    probes += u32::from(probe);
                }
                budget = after.unwrap_or(budget);
                let signal = match kind { 0 | 1 => Signal::Throttled, 2 => Signal::Failed, _ => Signal::Succeeded };
                budget = budget.hear(HostClass::Rest, signal, chance, now).unwrap_or(budget);
            }
            prop_assert!(probes <= 200);
        }
    }
}

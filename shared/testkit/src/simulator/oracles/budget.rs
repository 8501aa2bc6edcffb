//! I2: in any rolling hour no more calls of an app reach Flickr than configured. I8: while a circuit is open, no call
//! is granted.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Timestamp,
    budget::{GRANT_LIFETIME, HostClass, Limit},
    job::CLOCK_SKEW,
};

use super::final_state::FinalState;
use crate::OpenedCircuit;

const HOUR: Duration = Duration::from_secs(3600);

/// What late grants and clocks that differ can shift a call by.
const SHIFT: Duration = Duration::from_secs(GRANT_LIFETIME.as_secs() + 2 * CLOCK_SKEW.as_secs());

/// The times of the calls, by app.
fn calls_by_app(state: &FinalState) -> BTreeMap<&str, Vec<Timestamp>> {
    let mut by_app: BTreeMap<&str, Vec<Timestamp>> = BTreeMap::new();
    for call in &state.calls {
        by_app.entry(&call.app).or_default().push(call.at);
    }
    by_app
}

/// An hour has the calls of the rate and of a burst, give or take what is shifted across its ends.
pub(super) fn is_kept(state: &FinalState) -> Vec<String> {
    calls_by_app(state).into_iter().filter_map(|(app, calls)| excess(state, app, &calls)).collect()
}

/// The first hour in which there were too many calls.
fn excess(state: &FinalState, app: &str, calls: &[Timestamp]) -> Option<String> {
    let mut first = 0;
    for (last, at) in calls.iter().enumerate() {
        while at.since(calls[first]) >= HOUR {
            first += 1;
        }
        let (made, allowed) = ((last - first + 1) as u64, allowed_before(state, *at));
        if made > allowed {
            return Some(format!("{made} calls of {app} in the hour before {at}, {allowed} are allowed"));
        }
    }
    None
}

/// How many calls the hour before `at` may have. One in which the limit changed has the greater.
fn allowed_before(state: &FinalState, at: Timestamp) -> u64 {
    let allowed = |limit: &Limit| {
        let shifted = u64::from(limit.calls_per_hour) * SHIFT.as_secs() / HOUR.as_secs() + 1;
        u64::from(limit.calls_per_hour + limit.burst_calls) + shifted
    };
    match &state.later_limit {
        Some((from, later)) if at.since(*from) > HOUR + SHIFT => allowed(later),
        Some((_, later)) => allowed(&state.limit).max(allowed(later)),
        None => allowed(&state.limit),
    }
}

/// Calls that were granted before the circuit opened may still come.
pub(super) fn open_circuits_grant_nothing(state: &FinalState) -> Vec<String> {
    let mut by_hosts: BTreeMap<(&str, HostClass), Vec<Timestamp>> = BTreeMap::new();
    for call in &state.calls {
        by_hosts.entry((&call.app, call.class)).or_default().push(call.at);
    }
    let called = state.history.circuits.iter().filter_map(|OpenedCircuit { app, class, at: opened, until }| {
        let is_within = |at: &&Timestamp| at.since(*opened) > SHIFT && until.since(**at) > 2 * CLOCK_SKEW;
        let at = by_hosts.get(&(app.as_str(), *class))?.iter().find(is_within)?;
        Some(format!("{app} was called at {at}, its circuit is open from {opened} to {until}"))
    });
    called.collect()
}

//! Each minute: dispatches the fair queues, checks the jobs whose time has come, and does what nobody else does.
//!
//! A sweep stops in time to say what it did. What it does not get to, and what it fails at, the next
//! one finds again: so nothing is retried here.

use std::time::Duration;

use domain::Timestamp;
use hub::{
    Error,
    limits::Limits,
    ports::{FairQueues, SweepScope, Sweeps},
    sweep::{self, Report},
    transition,
};

/// The part of an invocation's time that is reserved for the job at hand and the answer.
const RESERVE: Duration = Duration::from_secs(5);

/// The longest a sweep goes on: a minute later there is the next one.
const LONGEST: Duration = Duration::from_secs(50);

/// Sweeps `scope`, in an invocation that is ended at `deadline`; `limits` are those of calls to Flickr.
///
/// # Errors
/// A failure to list queues or jobs.
pub async fn run(
    ports: &(impl transition::Ports + FairQueues),
    others: &impl Sweeps,
    limits: &Limits,
    scope: &SweepScope,
    deadline: Timestamp,
) -> Result<Report, Error> {
    let swept = sweep::run(ports, others, limits, scope, stop_at(deadline, ports.now())).await;
    swept.inspect_err(|error| tracing::error!(error = hub::chain(error), "a sweep ended early"))
}

/// When a sweep that begins `now` stops, in an invocation that is ended at `deadline`.
fn stop_at(deadline: Timestamp, now: Timestamp) -> Timestamp {
    let reserve = i64::try_from(RESERVE.as_millis()).unwrap_or(i64::MAX);
    let in_time = Timestamp::from_milliseconds(deadline.as_milliseconds().saturating_sub(reserve));
    in_time.min(now + LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_stops_before_its_invocation_and_before_the_next_sweep() {
        let at = |seconds: i64| Timestamp::from_milliseconds(1_790_000_000_000 + 1000 * seconds);
        for (deadline, stop) in [(60, 50), (900, 50), (55, 50), (54, 49), (30, 25), (5, 0), (1, -4), (-10, -15)] {
            assert_eq!(stop_at(at(deadline), at(0)), at(stop), "{deadline}");
        }
        let (first, last) = (Timestamp::from_milliseconds(i64::MIN), Timestamp::from_milliseconds(i64::MAX));
        assert_eq!((stop_at(first, at(0)), stop_at(last, at(0))), (first, at(50)));
    }
}

//! The limiter: the generic cell rate algorithm (ITU-T I.371), one number of state.
//!
//! The theoretical arrival time is when the bucket would be empty if no call came any more. A call
//! is granted if that stays within a burst of `now`. So any rolling hour sees at most the rate and
//! one burst. A lowered rate lowers the burst with it: its length in time stays that of the full
//! rate, or whoever had used it up would be granted another when Flickr has just refused.

use std::time::Duration;

use crate::Timestamp;

/// How many calls may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Calls an hour, in the long run.
    pub calls_per_hour: u32,
    /// Calls at once, after a rest.
    pub burst_calls: u32,
}

impl Limit {
    /// For a Flickr app: Flickr allows 3,600 calls in a rolling hour. Rate and burst make 3,480; grants that are used
    /// late or given back, and clocks that differ by two seconds, stay under 3,510.
    pub const FLICKR: Limit = Limit { calls_per_hour: 3_330, burst_calls: 150 };

    /// One of so many equal parts, of one call at least.
    #[must_use]
    pub fn part(&self, of: u32) -> Self {
        let part = |calls: u32| (calls / of.max(1)).max(1);
        Self { calls_per_hour: part(self.calls_per_hour), burst_calls: part(self.burst_calls) }
    }
}

/// All of the configured rate, in thousandths.
pub const FULL_RATE: u32 = 1_000;

/// The least the rate is lowered to, in thousandths.
const LEAST_RATE: u32 = 50;

/// How much the lowered rate grows back in a minute, in thousandths of the configured one.
const GROWTH_PER_MINUTE: u32 = 10;

/// The rate is lowered once in this time: refusals that come together mean one thing.
pub(super) const LEARN_ONCE_IN: Duration = Duration::from_secs(60);

/// Calls an hour at a learned rate.
pub(super) fn learned(limit: &Limit, rate_per_mille: u32) -> u32 {
    let calls = u64::from(limit.calls_per_hour.max(1)) * u64::from(rate_per_mille) / u64::from(FULL_RATE);
    u32::try_from(calls).unwrap_or(u32::MAX).max(1)
}

fn interval(limit: &Limit, rate_per_mille: u32) -> Duration {
    interval_at(learned(limit, rate_per_mille))
}

/// The time between two calls at a rate, rounded up.
pub(super) fn interval_at(calls_per_hour: u32) -> Duration {
    Duration::from_millis(3_600_000_u64.div_ceil(u64::from(calls_per_hour.max(1))))
}

/// How an arrival time moves, and where it must stand for that: others may have moved it meanwhile, as long as there is
/// room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// The bucket was empty at `now`, and fills until `to`.
    Fill { now: Timestamp, to: Timestamp },
    /// The bucket was not empty at `now`: the arrival time is `by` later, where it is no later than `latest` before.
    Advance { now: Timestamp, latest: Timestamp, by: Duration },
}

impl Move {
    /// By how much it moves a bucket.
    pub(super) fn length(self) -> Duration {
        match self {
            Move::Fill { now, to } => to.since(now),
            Move::Advance { by, .. } => by,
        }
    }

    /// The arrival time after the move; `None` where it stands elsewhere than the move says.
    pub(super) fn of(self, arrival: Option<Timestamp>) -> Option<Timestamp> {
        match self {
            Move::Fill { now, to } => arrival.is_none_or(|at| at <= now).then_some(to),
            Move::Advance { now, latest, by } => arrival.filter(|at| *at > now && *at <= latest).map(|at| at + by),
        }
    }
}

/// How the arrival time moves for `calls`, or when they can be asked for again.
pub(super) fn take(
    arrival: Option<Timestamp>,
    limit: &Limit,
    rate_per_mille: u32,
    calls: u32,
    now: Timestamp,
) -> Result<Move, Timestamp> {
    let interval = interval(limit, rate_per_mille);
    let (by, furthest) = (interval * calls, now + burst(limit, interval));
    let after = arrival.map_or(now, |arrival| arrival.max(now)) + by;
    if after > furthest {
        return Err(now + after.since(furthest));
    }
    Ok(match arrival.filter(|arrival| *arrival > now) {
        Some(_) => Move::Advance { now, latest: furthest.before(by), by },
        None => Move::Fill { now, to: after },
    })
}

/// How far ahead of now the arrival time may be: by a burst at the full rate, and by one call at any.
fn burst(limit: &Limit, interval_at_rate: Duration) -> Duration {
    (interval(limit, FULL_RATE) * limit.burst_calls).max(interval_at_rate)
}

/// How much earlier the arrival time becomes when calls of this `length` are given back at `now` that had moved it to
/// `to`: by what has not drained yet. What has drained was room for others already.
pub(super) fn given_back(length: Duration, to: Timestamp, now: Timestamp) -> Duration {
    length.min(to.since(now))
}

/// Calls that would be granted at once.
pub(super) fn remaining(arrival: Option<Timestamp>, limit: &Limit, rate_per_mille: u32, now: Timestamp) -> u32 {
    let interval = interval(limit, rate_per_mille);
    let used = arrival.map_or(Duration::ZERO, |arrival| arrival.since(now));
    let left = burst(limit, interval).saturating_sub(used);
    u32::try_from(left.as_millis() / interval.as_millis().max(1)).unwrap_or(u32::MAX)
}

/// Calls that would be granted at once after a rest.
pub(super) fn burst_calls(limit: &Limit, rate_per_mille: u32) -> u32 {
    remaining(None, limit, rate_per_mille, Timestamp::from_milliseconds(0))
}

/// The rate after Flickr refused calls below it.
pub(super) fn lowered(rate_per_mille: u32) -> u32 {
    (rate_per_mille / 2).max(LEAST_RATE)
}

/// The rate some time after it was lowered.
pub(super) fn grown(rate_per_mille: u32, since: Duration) -> u32 {
    let minutes = u32::try_from(since.as_secs() / 60).unwrap_or(u32::MAX);
    rate_per_mille.saturating_add(minutes.saturating_mul(GROWTH_PER_MINUTE)).min(FULL_RATE)
}

//! Back-pressure: how many jobs of an account may wait for the budget, and for how long one that is
//! turned away should stay away.

use std::time::Duration;

use crate::{Day, Timestamp};

/// Jobs of one account that may be pending.
pub const MAX_PENDING: u32 = 1_000;

/// How many jobs of an account may be pending that could first start on the day of `start`, where `yesterday` are of
/// the day before `now`'s.
///
/// A run has a day, so those that can run today started yesterday or today. None is added to them while they are
/// `max_pending_jobs` together. Jobs of a later day count for that day alone, so that of two full days the second may
/// begin with more.
pub fn most_pending(max_pending_jobs: u32, yesterday: u32, start: Timestamp, now: Timestamp) -> u32 {
    if Day::of(start) <= Day::of(now) { max_pending_jobs.saturating_sub(yesterday) } else { max_pending_jobs }
}

/// The time in which a tenth of `max_pending_jobs` is worked off at `calls_per_hour`, in whole
/// seconds, rounded up: whoever comes back then finds room, and does not come back for each job.
pub fn retry_after(max_pending_jobs: u32, calls_per_hour: u32) -> Duration {
    let jobs = u64::from(max_pending_jobs.div_ceil(10).max(1));
    Duration::from_secs((jobs * 3_600).div_ceil(u64::from(calls_per_hour.max(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_can_run_today_are_bounded_together_and_those_of_a_later_day_by_themselves() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let now = at("2026-09-21T14:00:00Z");
        for (start, expected) in [
            (now, 7),
            (at("2026-09-21T23:59:59.999Z"), 7),
            (at("2026-09-22T00:00:00Z"), 10),
            (at("2027-09-21T14:00:00Z"), 10),
        ] {
            assert_eq!(most_pending(10, 3, start, now), expected, "{start}");
        }
        assert_eq!(most_pending(10, 11, now, now), 0);
    }

    #[test]
    fn the_wait_is_a_tenth_of_the_maximum_at_the_rate() {
        let table = [
            (1_000, 3_330, 109), // 100 jobs, 1.0811 s each
            (1_000, 166, 2_169),
            (1_000, 3_600_000, 1),
            (1, 3_600, 1),
            (11, 3_600, 2),
            (0, 0, 3_600),
            (u32::MAX, 1, 429_496_730 * 3_600),
        ];
        for (max_pending_jobs, calls_per_hour, seconds) in table {
            let wait = retry_after(max_pending_jobs, calls_per_hour);
            assert_eq!(wait, Duration::from_secs(seconds), "{max_pending_jobs} at {calls_per_hour}");
        }
    }
}

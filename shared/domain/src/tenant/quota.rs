//! How many jobs a tenant may have accepted in an hour and in a day.
//!
//! The windows are those of the clock, in UTC: the hour from 14:00 to 15:00, the day from midnight to midnight. So one
//! count of each is enough, and who is refused knows when the next window begins.

use std::time::Duration;

use crate::{Day, Timestamp};

/// A window in which jobs are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaWindow {
    Hour,
    Day,
}

/// How many jobs a tenant may have accepted; where a quota is absent, any number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobQuotas {
    pub per_hour: Option<u32>,
    pub per_day: Option<u32>,
}

/// How many jobs were accepted in the current windows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JobCounts {
    pub of_hour: u32,
    pub of_day: u32,
}

/// A quota that allows no other job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViolatedQuota {
    pub window: QuotaWindow,
    /// How many it allows in a window.
    pub jobs: u32,
}

impl QuotaWindow {
    /// How long it is.
    pub const fn length(self) -> Duration {
        match self {
            Self::Hour => Duration::from_secs(60 * 60),
            Self::Day => Duration::from_secs(24 * 60 * 60),
        }
    }

    /// The name of the policy, as callers see it.
    pub const fn policy(self) -> &'static str {
        match self {
            Self::Hour => "jobs-per-hour",
            Self::Day => "jobs-per-day",
        }
    }

    /// When the next window begins, seen from `now`.
    pub fn end(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Hour => {
                let seconds = now.as_seconds().rem_euclid(3_600);
                Timestamp::from_milliseconds((now.as_seconds() - seconds) * 1_000) + self.length()
            }
            Self::Day => Day::of(now).end(),
        }
    }
}

/// The hour of its day, from 0 to 23.
pub const fn hour_of_day(point: Timestamp) -> i64 {
    point.as_seconds().div_euclid(3_600).rem_euclid(24)
}

impl JobQuotas {
    /// Whether jobs must be counted at all.
    pub const fn are_set(&self) -> bool {
        self.per_hour.is_some() || self.per_day.is_some()
    }

    /// The quota that allows no other job; of two, the one that does so for longer.
    pub fn violated(&self, counts: JobCounts) -> Option<ViolatedQuota> {
        let used_up = |window, quota: Option<u32>, count| {
            quota.filter(|jobs| count >= *jobs).map(|jobs| ViolatedQuota { window, jobs })
        };
        used_up(QuotaWindow::Day, self.per_day, counts.of_day)
            .or_else(|| used_up(QuotaWindow::Hour, self.per_hour, counts.of_hour))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_window_ends_within_its_length_and_the_next_begins_there(at in 0..4_000_000_000_000_i64) {
            let now = Timestamp::from_milliseconds(at);
            for window in [QuotaWindow::Hour, QuotaWindow::Day] {
                let end = window.end(now);
                prop_assert!(end > now && end.since(now) <= window.length());
                prop_assert_eq!(window.end(end), end + window.length());
            }
            let next = QuotaWindow::Hour.end(now);
            prop_assert_eq!(hour_of_day(next), (hour_of_day(now) + 1) % 24);
            prop_assert_eq!(Day::of(next) == Day::of(now), hour_of_day(next) != 0);
        }

        #[test]
        fn so_many_jobs_are_accepted_as_the_quotas_allow(
            per_hour in prop::option::of(0..9_u32), per_day in prop::option::of(0..9_u32), jobs in 0..9_u32,
        ) {
            let violated = JobQuotas { per_hour, per_day }.violated(JobCounts { of_hour: jobs, of_day: jobs });
            let is_allowed = per_hour.is_none_or(|most| jobs < most) && per_day.is_none_or(|most| jobs < most);
            prop_assert_eq!(violated.is_none(), is_allowed);
        }
    }

    #[test]
    fn who_has_used_up_both_waits_for_the_day() {
        let quotas = JobQuotas { per_hour: Some(2), per_day: Some(3) };
        let window = |of_hour, of_day| quotas.violated(JobCounts { of_hour, of_day }).map(|violated| violated.window);
        assert_eq!(window(1, 2), None);
        assert_eq!(window(2, 2), Some(QuotaWindow::Hour));
        assert_eq!(window(2, 3), Some(QuotaWindow::Day));
    }
}

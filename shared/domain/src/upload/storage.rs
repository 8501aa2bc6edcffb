//! How many bytes of files a tenant may have stored.
//!
//! They are counted by the day on which their uploads were made: an upload is kept for so many days, and so a count
//! that is too high is forgotten with its day.

use std::collections::BTreeMap;

use crate::{Day, Timestamp, timing::UPLOAD_RETENTION};

/// Bytes of files that one tenant may have stored.
pub const MAX_STORED_BYTES: u64 = 100 * BYTES_PER_GIGABYTE;

/// Bytes of a gigabyte, as S3 is paid for.
pub const BYTES_PER_GIGABYTE: u64 = 1_000_000_000;

/// The first day whose uploads are still kept.
pub fn first_kept_day(now: Timestamp) -> Day {
    Day::of(now.before(UPLOAD_RETENTION))
}

/// How many bytes may be counted on `today`, where so many are on each day whose uploads are kept: all days together
/// stay at `max_stored_bytes`.
pub fn most_stored(max_stored_bytes: u64, counts: &BTreeMap<Day, u64>, today: Day) -> u64 {
    let others = counts.iter().filter(|(day, _)| **day != today).map(|(_, bytes)| *bytes);
    max_stored_bytes.saturating_sub(others.fold(0, u64::saturating_add))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn all_days_together_are_bounded() {
        let today = Day::of(Timestamp::from_milliseconds(1_790_000_000_000));
        let counts = |counts: &[(Day, u64)]| counts.iter().copied().collect();
        let (yesterday, earlier) = (today.before(), today.before().before());
        for (found, expected) in [
            (counts(&[]), 10),
            (counts(&[(today, 9)]), 10),
            (counts(&[(yesterday, 3), (today, 9)]), 7),
            (counts(&[(earlier, 3), (yesterday, 7)]), 0),
            (counts(&[(earlier, u64::MAX), (yesterday, 7)]), 0),
        ] {
            assert_eq!(most_stored(10, &found, today), expected, "{found:?}");
        }
    }

    #[test]
    fn an_upload_is_counted_as_long_as_it_is_kept() {
        let made_at: Timestamp = "2026-09-21T14:00:00Z".parse().unwrap();
        for (later, is_counted) in [(0, true), (7 * 24 * 3_600, true), (7 * 24 * 3_600 + 10 * 3_600, false)] {
            let now = made_at + Duration::from_secs(later);
            assert_eq!(Day::of(made_at) >= first_kept_day(now), is_counted, "{now}");
        }
    }
}

//! How much a sweep does at once, and where it begins.

use domain::Timestamp;

/// How many shards a sweep goes through side by side.
pub(super) const SHARDS_AT_ONCE: usize = 8;

/// How many jobs of a shard are moved side by side. Each takes about 11 milliseconds, and two write units of the shard's
/// partition, which has 1,000 a second.
pub(super) const JOBS_AT_ONCE: usize = 5;

/// The parts of a way around a list.
const PARTS: usize = 65_536;

/// A step around a list, in parts, that comes by each place and never soon by the same: by the golden ratio.
const STEP: usize = 40_503;

/// The list, from another place on each minute, so that none is always the last.
pub(super) fn from_another_place<T>(mut list: Vec<T>, now: Timestamp) -> Vec<T> {
    let minute = usize::try_from(now.as_seconds() / 60).unwrap_or_default();
    let first = minute.wrapping_mul(STEP) % PARTS * list.len() / PARTS;
    list.rotate_left(first);
    list
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use super::*;

    #[test]
    fn each_is_the_first_now_and_then() {
        let first = |number| {
            let now = Timestamp::from_milliseconds(1_790_000_000_000) + Duration::from_secs(60) * number;
            from_another_place((0..250).collect(), now)[0]
        };
        assert_eq!((0..1_000).map(first).collect::<BTreeSet<i32>>().len(), 250);
        let apart = |number| i32::abs(first(number) - first(number + 1));
        assert!((0..250).all(|number| (50..200).contains(&apart(number))), "the next minute begins far away");
        assert!(from_another_place(Vec::<u8>::new(), Timestamp::from_milliseconds(0)).is_empty());
    }
}

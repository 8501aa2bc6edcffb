//! The shards of the lists that a sweep goes through.

use std::ops::Range;

use domain::id::last_digits;

/// How many shards the list of open jobs and the list of fair queues have, so that none is hot.
///
/// What is listed carries its shard with it. So the number may grow: what was listed before stays where it is, in one of
/// the shards that are still read. It must not shrink while anything is listed in the shards above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shards(u8);

impl Default for Shards {
    fn default() -> Self {
        Self(8)
    }
}

impl Shards {
    /// So many shards; `None` for none at all.
    pub const fn new(number: u8) -> Option<Self> {
        if number == 0 { None } else { Some(Self(number)) }
    }

    /// All shards, by their numbers.
    pub const fn all(self) -> Range<u8> {
        0..self.0
    }

    /// The shard in which what has this id is listed from now on.
    pub fn of(self, id: &str) -> u8 {
        u8::try_from(last_digits(id, 4) % u32::from(self.0)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::JobId;

    use super::*;

    #[test]
    fn ids_are_spread_evenly_over_all_shards() {
        for number in [1, 8, 40, 255] {
            let shards = Shards::new(number).unwrap();
            let mut counts: BTreeMap<u8, u32> = BTreeMap::new();
            for id in 0..25_500_u16 {
                let [high, low] = id.wrapping_mul(0x9e37).to_be_bytes();
                let mut bytes = [7; 16];
                bytes[14..].copy_from_slice(&[high, low]);
                *counts.entry(shards.of(JobId::from_bytes(bytes).as_str())).or_default() += 1;
            }
            assert!(counts.keys().copied().eq(shards.all()), "{number}");
            let fair = 25_500 / u32::from(number);
            assert!(counts.values().all(|count| count.abs_diff(fair) <= fair / 2), "{number} {counts:?}");
        }
    }

    #[test]
    fn there_is_at_least_one_shard_and_any_id_has_one() {
        assert_eq!((Shards::new(0), Shards::new(8)), (None, Some(Shards::default())));
        assert_eq!(["", "é", "no digits"].map(|id| Shards::default().of(id)), [0; 3]);
    }
}

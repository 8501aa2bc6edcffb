//! What DynamoDB takes of each partition key of a table or of an index: so many units a second, and no more.

use std::collections::HashMap;

use domain::Timestamp;

use super::keys::Partition;

/// How many units a second each partition key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUnits {
    pub writes: u32,
    pub reads: u32,
}

impl KeyUnits {
    /// What DynamoDB gives a partition, and so a partition key:
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html>.
    pub const DYNAMODB: Self = Self { writes: 1_000, reads: 3_000 };
}

/// The units of this second that are used, by partition key.
///
/// A write takes a unit of each item, two in a transaction, and one of each index that it changes; a read takes one of
/// each partition key: what is read at once is about as long as one unit has it.
#[derive(Default)]
pub(super) struct Throughput {
    most: Option<KeyUnits>,
    second: i64,
    written: HashMap<Partition, u32>,
    read: HashMap<Partition, u32>,
    throttled: u64,
}

impl Throughput {
    /// Each partition key takes so many units from now on, or as many as come.
    pub(super) fn set_most(&mut self, units: Option<KeyUnits>) {
        self.most = units;
    }

    /// How many requests were refused.
    pub(super) fn throttled(&self) -> u64 {
        self.throttled
    }

    /// Takes write units of each of these; whether they have any left. Where one has not, none is taken.
    pub(super) fn write(&mut self, wanted: impl IntoIterator<Item = (Partition, u32)>, now: Timestamp) -> bool {
        let Some(KeyUnits { writes, .. }) = self.most else { return true };
        self.begin(now);
        let fits = take(&mut self.written, wanted.into_iter().collect(), writes);
        self.throttled += u64::from(!fits);
        fits
    }

    /// Takes a read unit of each of these; whether they have any left. Where one has not, none is taken.
    pub(super) fn read(&mut self, wanted: impl IntoIterator<Item = Partition>, now: Timestamp) -> bool {
        let Some(KeyUnits { reads, .. }) = self.most else { return true };
        self.begin(now);
        let fits = take(&mut self.read, wanted.into_iter().map(|partition| (partition, 1)).collect(), reads);
        self.throttled += u64::from(!fits);
        fits
    }

    /// A new second has all its units.
    fn begin(&mut self, now: Timestamp) {
        if self.second != now.as_seconds() {
            self.second = now.as_seconds();
            self.written.clear();
            self.read.clear();
        }
    }
}

/// DynamoDB refuses what comes when the units are used up, and not what uses up more than there are.
fn take(used: &mut HashMap<Partition, u32>, wanted: Vec<(Partition, u32)>, most: u32) -> bool {
    let fits = wanted.iter().all(|(partition, _)| used.get(partition).is_none_or(|used| *used < most));
    if fits {
        wanted.into_iter().for_each(|(partition, units)| *used.entry(partition).or_default() += units);
    }
    fits
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_000);

    #[test]
    fn a_key_takes_so_many_units_a_second_and_others_as_many() {
        let mut throughput = Throughput::default();
        throughput.set_most(Some(KeyUnits { writes: 2, reads: 3 }));
        let mut write =
            |shards: &[u8], now| throughput.write(shards.iter().map(|shard| (Partition::OpenJobs(*shard), 1)), now);
        assert_eq!([write(&[1], NOW), write(&[1, 2], NOW), write(&[1, 2], NOW)], [true, true, false]);
        assert_eq!([write(&[2], NOW), write(&[2], NOW)], [true, false], "a refused write took nothing");
        assert!(write(&[1], NOW + Duration::from_secs(1)), "the next second has all units again");
        assert_eq!(throughput.throttled(), 2);

        let mut read = || throughput.read([Partition::Quarantine], NOW);
        assert_eq!([read(), read(), read(), read()], [true, true, true, false], "reads have units of their own");
    }
}

//! Requests to DynamoDB: what a call of a port reads and writes there, and what refuses it though it is right. A
//! partition key may have no units left ([`Throughput`]), and a transaction conflicts with other writes of its items
//! ([`Holds`]).

use std::time::Duration;

use domain::{Timestamp, timing::conflict_pause};
use hub::ports::{Error, Result};

use super::{
    holds::{Holds, Writer},
    keys::{Item, Partition},
    stores::Stores,
    throughput::{KeyUnits, Throughput},
    world::World,
};
use crate::call::Call;

/// Takes a write unit of each index's partition key that a write changes an entry of; an error where one has none left,
/// and then nothing may be written.
pub(super) fn write_indexes(
    stores: &mut Stores,
    changed: impl IntoIterator<Item = Partition>,
    now: Timestamp,
) -> Result<()> {
    let wanted = changed.into_iter().map(|partition| (partition, 1));
    if stores.part::<Throughput>().write(wanted, now) { Ok(()) } else { Err(throttled()) }
}

/// Takes a read unit of each of these; an error where one has none left.
pub(super) fn read_partitions(
    stores: &mut Stores,
    partitions: impl IntoIterator<Item = Partition>,
    now: Timestamp,
) -> Result<()> {
    if stores.part::<Throughput>().read(partitions, now) { Ok(()) } else { Err(throttled()) }
}

/// Begins a write of these items; an error where DynamoDB refuses it.
fn begin(stores: &mut Stores, items: &[Item], by: Writer, now: Timestamp) -> Result<()> {
    let units = if by == Writer::Transaction { 2 } else { 1 };
    let wanted = items.iter().map(|item| (item.partition.clone(), units));
    if !stores.part::<Throughput>().write(wanted, now) {
        return Err(throttled());
    }
    if stores.part::<Holds>().hold(items, by, now) {
        return Ok(());
    }
    Err(Error::unavailable("writing an item", "a transaction and another write of the same item conflict"))
}

fn throttled() -> Error {
    Error::unavailable("using a table", "a partition key is throttled")
}

impl World {
    /// Throttles from now on, as DynamoDB does, each partition key of a table or an index: what comes beyond so many
    /// units a second is refused. `None` for as many as come, as in a new world.
    pub fn set_most_key_units(&self, units: Option<KeyUnits>) {
        self.stores(|stores, _| stores.part::<Throughput>().set_most(units));
    }

    /// Has each write hold its items for so long from now on: other writes conflict with a transaction that they meet.
    /// Nobody in a new world meets anyone.
    pub fn set_hold(&self, length: Duration) {
        self.stores(|stores, _| stores.part::<Holds>().set_length(length));
    }

    /// How many requests were throttled.
    pub fn throttled(&self) -> u64 {
        self.stores(|stores, _| stores.part::<Throughput>().throttled())
    }

    /// How many times a transaction and another write conflicted, and one of them was refused.
    pub fn conflicts(&self) -> u64 {
        self.stores(|stores, _| stores.part::<Holds>().conflicts())
    }

    /// One call of a port that reads items with these partition keys.
    pub(super) async fn read<T>(
        &self,
        call: Call,
        partitions: impl IntoIterator<Item = Partition> + Send,
        effect: impl FnOnce(&mut Stores, Timestamp) -> T + Send,
    ) -> Result<T> {
        self.call(call, |stores, now| {
            read_partitions(stores, partitions, now)?;
            Ok(effect(stores, now))
        })
        .await?
    }

    /// One call of a port that writes an item by itself.
    pub(super) async fn write<T: Send>(
        &self,
        call: Call,
        item: Item,
        effect: impl FnOnce(&mut Stores, Timestamp) -> T + Send,
    ) -> Result<T> {
        self.between_faults(call, self.attempt(&[item], Writer::Alone, effect)).await?
    }

    /// One call of a port that writes items in a transaction, all or none. It is tried so often, where it is refused
    /// because of others.
    pub(super) async fn transact<T: Send>(
        &self,
        call: Call,
        items: &[Item],
        tries: u32,
        effect: impl Fn(&mut Stores, Timestamp) -> T + Send + Sync,
    ) -> Result<T> {
        let tried = async {
            let mut attempt = 1;
            loop {
                match self.attempt(items, Writer::Transaction, &effect).await {
                    Err(_) if attempt < tries => {}
                    done => return done,
                }
                let [chance, ..] = self.bits();
                self.sleep(conflict_pause(attempt, chance)).await;
                attempt += 1;
            }
        };
        self.between_faults(call, tried).await?
    }

    /// A write that is answered when it holds its items no more.
    async fn attempt<T: Send>(
        &self,
        items: &[Item],
        by: Writer,
        effect: impl FnOnce(&mut Stores, Timestamp) -> T + Send,
    ) -> Result<T> {
        let (value, hold) = self.stores(|stores, now| {
            begin(stores, items, by, now)?;
            Ok::<_, Error>((effect(stores, now), stores.part::<Holds>().length()))
        })?;
        self.sleep(hold).await;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use domain::timing::INSERTION_TRIES;

    use super::*;
    use crate::{
        build::NOW,
        crowd::{Task, round_trips, run_at_once},
    };

    /// How many of a crowd are refused whose writes of an item of their own have one in them that all share.
    fn refused(crowd: usize, seed: u64, as_transaction: bool) -> usize {
        let world = World::new(NOW, seed);
        world.set_fault_plan(round_trips(seed, 0, 4));
        world.set_hold(Duration::from_millis(8));
        let task = |_| {
            let (world, shared) = (world.clone(), Partition::Quarantine.item("shared"));
            let task = async move {
                if as_transaction {
                    world.transact(Call::Insert, &[shared], INSERTION_TRIES, |_, _| ()).await.is_err()
                } else {
                    world.write(Call::Insert, shared, |_, _| ()).await.is_err()
                }
            };
            Box::pin(task) as Task<bool>
        };
        run_at_once(&world, (0..crowd).map(task)).into_iter().filter(|refused| *refused).count()
    }

    /// A model of DynamoDB with other code says 9 % and 42 %.
    #[test]
    fn a_crowd_is_refused_in_part_where_its_transactions_share_an_item_and_not_where_each_writes_it_alone() {
        for (crowd, percent) in [(2, 0..=0), (40, 4..=16), (100, 34..=50)] {
            let refused_of_ten: usize = (0..10).map(|seed| refused(crowd, seed, true)).sum();
            assert!(percent.contains(&(refused_of_ten * 10 / crowd)), "{refused_of_ten} of 10 * {crowd}");
            assert_eq!(refused(crowd, 0, false), 0);
        }
    }
}

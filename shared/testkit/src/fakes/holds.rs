//! Items that a write holds: for some milliseconds DynamoDB is about to write them.
//!
//! Who writes by itself waits for others that do. A transaction waits for nobody: it is cancelled where one of its items
//! is held, and what meets an item of a transaction is refused, too. Reads go on.
//! See <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling>.

use std::{collections::HashMap, time::Duration};

use domain::Timestamp;

use super::keys::Item;

/// How an item is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    /// By itself.
    Alone,
    /// With others, all or none.
    Transaction,
}

/// For how long a write holds its items, and which are held.
#[derive(Default)]
pub(super) struct Holds {
    length: Duration,
    held: HashMap<Item, (Timestamp, Writer)>,
    conflicts: u64,
}

impl Holds {
    /// Each write holds its items for so long from now on.
    pub(super) fn set_length(&mut self, length: Duration) {
        self.length = length;
    }

    pub(super) fn length(&self) -> Duration {
        self.length
    }

    /// How many writes were refused.
    pub(super) fn conflicts(&self) -> u64 {
        self.conflicts
    }

    /// Holds these items for a write. `false` where it meets another with which it conflicts, and then none is held.
    pub(super) fn hold(&mut self, items: &[Item], by: Writer, now: Timestamp) -> bool {
        if self.length.is_zero() {
            return true;
        }
        self.held.retain(|_, (until, _)| *until > now);
        let conflicts = |item| {
            let held_by = self.held.get(item).map(|(_, writer)| *writer);
            held_by.is_some_and(|writer| writer == Writer::Transaction || by == Writer::Transaction)
        };
        if items.iter().any(conflicts) {
            self.conflicts += 1;
            return false;
        }
        let until = now + self.length;
        self.held.extend(items.iter().map(|item| (item.clone(), (until, by))));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{super::keys::Partition, *};

    const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_000);
    const HOLD: Duration = Duration::from_millis(8);

    #[test]
    fn a_write_conflicts_with_a_transaction_of_its_item_as_long_as_that_holds_it() {
        let item = |sort: &str| Partition::Quarantine.item(sort);
        for (first, second, conflict) in [
            (Writer::Alone, Writer::Alone, false),
            (Writer::Alone, Writer::Transaction, true),
            (Writer::Transaction, Writer::Alone, true),
            (Writer::Transaction, Writer::Transaction, true),
        ] {
            let mut holds = Holds::default();
            holds.set_length(HOLD);
            assert!(holds.hold(&[item("a"), item("b")], first, NOW));
            assert!(holds.hold(&[item("c")], second, NOW), "another item");
            assert_eq!(holds.hold(&[item("d"), item("b")], second, NOW), !conflict, "{first:?} {second:?}");
            assert_eq!(holds.conflicts(), u64::from(conflict));
            assert!(!conflict || holds.hold(&[item("d")], Writer::Transaction, NOW), "what is refused holds nothing");
            let later = NOW + HOLD;
            assert!(holds.hold(&[item("a"), item("b")], Writer::Transaction, later), "{first:?} is done by then");
        }
    }
}

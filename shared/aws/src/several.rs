//! Several items, of one table or more, read at once.

use std::collections::HashMap;

use aws_sdk_dynamodb::{error::BuildError, types::KeysAndAttributes};
use hub::ports;

use crate::{
    error::from_sdk,
    item::{Attributes, PARTITION, SORT},
    table::{Table, pause},
};

/// How often what is answered in part is asked for.
const TRIES: u32 = 6;

/// As [`get_all`], of a number of items that is known.
pub(crate) async fn get_several<const N: usize>(
    wanted: [(&Table, Attributes); N],
    what: &'static str,
) -> ports::Result<[Option<Attributes>; N]> {
    let found = get_all(wanted.into(), what).await?;
    found.try_into().map_err(|_| ports::Error::broken(what, "there are as many answers as keys"))
}

/// The items with these tables and keys, in their order, read consistently: `None` where there is none. No two keys
/// are the same.
pub(crate) async fn get_all(
    wanted: Vec<(&Table, Attributes)>,
    what: &'static str,
) -> ports::Result<Vec<Option<Attributes>>> {
    let Some(client) = wanted.first().map(|(table, _)| table.client()) else { return Ok(Vec::new()) };
    let mut rest: HashMap<String, Vec<Attributes>> = HashMap::new();
    for (table, key) in &wanted {
        rest.entry(table.name().to_owned()).or_default().push(key.clone());
    }
    let of_table = |(table, keys)| {
        let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        keys.map(|keys| (table, keys)).map_err(|error: BuildError| ports::Error::broken(what, error))
    };
    let mut rest: HashMap<String, KeysAndAttributes> = rest.into_iter().map(of_table).collect::<Result<_, _>>()?;
    let mut found: Vec<(String, Attributes)> = Vec::new();
    for attempt in 0..TRIES {
        pause(attempt).await;
        let answer = client.batch_get_item().set_request_items(Some(rest)).send().await.map_err(from_sdk(what))?;
        for (table, items) in answer.responses.unwrap_or_default() {
            found.extend(items.into_iter().map(|item| (table.clone(), item)));
        }
        rest = answer.unprocessed_keys.unwrap_or_default();
        rest.retain(|_, keys| !keys.keys().is_empty());
        if rest.is_empty() {
            return Ok(wanted.iter().map(|(table, key)| take(&mut found, table.name(), key)).collect());
        }
    }
    Err(ports::Error::unavailable(what, "the tables answer in part only"))
}

/// Takes the item of the table with this key out of those that were found.
fn take(found: &mut Vec<(String, Attributes)>, table: &str, key: &Attributes) -> Option<Attributes> {
    let has = |item: &Attributes, name: &str| item.get(name) == key.get(name);
    let is_it = |(name, item): &(String, Attributes)| name == table && has(item, PARTITION) && has(item, SORT);
    found.iter().position(is_it).map(|position| found.swap_remove(position).1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item;

    #[test]
    fn an_item_is_told_by_its_table_and_both_keys() {
        let found = || {
            let mut here = item::key("a", "1");
            here.insert("x".to_owned(), item::number(7));
            vec![("one".to_owned(), here), ("two".to_owned(), item::key("a", "2"))]
        };
        let taken = take(&mut found(), "one", &item::key("a", "1")).unwrap();
        assert_eq!(taken.get("x"), Some(&item::number(7)));
        for (table, partition, sort) in [("one", "a", "2"), ("two", "a", "1"), ("one", "b", "1"), ("three", "a", "2")] {
            assert_eq!(take(&mut found(), table, &item::key(partition, sort)), None);
        }
    }
}

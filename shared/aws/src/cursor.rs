//! Where a page of a whole table begins, as text: after the item with a key.

use hub::ports;

use crate::item::{self, Attributes, PARTITION, Reader, SORT};

/// Between the two keys; no partition key has it.
const SEPARATOR: char = '/';

/// The key of the item that the page begins after.
pub(crate) fn start(cursor: &str, what: &'static str) -> ports::Result<Attributes> {
    let keys = cursor.split_once(SEPARATOR).ok_or_else(|| ports::Error::broken(what, "the cursor is malformed"))?;
    Ok(item::key(keys.0, keys.1))
}

/// The cursor of the page after the item with this key.
pub(crate) fn after(key: &Attributes) -> ports::Result<String> {
    let key = Reader(key);
    Ok(format!("{}{SEPARATOR}{}", key.text(PARTITION)?, key.text(SORT)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_the_key_of_any_item() {
        for key in [item::key("ten_1#job_2", "JOB"), item::key("QUARANTINE", "a/b c")] {
            assert_eq!(start(&after(&key).unwrap(), "listing").unwrap(), key);
        }
        assert!(start("ten_1#job_2", "listing").is_err());
    }
}

//! All jobs that are open or dead, by reading the whole table: an operator does, no function may.

use domain::JobRef;
use hub::{page::Page, ports};

use super::keys::{JOB, NEXT_CHECK_AT, job_of};
use crate::{
    Cloud,
    error::from_sdk,
    item::{self, Attributes, PARTITION, Reader, SORT, text},
};

const LISTING: &str = "listing all open and dead jobs";

/// Between the two keys of a cursor; neither has it.
const SEPARATOR: char = '\n';

/// Where a page begins: after the item with this key, of whatever kind.
fn start(cursor: &str) -> ports::Result<Attributes> {
    let keys = cursor.split_once(SEPARATOR).ok_or_else(|| ports::Error::broken(LISTING, "the cursor is malformed"))?;
    Ok(item::key(keys.0, keys.1))
}

fn cursor(key: &Attributes) -> ports::Result<String> {
    let key = Reader(key);
    Ok(format!("{}{SEPARATOR}{}", key.text(PARTITION)?, key.text(SORT)?))
}

impl Cloud {
    /// See [`ports::Jobs::open_and_dead_jobs`]. An open job is one that has a next check.
    pub(super) async fn list_open_and_dead_jobs(
        &self,
        after: Option<&str>,
        limit: u16,
    ) -> ports::Result<Page<JobRef, String>> {
        let scan = self
            .jobs
            .scan()
            .filter_expression(format!("{SORT} = :job AND (attribute_exists({NEXT_CHECK_AT}) OR #phase = :dead)"))
            .expression_attribute_names("#phase", "phase")
            .expression_attribute_values(":job", text(JOB))
            .expression_attribute_values(":dead", text("dead"))
            .projection_expression(PARTITION)
            .consistent_read(true)
            .limit(limit.into())
            .set_exclusive_start_key(after.map(start).transpose()?);
        let page = scan.send().await.map_err(from_sdk(LISTING))?;
        let items = page.items().iter().map(job_of).collect::<ports::Result<_>>()?;
        Ok(Page { items, next: page.last_evaluated_key().map(cursor).transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_the_key_of_any_item() {
        for key in [item::key("ten_1#job_2", JOB), item::key("QUARANTINE", "a#b c")] {
            assert_eq!(start(&cursor(&key).unwrap()).unwrap(), key);
        }
        assert!(start("ten_1#job_2").is_err());
    }
}

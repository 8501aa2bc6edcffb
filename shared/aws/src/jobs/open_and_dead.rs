//! All jobs that are open or dead, by reading the whole table: an operator does, no function may.

use domain::JobRef;
use hub::{page::Page, ports};

use super::keys::{JOB, NEXT_CHECK_AT, job_of};
use crate::{
    Cloud, cursor,
    error::from_sdk,
    item::{PARTITION, SORT, text},
};

const LISTING: &str = "listing all open and dead jobs";

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
            .set_exclusive_start_key(after.map(|cursor| cursor::start(cursor, LISTING)).transpose()?);
        let page = scan.send().await.map_err(from_sdk(LISTING))?;
        let items = page.items().iter().map(job_of).collect::<ports::Result<_>>()?;
        Ok(Page { items, next: page.last_evaluated_key().map(cursor::after).transpose()? })
    }
}

//! The list of dead jobs, and messages that cannot be read, in the jobs table.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `tenant#DEAD` | the job's cursor: time and id | the job's id |
//! | `QUARANTINE` | message id | the message's body |
//!
//! The write of a job's death puts the entry, and that of its replay removes it: see `jobs/commit.rs`.

use domain::{
    TenantId, Timestamp,
    job::{Job, Phase, dead_list_cursor},
};
use hub::ports::{self, DeadJobs, ListedDeadJob};

use crate::{
    Cloud,
    error::from_sdk,
    item::{self, Attributes, EXPIRES_AT, PARTITION, Reader, SORT, expiry, named, text},
};

/// The longest body that is stored in quarantine, in bytes: SQS's own limit is 1 MiB, an item's 400 KB.
const MAX_QUARANTINED_BYTES: usize = 300 * 1024;

fn partition(tenant: &TenantId) -> String {
    format!("{tenant}#DEAD")
}

/// The key of the entry with this cursor.
pub(crate) fn key(tenant: &TenantId, cursor: &str) -> Attributes {
    item::key(partition(tenant), cursor)
}

/// The entry of a dead job.
pub(crate) fn entry(job: &Job, cursor: &str, expires_at: Option<Timestamp>) -> Attributes {
    let mut item = key(job.tenant(), cursor);
    item.extend(named([("job", text(job.id.as_str()))]));
    item.extend(named(expires_at.map(|at| (EXPIRES_AT, expiry(at)))));
    item
}

fn read(item: &Attributes) -> ports::Result<ListedDeadJob> {
    let reader = Reader(item);
    Ok(ListedDeadJob { id: reader.parsed("job")?, cursor: reader.text(SORT)?.to_owned() })
}

impl DeadJobs for Cloud {
    async fn dead_jobs(
        &self,
        tenant: &TenantId,
        cursor: Option<&str>,
        limit: u16,
    ) -> ports::Result<Vec<ListedDeadJob>> {
        let query = self
            .jobs
            .query()
            .key_condition_expression(format!("{PARTITION} = :tenant AND {SORT} > :after"))
            .expression_attribute_values(":tenant", text(partition(tenant)))
            .expression_attribute_values(":after", text(cursor.unwrap_or("0")))
            .limit(limit.into())
            .consistent_read(true);
        let page = query.send().await.map_err(from_sdk("listing dead jobs"))?;
        page.items().iter().map(read).collect()
    }

    async fn discard_dead_job(&self, job: &Job) -> ports::Result<bool> {
        let Phase::Dead { at, .. } = &job.state.phase else { return Ok(false) };
        self.jobs.remove(key(job.tenant(), &dead_list_cursor(*at, &job.id)), "discarding a dead job").await
    }

    async fn quarantine(&self, message_id: &str, body: &str, expires_at: Timestamp) -> ports::Result<()> {
        let end = body.floor_char_boundary(MAX_QUARANTINED_BYTES.min(body.len()));
        let mut item = item::key("QUARANTINE", message_id);
        item.extend(named([("body", text(&body[..end])), (EXPIRES_AT, expiry(expires_at))]));
        self.jobs.put(item, "storing a message that cannot be read").await
    }
}

//! The list of jobs to look at, the desk of dead jobs, the quarantine.

use aws_sdk_dynamodb::types::ReturnValue;
use domain::{JobId, TenantId, Timestamp, job::Job};
use hub::ports::{self, DiscardDead, Due, ListDead, ListDue, PostponeLook, Quarantine};

use super::{JOB, LOOK_AT, LOOK_SHARD, OPEN_INDEX, ids_of, key, record::dead_cursor};
use crate::{
    Cloud,
    error::from_sdk,
    item::{self, Attributes, EXPIRES_AT, PARTITION, Reader, SORT, expiry, named, text, time},
};

/// The longest body that is kept in quarantine, in bytes: SQS's own limit is 1 MiB, an item's
/// 400 KB.
const MAX_QUARANTINED_BYTES: usize = 300 * 1024;

impl ListDue for Cloud {
    async fn due_jobs(&self, shard: u8, now: Timestamp, limit: u16) -> ports::Result<Vec<Due>> {
        let page = self
            .dynamo
            .query()
            .table_name(&self.jobs_table)
            .index_name(OPEN_INDEX)
            .key_condition_expression(format!("{LOOK_SHARD} = :shard AND {LOOK_AT} <= :now"))
            .expression_attribute_values(":shard", text(shard.to_string()))
            .expression_attribute_values(":now", time(now))
            .limit(limit.into())
            .send()
            .await
            .map_err(from_sdk("listing the jobs to look at"))?;
        let due = page.items().iter().map(|item| {
            let (tenant, id) = ids_of(item)?;
            Ok(Due { tenant, id, look_at: Reader(item).time(LOOK_AT)? })
        });
        due.collect()
    }
}

impl PostponeLook for Cloud {
    async fn postpone_look(&self, due: &Due, look_at: Timestamp) -> ports::Result<()> {
        let answer = self
            .dynamo
            .update_item()
            .table_name(&self.jobs_table)
            .set_key(Some(key(&due.tenant, &due.id, JOB)))
            .condition_expression(format!("{LOOK_AT} = :was"))
            .update_expression(format!("SET {LOOK_AT} = :look_at"))
            .expression_attribute_values(":was", time(due.look_at))
            .expression_attribute_values(":look_at", time(look_at))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(from_sdk("putting a look off")(error)),
        }
    }
}

fn dead_partition(tenant: &TenantId) -> String {
    format!("{tenant}#DEAD")
}

/// The key of a dead job on the desk.
pub(super) fn dead_key(tenant: &TenantId, cursor: &str) -> Attributes {
    item::key(dead_partition(tenant), cursor)
}

/// The desk's item of a job, if it is dead.
pub(super) fn dead_item(job: &Job, expires_at: Option<Timestamp>) -> Option<Attributes> {
    let mut item = dead_key(&job.tenant, &dead_cursor(job)?);
    item.extend(named([("job", text(job.id.as_str()))]));
    item.extend(named(expires_at.map(|at| (EXPIRES_AT, expiry(at)))));
    Some(item)
}

impl ListDead for Cloud {
    async fn dead_jobs(
        &self,
        tenant: &TenantId,
        cursor: Option<&str>,
        limit: u16,
    ) -> ports::Result<Vec<(JobId, String)>> {
        let after = cursor.unwrap_or("0");
        let page = self
            .dynamo
            .query()
            .table_name(&self.jobs_table)
            .key_condition_expression(format!("{PARTITION} = :tenant AND {SORT} > :after"))
            .expression_attribute_values(":tenant", text(dead_partition(tenant)))
            .expression_attribute_values(":after", text(after))
            .limit(limit.into())
            .consistent_read(true)
            .send()
            .await
            .map_err(from_sdk("listing dead jobs"))?;
        let listed = page.items().iter().map(|item| {
            let reader = Reader(item);
            Ok((reader.parsed("job")?, reader.text(SORT)?.to_owned()))
        });
        listed.collect()
    }
}

impl DiscardDead for Cloud {
    async fn discard_dead(&self, job: &Job) -> ports::Result<bool> {
        let Some(cursor) = dead_cursor(job) else { return Ok(false) };
        let delete = self.dynamo.delete_item().table_name(&self.jobs_table);
        let delete = delete.set_key(Some(dead_key(&job.tenant, &cursor))).return_values(ReturnValue::AllOld);
        Ok(delete.send().await.map_err(from_sdk("discarding a dead job"))?.attributes.is_some())
    }
}

impl Quarantine for Cloud {
    async fn quarantine(&self, message_id: &str, body: &str, expires_at: Timestamp) -> ports::Result<()> {
        let end = body.floor_char_boundary(MAX_QUARANTINED_BYTES.min(body.len()));
        let mut item = item::key("QUARANTINE", message_id);
        item.extend(named([("body", text(&body[..end])), (EXPIRES_AT, expiry(expires_at))]));
        self.put(&self.jobs_table, item, "keeping a message that cannot be read").await
    }
}

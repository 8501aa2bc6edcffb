//! Counts of stored bytes, in the jobs table: one small item for each tenant and day on which uploads were made.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `tenant#BYTES` | the day | how many bytes the uploads have that were made on that day |
//!
//! A count changes as one of [pending jobs](crate::pending_jobs) does.

use std::collections::BTreeMap;

use domain::{Day, TenantId, timing::UPLOAD_RETENTION};
use hub::ports::{self, StoredBytes};

use crate::{
    Cloud,
    item::{self, Attributes, EXPIRES_AT, PARTITION, Reader, SORT, expiry, text, unreadable, whole},
    table::{list, once, written_if},
};

const STORED: &str = "stored_bytes";

fn partition(tenant: &TenantId) -> String {
    format!("{tenant}#BYTES")
}

fn key(tenant: &TenantId, day: Day) -> Attributes {
    item::key(partition(tenant), day.to_string())
}

impl StoredBytes for Cloud {
    async fn count_bytes(&self, tenant: &TenantId, day: Day, bytes: u64, most: u64) -> ports::Result<bool> {
        let Some(room) = most.checked_sub(bytes) else { return Ok(false) };
        let update = self
            .jobs
            .update(key(tenant, day))
            .condition_expression(format!("attribute_not_exists({STORED}) OR {STORED} <= :room"))
            .update_expression(format!("SET {EXPIRES_AT} = :expires_at ADD {STORED} :bytes"))
            .expression_attribute_values(":room", whole(room))
            .expression_attribute_values(":expires_at", expiry(day.end() + UPLOAD_RETENTION))
            .expression_attribute_values(":bytes", whole(bytes));
        written_if(update.send().await, "counting the bytes of a file")
    }

    async fn discount_bytes(&self, tenant: &TenantId, day: Day, bytes: u64) -> ports::Result<()> {
        let update = self
            .jobs
            .update(key(tenant, day))
            .condition_expression(format!("{STORED} >= :bytes"))
            .update_expression(format!("SET {STORED} = {STORED} - :bytes"))
            .expression_attribute_values(":bytes", whole(bytes));
        let answer = update.customize().config_override(once()).send().await;
        written_if(answer, "counting the bytes of a file that is gone").map(|_| ())
    }

    async fn stored_bytes(&self, tenant: &TenantId, from: Day) -> ports::Result<BTreeMap<Day, u64>> {
        let query = self
            .jobs
            .query()
            .key_condition_expression(format!("{PARTITION} = :tenant AND {SORT} >= :from"))
            .expression_attribute_values(":tenant", text(partition(tenant)))
            .expression_attribute_values(":from", text(from.to_string()))
            .consistent_read(true);
        let counted = |item: &Attributes| {
            let reader = Reader(item);
            let day = reader.text(SORT)?.parse().map_err(|_| unreadable(SORT))?;
            Ok((day, reader.whole(STORED)?))
        };
        let counts = list(query, None, u16::MAX, "adding up stored bytes").await?;
        let counts = counts.iter().map(counted).filter(|count| !matches!(count, Ok((_, 0))));
        counts.collect()
    }
}

//! The days on which API keys were last used, in the runtime table.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `KEY_USE#tenant` | id of a key | the day on which it was last used |
//!
//! A process writes a key's day once, and a condition refuses what others have written. The items are not beside the
//! keys, whose rows no function may write.

use std::{collections::BTreeMap, time::Duration};

use domain::{Day, KeyId, TenantId};
use hub::ports::{self, KeyUses};

use crate::{
    Cloud,
    item::{self, Attributes, EXPIRES_AT, PARTITION, Reader, SORT, expiry, text},
    table::{list, written_if},
};

/// How long a day is kept: for who asks which keys were not used for a year.
const RETENTION: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The day, as `2026-09-21`.
const USED_ON: &str = "used_on";

fn partition(tenant: &TenantId) -> String {
    format!("KEY_USE#{tenant}")
}

impl KeyUses for Cloud {
    async fn note_key_use(&self, tenant: &TenantId, key: &KeyId, day: Day) -> ports::Result<()> {
        if self.key_use_cache.get(key).is_some_and(|noted| noted >= day) {
            return Ok(());
        }
        let update = self
            .runtime
            .update(item::key(partition(tenant), key.as_str()))
            .condition_expression(format!("attribute_not_exists({USED_ON}) OR {USED_ON} < :day"))
            .update_expression(format!("SET {USED_ON} = :day, {EXPIRES_AT} = :expires_at"))
            .expression_attribute_values(":day", text(day.to_string()))
            .expression_attribute_values(":expires_at", expiry(day.end() + RETENTION));
        written_if(update.send().await, "noting the use of an API key")?;
        self.key_use_cache.set(key, day);
        Ok(())
    }

    async fn key_uses(&self, tenant: &TenantId) -> ports::Result<BTreeMap<KeyId, Day>> {
        let query = self
            .runtime
            .query()
            .key_condition_expression(format!("{PARTITION} = :tenant"))
            .expression_attribute_values(":tenant", text(partition(tenant)))
            .consistent_read(true);
        let used = |item: &Attributes| Ok((Reader(item).parsed(SORT)?, Reader(item).parsed(USED_ON)?));
        list(query, None, u16::MAX, "listing the uses of API keys").await?.iter().map(used).collect()
    }
}

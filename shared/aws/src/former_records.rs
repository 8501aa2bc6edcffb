//! Records as a former release stored them, by reading whole tables: an operator does, no function may.
//!
//! | as a former release stored it | as it is stored now |
//! |---|---|
//! | a tenant in its own partition, where functions may write | in `TENANT#tenant` |
//! | an API key without an id, for everything | with an id and its scopes, listed in `TENANT#tenant` |
//! | a job without the attribute `history_account` | with it, so that the index `history` has it |
//!
//! What else former releases stored otherwise is read as it is, and is over in time: locks of uploads, entries of dead
//! jobs.

use domain::{AccountRef, JobRef, KeyId};
use hub::{
    keyed_hash::ApiKeyHash,
    page::Page,
    ports::{self, FormerRecord, FormerRecords, FormerStore},
};

use crate::{
    Cloud, cursor,
    error::from_sdk,
    item::{Attributes, PARTITION, Reader, SORT, text, unreadable},
    jobs::keys::{HISTORY_ACCOUNT, JOB, job_key, job_of},
    table::written_if,
    tenants::{FORMER_TENANT, KEY, KEY_ID, SORT_OF_KEY, TENANT},
};

const LISTING: &str = "listing records of a former release";
const MIGRATING_JOB: &str = "migrating a job";

fn read_tenant_or_key(item: &Attributes) -> ports::Result<FormerRecord> {
    let partition = Reader(item).text(PARTITION)?;
    match partition.strip_prefix(KEY) {
        Some(hash) => {
            let hash = ApiKeyHash::from_stored(hash.to_owned());
            Ok(FormerRecord::ApiKey(Reader(item).parsed("tenant")?, hash))
        }
        None => Ok(FormerRecord::Tenant(partition.parse().map_err(|_| unreadable(PARTITION))?)),
    }
}

impl FormerRecords for Cloud {
    async fn former_records(
        &self,
        store: FormerStore,
        after: Option<&str>,
        limit: u16,
    ) -> ports::Result<Page<FormerRecord, String>> {
        let scan = match store {
            FormerStore::Tenants => self
                .vault
                .scan()
                .filter_expression(format!(
                    "({SORT} = :tenant AND begins_with({PARTITION}, :own)) \
                     OR ({SORT} = :key AND attribute_not_exists({KEY_ID}))"
                ))
                .expression_attribute_values(":tenant", text(TENANT))
                .expression_attribute_values(":own", text(FORMER_TENANT))
                .expression_attribute_values(":key", text(SORT_OF_KEY)),
            FormerStore::Jobs => self
                .jobs
                .scan()
                .filter_expression(format!("{SORT} = :job AND attribute_not_exists({HISTORY_ACCOUNT})"))
                .expression_attribute_values(":job", text(JOB)),
        };
        let scan = scan
            .projection_expression(format!("{PARTITION}, tenant"))
            .consistent_read(true)
            .limit(limit.into())
            .set_exclusive_start_key(after.map(|after| cursor::start(after, LISTING)).transpose()?);
        let page = scan.send().await.map_err(from_sdk(LISTING))?;
        let record = |item: &Attributes| match store {
            FormerStore::Tenants => read_tenant_or_key(item),
            FormerStore::Jobs => job_of(item).map(FormerRecord::Job),
        };
        let items = page.items().iter().map(record).collect::<ports::Result<_>>()?;
        Ok(Page { items, next: page.last_evaluated_key().map(cursor::after).transpose()? })
    }

    async fn migrate(&self, record: &FormerRecord, key: &KeyId) -> ports::Result<bool> {
        match record {
            FormerRecord::Tenant(id) => self.migrate_tenant(id).await,
            FormerRecord::ApiKey(_, hash) => self.migrate_key(hash, key).await,
            FormerRecord::Job(job) => self.list_former_job(job).await,
        }
    }
}

impl Cloud {
    /// Has the list of its account's jobs have a job. It changes nothing else of it, so that whoever holds it goes on.
    async fn list_former_job(&self, job: &JobRef) -> ports::Result<bool> {
        let Some(item) = self.jobs.get(job_key(job, JOB), MIGRATING_JOB).await? else { return Ok(false) };
        let account = AccountRef::new(&job.tenant, &Reader(&item).parsed("user")?);
        let update = self
            .jobs
            .update(job_key(job, JOB))
            .condition_expression(format!("attribute_exists({PARTITION}) AND attribute_not_exists({HISTORY_ACCOUNT})"))
            .update_expression(format!("SET {HISTORY_ACCOUNT} = :account"))
            .expression_attribute_values(":account", text(account.to_string()));
        written_if(update.send().await, MIGRATING_JOB)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
    use aws_smithy_types::base64;
    use domain::{JobId, TenantId};
    use serde_json::Value;

    use super::*;

    /// Items as the release before API keys had ids stored them: two tenants with a key each, one of which signs and one
    /// of which is disabled; a signing secret, an app, an account, an upload and the lock of its bytes.
    fn items() -> Vec<Attributes> {
        let items: Vec<HashMap<String, Value>> =
            serde_json::from_str(include_str!("../data/former-records.json")).unwrap();
        let value = |typed: &Value| match (&typed["S"], &typed["N"], &typed["B"], &typed["BOOL"]) {
            (Value::String(text), ..) => AttributeValue::S(text.clone()),
            (_, Value::String(digits), ..) => AttributeValue::N(digits.clone()),
            (_, _, Value::String(text), _) => AttributeValue::B(Blob::new(base64::decode(text).unwrap())),
            (.., flag) => AttributeValue::Bool(flag.as_bool().unwrap()),
        };
        let read =
            |item: &HashMap<String, Value>| item.iter().map(|(name, typed)| (name.clone(), value(typed))).collect();
        items.iter().map(read).collect()
    }

    #[test]
    fn each_record_of_the_release_before_is_read_and_those_that_are_migrated_are_known() {
        let items = items();
        let tenant = TenantId::from_bytes([1; 16]);
        let with = |sort: &str| items.iter().find(|item| Reader(item).text(SORT).unwrap().starts_with(sort)).unwrap();
        let former = |item| read_tenant_or_key(item).unwrap();
        assert!(matches!(former(with(SORT_OF_KEY)), FormerRecord::ApiKey(owner, _) if owner == tenant));
        assert_eq!(former(with(TENANT)), FormerRecord::Tenant(tenant.clone()));

        let account = crate::accounts::read_sealed(&tenant, with(crate::accounts::ACCOUNT)).unwrap();
        assert_eq!((&*account.account.nsid, account.sealed_token), ("1@N00", vec![5; 8]));
        assert_eq!(Reader(with(crate::apps::APP)).bytes("sealed").unwrap(), [4; 8]);
        assert_eq!(Reader(with(crate::signing_secrets::SIGNING)).bytes("sealed").unwrap(), [3; 8]);
        assert_eq!(Reader(with("BYTES#")).parsed::<JobId>("holder").unwrap(), JobId::from_bytes([9; 16]));
        assert_eq!(items.len(), 9, "and none is left out");
    }
}

//! Tenants and their API keys, in the vault table.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `KEY#hash` | `KEY` | an API key: whose it is, its id, what it may be used for, until when, since when it is disabled or revoked, and how its requests are signed, if they are; `hash` begins with its version and a dot, but for version 1 |
//! | `TENANT#tenant` | `TENANT` | its name, its tier, its limits, and since when it is suspended |
//! | `TENANT#tenant` | `KEY#id of a key` | the hash of a key of the tenant, to list it by |
//! | tenant | `TENANT` | the name of a tenant that a former release created |
//!
//! Functions may write in the partitions of tenants, and in none of those that say whose a key is and what its tenant is
//! held to. What a former release created is read where it is, and written anew once it is changed or
//! [migrated](crate::former_records).
//!
//! A key is under one hash: whatever stores one checks that it is under no other. A tenant and its first key are written
//! in one transaction. Whose a key is, is remembered for a minute, while it is accepted: see
//! [`ApiKeyCache`](crate::memory::ApiKeyCache).

mod migration;
mod record;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::{
    error::BuildError,
    operation::{query::builders::QueryFluentBuilder, scan::builders::ScanFluentBuilder},
    types::{AttributeValue, TransactWriteItem},
};
use domain::{
    KeyId, SigningKeyId, TenantId,
    api_key::{KeyChange, KeyState, RequestSigning},
    tenant::{Tenant, TenantChange},
};
use hub::{
    keyed_hash::{ApiKeyHash, ApiKeyHashes, version_of},
    ports::{self, KeyHolder, NewKey, StoredKey, Tenants},
};

use self::record::{
    DISABLED_AT, ENDS_AT, HASH, LIMITS, REVOKED_AT, SIGNATURE_REQUIRED, SIGNING_KEY, SUSPENDED_AT, TIER, of_key,
};
pub(crate) use self::record::{FORMER_TENANT, KEY, KEY_ID, SORT_OF_KEY, TENANT};
use crate::{
    Cloud,
    error::from_sdk,
    item::{self, Attributes, PARTITION, Reader, SORT, json, text, time, unreadable},
    machine::now,
    table::{Table, list, written_if},
    transaction::{Part, Transacted},
};

const CREATING: &str = "creating a tenant";
const CREATING_KEY: &str = "creating an API key";
const FINDING: &str = "finding an API key";
const FINDING_TENANT: &str = "finding a tenant";
const MOVING: &str = "storing an API key under another hash";
const COUNTING: &str = "counting API keys";
const CHANGING: &str = "changing an API key";
const SIGNING: &str = "setting how requests are signed";
const CHANGING_TENANT: &str = "changing a tenant";
const LISTING: &str = "listing tenants";
const LISTING_KEYS: &str = "listing API keys";
const FINDING_ID: &str = "finding an API key by its id";

/// A query of the items in a partition of the vault table whose sort key begins with `prefix`.
fn items_in(vault: &Table, partition: &str, prefix: &str) -> QueryFluentBuilder {
    vault
        .query()
        .key_condition_expression(format!("{PARTITION} = :partition AND begins_with({SORT}, :prefix)"))
        .expression_attribute_values(":partition", text(partition))
        .expression_attribute_values(":prefix", text(prefix))
        .consistent_read(true)
}

/// A query of the tenant's items in the vault table whose sort key begins with `prefix`.
pub(crate) fn items_of(vault: &Table, tenant: &TenantId, prefix: &str) -> QueryFluentBuilder {
    items_in(vault, tenant.as_str(), prefix)
}

impl Tenants for Cloud {
    async fn create_tenant(&self, tenant: &Tenant, first: &NewKey) -> ports::Result<bool> {
        let tenant = self.new_item(record::tenant_item(tenant)?);
        let parts = self.parts_of_key(first).into_iter().chain([tenant]);
        done(&self.vault.transact(parts, CREATING).await?, CREATING)
    }

    async fn create_key(&self, key: &NewKey) -> ports::Result<bool> {
        done(&self.vault.transact(self.parts_of_key(key), CREATING_KEY).await?, CREATING_KEY)
    }

    async fn key_holder(&self, key: &ApiKeyHashes) -> ports::Result<Option<KeyHolder>> {
        let asked_at = now();
        if let Some(holder) = key.all().find_map(|hash| self.api_key_cache.get(hash, asked_at)) {
            return Ok(Some(holder));
        }
        let Some(StoredKey { hash, record }) = self.stored_key(key).await? else { return Ok(None) };
        let Some(tenant) = self.tenant(&record.tenant).await? else { return Ok(None) };
        let holder = KeyHolder { key: record, tenant };
        if holder.key.state(asked_at) == KeyState::Active && holder.tenant.suspended_at.is_none() {
            self.api_key_cache.set(&hash, &holder, asked_at);
        }
        Ok(Some(holder))
    }

    async fn stored_key(&self, key: &ApiKeyHashes) -> ports::Result<Option<StoredKey>> {
        for hash in key.all() {
            if let Some(item) = self.vault.get(of_key(hash), FINDING).await? {
                return Ok(Some(StoredKey { hash: hash.clone(), record: record::key_record(&item)? }));
            }
        }
        Ok(None)
    }

    async fn key_of_id(&self, id: &KeyId) -> ports::Result<Option<StoredKey>> {
        let scan = self
            .vault
            .scan()
            .filter_expression(format!("{SORT} = :listed"))
            .expression_attribute_values(":listed", text(record::listed(id)))
            .consistent_read(true);
        match all(scan, FINDING_ID).await?.first() {
            Some(listed) => self.listed_key(listed).await,
            None => Ok(None),
        }
    }

    async fn keys_of(&self, tenant: &TenantId) -> ports::Result<Vec<StoredKey>> {
        let listed = items_in(&self.vault, &record::partition(tenant), KEY);
        let mut keys = Vec::new();
        for item in list(listed, None, u16::MAX, LISTING_KEYS).await? {
            keys.extend(self.listed_key(&item).await?);
        }
        Ok(keys)
    }

    async fn move_key(&self, from: &ApiKeyHash, to: &ApiKeyHash) -> ports::Result<bool> {
        let Some(mut item) = self.vault.get(of_key(from), MOVING).await? else { return Ok(false) };
        let record = record::key_record(&item)?;
        // What was changed since it was read must not be undone.
        let mut conditions = vec![format!("attribute_exists({PARTITION})")];
        let mut delete = self.vault.delete_part(of_key(from));
        for attribute in [KEY_ID, DISABLED_AT, REVOKED_AT, ENDS_AT, SIGNING_KEY, SIGNATURE_REQUIRED] {
            conditions.push(match item.get(attribute) {
                Some(value) => {
                    delete = delete.expression_attribute_values(format!(":{attribute}"), value.clone());
                    format!("{attribute} = :{attribute}")
                }
                None => format!("attribute_not_exists({attribute})"),
            });
        }
        let delete = delete.condition_expression(conditions.join(" AND ")).part();
        item.extend(of_key(to));
        let mut parts = vec![self.new_item(item), delete];
        if let Some(id) = &record.id {
            let listed = item::key(record::partition(&record.tenant), record::listed(id));
            let update = self
                .vault
                .update_part(listed)
                .update_expression(format!("SET {HASH} = :hash"))
                .expression_attribute_values(":hash", text(to.as_str()));
            parts.push(update.build().and_then(Part::part));
        }
        done(&self.vault.transact(parts, MOVING).await?, MOVING)
    }

    async fn change_key(&self, hash: &ApiKeyHash, change: KeyChange) -> ports::Result<bool> {
        let update = self.vault.update(of_key(hash)).condition_expression(format!("attribute_exists({PARTITION})"));
        let once = |attribute: &str| format!("SET {attribute} = if_not_exists({attribute}, :at)");
        let (expression, at) = match change {
            KeyChange::Disable(at) => (once(DISABLED_AT), Some(at)),
            KeyChange::Enable => (format!("REMOVE {DISABLED_AT}"), None),
            KeyChange::Revoke(at) => (once(REVOKED_AT), Some(at)),
            KeyChange::ExpireAt(at) => (format!("SET {ENDS_AT} = :at"), Some(at)),
        };
        let values = at.map(|at| [(":at".to_owned(), time(at))].into());
        let update = update.update_expression(expression).set_expression_attribute_values(values);
        written_if(update.send().await, CHANGING)
    }

    async fn set_request_signing(
        &self,
        hash: &ApiKeyHash,
        signing: Option<&RequestSigning>,
        former: Option<&SigningKeyId>,
    ) -> ports::Result<bool> {
        let update = self.vault.update(of_key(hash));
        let update = match former {
            Some(former) => update
                .condition_expression(format!("{SIGNING_KEY} = :former"))
                .expression_attribute_values(":former", text(former.as_str())),
            None => update
                .condition_expression(format!("attribute_exists({PARTITION}) AND attribute_not_exists({SIGNING_KEY})")),
        };
        let update = match signing {
            Some(RequestSigning { key, is_required }) => update
                .update_expression(format!("SET {SIGNING_KEY} = :key, {SIGNATURE_REQUIRED} = :required"))
                .expression_attribute_values(":key", text(key.as_str()))
                .expression_attribute_values(":required", AttributeValue::Bool(*is_required)),
            None => update.update_expression(format!("REMOVE {SIGNING_KEY}, {SIGNATURE_REQUIRED}")),
        };
        written_if(update.send().await, SIGNING)
    }

    async fn tenant(&self, id: &TenantId) -> ports::Result<Option<Tenant>> {
        // One that is migrated between the first two reads is found by the third.
        for key in [record::of_tenant(id), record::of_former_tenant(id), record::of_tenant(id)] {
            if let Some(item) = self.vault.get(key, FINDING_TENANT).await? {
                return record::tenant(&item).map(Some);
            }
        }
        Ok(None)
    }

    async fn change_tenant(&self, id: &TenantId, change: &TenantChange) -> ports::Result<bool> {
        let (expression, value) = match change {
            TenantChange::Suspend(at) => {
                (format!("SET {SUSPENDED_AT} = if_not_exists({SUSPENDED_AT}, :value)"), Some(time(*at)))
            }
            TenantChange::Resume => (format!("REMOVE {SUSPENDED_AT}"), None),
            TenantChange::SetLimits(limits) => (format!("SET {LIMITS} = :value"), Some(json(limits)?)),
            TenantChange::SetTier(tier) => (format!("SET {TIER} = :value"), Some(text(tier.as_str()))),
        };
        let update = self
            .vault
            .update(record::of_tenant(id))
            .condition_expression(format!("attribute_exists({PARTITION})"))
            .update_expression(expression)
            .set_expression_attribute_values(value.map(|value| [(":value".to_owned(), value)].into()));
        if written_if(update.clone().send().await, CHANGING_TENANT)? {
            return Ok(true);
        }
        // One of a former release is written anew first, unless another does so at the same time.
        let Some(former) = self.tenant(id).await? else { return Ok(false) };
        let put = self.vault.write(record::tenant_item(&former)?);
        let put = put.condition_expression(format!("attribute_not_exists({PARTITION})"));
        written_if(put.send().await, CHANGING_TENANT)?;
        written_if(update.send().await, CHANGING_TENANT)
    }

    async fn keys_by_version(&self) -> ports::Result<BTreeMap<u32, u64>> {
        let scan = self
            .vault
            .scan()
            .filter_expression(format!("begins_with({PARTITION}, :key)"))
            .expression_attribute_values(":key", text(KEY))
            .projection_expression(PARTITION)
            .consistent_read(true);
        let mut counts = BTreeMap::new();
        for item in all(scan, COUNTING).await? {
            let hash = Reader(&item).text(PARTITION)?.strip_prefix(KEY);
            let version = hash.and_then(version_of).ok_or_else(|| unreadable(PARTITION))?;
            *counts.entry(version).or_default() += 1;
        }
        Ok(counts)
    }

    async fn tenants(&self) -> ports::Result<Vec<TenantId>> {
        let scan = self
            .vault
            .scan()
            .filter_expression(format!("{SORT} = :tenant"))
            .expression_attribute_values(":tenant", text(TENANT))
            .projection_expression(PARTITION)
            .consistent_read(true);
        // One of a former release that was changed since is there twice.
        let tenants: ports::Result<BTreeSet<TenantId>> =
            all(scan, LISTING).await?.iter().map(record::tenant_of).collect();
        Ok(tenants?.into_iter().collect())
    }
}

/// All items of the scan.
async fn all(scan: ScanFluentBuilder, what: &'static str) -> ports::Result<Vec<Attributes>> {
    let (mut items, mut start) = (Vec::new(), None);
    loop {
        let page = scan.clone().set_exclusive_start_key(start).send().await.map_err(from_sdk(what))?;
        items.extend(page.items.unwrap_or_default());
        start = page.last_evaluated_key;
        if start.is_none() {
            return Ok(items);
        }
    }
}

/// A part of a transaction.
type TransactionPart = Result<TransactWriteItem, BuildError>;

impl Cloud {
    /// The part of a transaction that writes an item of the vault table, and refuses it where it is there.
    fn new_item(&self, item: Attributes) -> TransactionPart {
        self.vault.put_part(item).condition_expression(format!("attribute_not_exists({PARTITION})")).part()
    }

    /// The parts of a transaction that store a key, and refuse it where it is stored.
    fn parts_of_key(&self, NewKey { hashes, record }: &NewKey) -> Vec<TransactionPart> {
        let absent = |hash| {
            let check = self.vault.check_part(of_key(hash));
            check.condition_expression(format!("attribute_not_exists({PARTITION})")).part()
        };
        let listed = record.id.as_ref().map(|id| {
            let mut item = item::key(record::partition(&record.tenant), record::listed(id));
            item.insert(HASH.to_owned(), text(hashes.current().as_str()));
            self.new_item(item)
        });
        let key = self.new_item(record::key_item(hashes.current(), record));
        [key].into_iter().chain(hashes.others().iter().map(absent)).chain(listed).collect()
    }

    /// The key that is listed by this item; `None` where it was moved meanwhile.
    async fn listed_key(&self, listed: &Attributes) -> ports::Result<Option<StoredKey>> {
        let hash = ApiKeyHash::from_stored(Reader(listed).text(HASH)?.to_owned());
        let found = self.vault.get(of_key(&hash), FINDING).await?;
        found.map(|item| Ok(StoredKey { record: record::key_record(&item)?, hash })).transpose()
    }
}

/// Whether a transaction was done: `false` when a condition refused it.
fn done(transacted: &Transacted, what: &'static str) -> ports::Result<bool> {
    match transacted {
        Transacted::Done => Ok(true),
        Transacted::Refused(_) | Transacted::RefusedByOther => Ok(false),
        Transacted::Conflict => Err(ports::Error::unavailable(what, "another writes the same key")),
    }
}

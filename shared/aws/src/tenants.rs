//! Tenants and their API keys, in the vault table.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `KEY#hash` | `KEY` | whose API key it is, since when it is disabled, if it is, and how its requests are signed, if they are; `hash` begins with its version and a dot, but for version 1 |
//! | tenant | `TENANT` | its name |
//!
//! A key is under one hash: whatever stores one checks that it is under no other. A tenant and its first key are written in one transaction. Whose a key is, is remembered for a minute, unless it is
//! disabled: see [`ApiKeyCache`](crate::memory::ApiKeyCache).

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{
    operation::{query::builders::QueryFluentBuilder, scan::builders::ScanFluentBuilder},
    types::AttributeValue,
};
use domain::{SigningKeyId, TenantId, Timestamp};
use hub::{
    keyed_hash::{ApiKeyHash, ApiKeyHashes, version_of},
    ports::{self, KnownKey, NewTenant, RequestSigning, Tenants},
};

use crate::{
    Cloud,
    error::from_sdk,
    item::{self, Attributes, PARTITION, Reader, SORT, named, text, time, unreadable},
    machine::now,
    table::{Table, written_if},
    transaction::{Part, Transacted},
};

const CREATING: &str = "creating a tenant";
const FINDING: &str = "finding an API key";
const MOVING: &str = "storing an API key under another hash";
const COUNTING: &str = "counting API keys";
const DISABLING: &str = "disabling or enabling an API key";
const SIGNING: &str = "setting how requests are signed";
const LISTING: &str = "listing tenants";
/// The sort key of a tenant.
const TENANT: &str = "TENANT";
const KEY: &str = "KEY#";
/// Since when a key is disabled; absent in one that is not.
const DISABLED_AT: &str = "disabled_at";
/// The secret that signs a key's requests; absent in one whose requests are not signed.
const SIGNING_KEY: &str = "signing_key";
/// Whether a request without a signature is refused; absent in one whose requests are not signed.
const SIGNATURE_REQUIRED: &str = "signature_required";

fn api_key(key: &ApiKeyHash) -> Attributes {
    item::key(format!("{KEY}{}", key.as_str()), "KEY")
}

fn read_key(item: &Attributes) -> ports::Result<KnownKey> {
    let item = Reader(item);
    let signing = item.optional_parsed(SIGNING_KEY)?;
    let signing =
        signing.map(|key| Ok::<_, ports::Error>(RequestSigning { key, is_required: item.flag(SIGNATURE_REQUIRED)? }));
    Ok(KnownKey { tenant: item.parsed("tenant")?, signing: signing.transpose()? })
}

/// A query of the tenant's items in the vault table whose sort key begins with `prefix`.
pub(crate) fn items_of(vault: &Table, tenant: &TenantId, prefix: &str) -> QueryFluentBuilder {
    vault
        .query()
        .key_condition_expression(format!("{PARTITION} = :tenant AND begins_with({SORT}, :prefix)"))
        .expression_attribute_values(":tenant", text(tenant.as_str()))
        .expression_attribute_values(":prefix", text(prefix))
        .consistent_read(true)
}

impl Tenants for Cloud {
    async fn create_tenant(&self, tenant: &NewTenant) -> ports::Result<bool> {
        let created_at = || ("created_at", time(tenant.created_at));
        let mut of_key = api_key(tenant.key.current());
        of_key.extend(named([("tenant", text(tenant.id.as_str())), created_at()]));
        let mut of_tenant = item::key(tenant.id.as_str(), TENANT);
        of_tenant.extend(named([("name", text(&tenant.name)), created_at()]));
        let new = |item| {
            let put = self.vault.put_part(item);
            put.condition_expression(format!("attribute_not_exists({PARTITION})")).part()
        };
        let absent = |hash| {
            let check = self.vault.check_part(api_key(hash));
            check.condition_expression(format!("attribute_not_exists({PARTITION})")).part()
        };
        let parts = [of_key, of_tenant].into_iter().map(new).chain(tenant.key.others().iter().map(absent));
        done(&self.vault.transact(parts.collect::<Vec<_>>(), CREATING).await?, CREATING)
    }

    async fn tenant_of(&self, key: &ApiKeyHashes) -> ports::Result<Option<KnownKey>> {
        let asked_at = now();
        if let Some(known) = key.all().find_map(|hash| self.api_key_cache.get(hash, asked_at)) {
            return Ok(Some(known));
        }
        let found = self.stored_key(key).await?;
        let Some((hash, item)) = found.filter(|(_, item)| !item.contains_key(DISABLED_AT)) else { return Ok(None) };
        let known = read_key(&item)?;
        self.api_key_cache.set(&hash, &known, asked_at);
        Ok(Some(known))
    }

    async fn stored_hash(&self, key: &ApiKeyHashes) -> ports::Result<Option<ApiKeyHash>> {
        Ok(self.stored_key(key).await?.map(|(hash, _)| hash))
    }

    async fn move_key(&self, from: &ApiKeyHash, to: &ApiKeyHash) -> ports::Result<bool> {
        let Some(mut item) = self.vault.get(api_key(from), MOVING).await? else { return Ok(false) };
        // What was changed since it was read must not be undone.
        let delete = [DISABLED_AT, SIGNING_KEY, SIGNATURE_REQUIRED].into_iter().fold(
            (self.vault.delete_part(api_key(from)), format!("attribute_exists({PARTITION})")),
            |(delete, condition), name| match item.get(name) {
                Some(value) => (
                    delete.expression_attribute_values(format!(":{name}"), value.clone()),
                    format!("{condition} AND {name} = :{name}"),
                ),
                None => (delete, format!("{condition} AND attribute_not_exists({name})")),
            },
        );
        let delete = delete.0.condition_expression(delete.1).part();
        item.extend(api_key(to));
        let put = self.vault.put_part(item).condition_expression(format!("attribute_not_exists({PARTITION})")).part();
        done(&self.vault.transact([put, delete], MOVING).await?, MOVING)
    }

    async fn set_key_disabled(&self, hash: &ApiKeyHash, disabled_at: Option<Timestamp>) -> ports::Result<bool> {
        let update = self.vault.update(api_key(hash)).condition_expression(format!("attribute_exists({PARTITION})"));
        let update = match disabled_at {
            Some(at) => update
                .update_expression(format!("SET {DISABLED_AT} = if_not_exists({DISABLED_AT}, :at)"))
                .expression_attribute_values(":at", time(at)),
            None => update.update_expression(format!("REMOVE {DISABLED_AT}")),
        };
        written_if(update.send().await, DISABLING)
    }

    async fn set_request_signing(
        &self,
        hash: &ApiKeyHash,
        signing: Option<&RequestSigning>,
        former: Option<&SigningKeyId>,
    ) -> ports::Result<bool> {
        let update = self.vault.update(api_key(hash));
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
        all(scan, LISTING).await?.iter().map(|item| Reader(item).parsed(PARTITION)).collect()
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

impl Cloud {
    /// The key's item, with the hash that it is stored under.
    async fn stored_key(&self, key: &ApiKeyHashes) -> ports::Result<Option<(ApiKeyHash, Attributes)>> {
        for hash in key.all() {
            if let Some(item) = self.vault.get(api_key(hash), FINDING).await? {
                return Ok(Some((hash.clone(), item)));
            }
        }
        Ok(None)
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

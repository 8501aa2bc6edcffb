//! The items of tenants and API keys, and what they say.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    KeyId, TenantId,
    api_key::{KeyRecord, RequestSigning, Scopes},
    tenant::Tenant,
};
use hub::{keyed_hash::ApiKeyHash, ports};

use crate::item::{self, Attributes, PARTITION, Reader, json, named, text, time, unreadable};

/// What the partition keys of API keys begin with.
pub(crate) const KEY: &str = "KEY#";

/// The sort key of an API key.
pub(crate) const SORT_OF_KEY: &str = "KEY";

/// What the partition key of a tenant of a former release begins with: it is the tenant's id.
pub(crate) const FORMER_TENANT: &str = "ten_";

/// What the partition keys of tenants begin with.
const OF_TENANT: &str = "TENANT#";

/// The sort key of a tenant.
pub(crate) const TENANT: &str = "TENANT";

/// Since when a key is disabled; absent in one that is not.
pub(super) const DISABLED_AT: &str = "disabled_at";

/// Since when a key is revoked; absent in one that is not.
pub(super) const REVOKED_AT: &str = "revoked_at";

/// From when on a key is refused; absent in one without an end. DynamoDB must not delete it then.
pub(super) const ENDS_AT: &str = "ends_at";

/// What a key may be used for; absent in one of before there were scopes, which may be used for everything.
pub(super) const SCOPES: &str = "scopes";

/// The id of a key; absent in one of before there were ids.
pub(crate) const KEY_ID: &str = "key_id";

/// The hash that a listed key is stored under.
pub(super) const HASH: &str = "key_hash";

/// The id of the secret that signs a key's requests; absent in one whose requests are not signed.
pub(super) const SIGNING_KEY: &str = "signing_key";

/// Whether a request without a signature is refused; absent in one whose requests are not signed.
pub(super) const SIGNATURE_REQUIRED: &str = "signature_required";

/// Since when a tenant is suspended; absent in one that is not.
pub(super) const SUSPENDED_AT: &str = "suspended_at";

/// A tenant's limits, as JSON; absent where it has none of its own.
pub(super) const LIMITS: &str = "tenant_limits";

/// A tenant's tier; absent where nobody said one.
pub(super) const TIER: &str = "tier";

/// The key of an API key's own item.
pub(super) fn of_key(hash: &ApiKeyHash) -> Attributes {
    item::key(format!("{KEY}{}", hash.as_str()), SORT_OF_KEY)
}

/// The partition key of what functions must not write of a tenant.
pub(super) fn partition(tenant: &TenantId) -> String {
    format!("{OF_TENANT}{tenant}")
}

/// The key of a tenant's item.
pub(super) fn of_tenant(tenant: &TenantId) -> Attributes {
    item::key(partition(tenant), TENANT)
}

/// The key of the item of a tenant that a former release created.
pub(super) fn of_former_tenant(tenant: &TenantId) -> Attributes {
    item::key(tenant.as_str(), TENANT)
}

/// The sort key of the item by which a key is listed.
pub(super) fn listed(id: &KeyId) -> String {
    format!("{KEY}{id}")
}

/// The tenant of a key of its item, whatever release created it.
pub(super) fn tenant_of(item: &Attributes) -> ports::Result<TenantId> {
    let partition = Reader(item).text(PARTITION)?;
    partition.strip_prefix(OF_TENANT).unwrap_or(partition).parse().map_err(|_| unreadable(PARTITION))
}

/// A new key's item.
pub(super) fn key_item(hash: &ApiKeyHash, record: &KeyRecord) -> Attributes {
    let KeyRecord { tenant, id, name, scopes, created_at, expires_at, disabled_at, revoked_at, signing } = record;
    let mut item = of_key(hash);
    item.extend(named([
        ("tenant", text(tenant.as_str())),
        (SCOPES, text(scopes.to_string())),
        ("created_at", time(*created_at)),
    ]));
    item.extend(named(id.as_ref().map(|id| (KEY_ID, text(id.as_str())))));
    item.extend(named(name.as_ref().map(|name| ("name", text(name)))));
    for (attribute, at) in [(ENDS_AT, expires_at), (DISABLED_AT, disabled_at), (REVOKED_AT, revoked_at)] {
        item.extend(named(at.map(|at| (attribute, time(at)))));
    }
    if let Some(RequestSigning { key, is_required }) = signing {
        item.extend(named([
            (SIGNING_KEY, text(key.as_str())),
            (SIGNATURE_REQUIRED, AttributeValue::Bool(*is_required)),
        ]));
    }
    item
}

/// What an item says of its key.
pub(super) fn key_record(item: &Attributes) -> ports::Result<KeyRecord> {
    let item = Reader(item);
    let signing = item.optional_parsed(SIGNING_KEY)?;
    let signing =
        signing.map(|key| Ok::<_, ports::Error>(RequestSigning { key, is_required: item.flag(SIGNATURE_REQUIRED)? }));
    Ok(KeyRecord {
        tenant: item.parsed("tenant")?,
        id: item.optional_parsed(KEY_ID)?,
        name: item.optional_text("name").map(str::to_owned),
        scopes: item.optional_text(SCOPES).map_or_else(Scopes::all, Scopes::from_stored),
        created_at: item.time("created_at")?,
        expires_at: item.optional_time(ENDS_AT),
        disabled_at: item.optional_time(DISABLED_AT),
        revoked_at: item.optional_time(REVOKED_AT),
        signing: signing.transpose()?,
    })
}

/// A tenant's item.
pub(super) fn tenant_item(tenant: &Tenant) -> ports::Result<Attributes> {
    let Tenant { id, name, created_at, tier, suspended_at, limits } = tenant;
    let mut item = of_tenant(id);
    item.extend(named([
        ("name", text(name)),
        ("created_at", time(*created_at)),
        (TIER, text(tier.as_str())),
        (LIMITS, json(limits)?),
    ]));
    item.extend(named(suspended_at.map(|at| (SUSPENDED_AT, time(at)))));
    Ok(item)
}

/// What an item says of its tenant, whatever release created it.
pub(super) fn tenant(item: &Attributes) -> ports::Result<Tenant> {
    let id = tenant_of(item)?;
    let item = Reader(item);
    let limits = item.optional_text(LIMITS).map(|_| item.json(LIMITS)).transpose()?;
    Ok(Tenant {
        id,
        name: item.text("name")?.to_owned(),
        created_at: item.time("created_at")?,
        tier: item.optional_parsed(TIER)?.unwrap_or_default(),
        suspended_at: item.optional_time(SUSPENDED_AT),
        limits: limits.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use domain::{
        SigningKeyId, Timestamp,
        api_key::{KeyState, Scope},
        tenant::Tier,
    };

    use super::*;

    const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_123);

    /// A stored item as DynamoDB's JSON has it: attributes of the types `S` and `N` alone.
    fn stored(item: &HashMap<String, HashMap<String, String>>) -> Attributes {
        let value = |typed: &HashMap<String, String>| match (typed.get("S"), typed.get("N")) {
            (Some(text), _) => AttributeValue::S(text.clone()),
            (_, Some(digits)) => AttributeValue::N(digits.clone()),
            _ => AttributeValue::Null(true),
        };
        item.iter().map(|(name, typed)| (name.clone(), value(typed))).collect()
    }

    #[test]
    fn a_key_reads_back_as_it_was_stored() {
        let key = KeyRecord {
            tenant: TenantId::from_bytes([1; 16]),
            id: Some(KeyId::from_bytes([2; 16])),
            name: Some("Reader".to_owned()),
            scopes: [Scope::JobsRead].into_iter().collect(),
            created_at: NOW,
            expires_at: Some(NOW),
            disabled_at: Some(NOW),
            revoked_at: Some(NOW),
            signing: None,
        };
        let signing =
            [false, true].map(|is_required| RequestSigning { key: SigningKeyId::from_bytes([3; 16]), is_required });
        for signing in signing.into_iter().map(Some).chain([None]) {
            let key = KeyRecord { signing, ..key.clone() };
            assert_eq!(key_record(&key_item(&ApiKeyHash::from_stored("2.hash".to_owned()), &key)).unwrap(), key);
        }
    }

    /// Items as a former release stored them: a key, a disabled one, one under another version of the hash, and their
    /// tenant. An update finds them, and they go on.
    #[test]
    fn keys_and_tenants_of_a_former_release_are_read_as_they_stood() {
        let items: Vec<HashMap<String, HashMap<String, String>>> =
            serde_json::from_str(include_str!("../../data/former-tenants.json")).unwrap();
        let items: Vec<Attributes> = items.iter().map(stored).collect();
        let [key, disabled, rotated, former] = items.as_slice() else { panic!("four items") };
        let id = TenantId::from_bytes([1; 16]);
        for (item, state) in [(key, KeyState::Active), (disabled, KeyState::Disabled), (rotated, KeyState::Active)] {
            let record = key_record(item).unwrap();
            assert_eq!((&record.tenant, record.state(NOW)), (&id, state));
            assert_eq!((&record.id, &record.name), (&None, &None), "it has no id");
            assert_eq!(record.scopes, Scopes::all(), "it may be used for everything");
            assert_eq!((record.created_at, record.expires_at), (NOW, None));
        }
        let tenant = tenant(former).unwrap();
        assert_eq!(tenant, Tenant::new(id.clone(), "My application", NOW));
        assert_eq!((tenant.tier, tenant.suspended_at), (Tier::default(), None));
        assert_eq!(of_former_tenant(&id)[PARTITION], former[PARTITION], "it is found where it is");
        assert_ne!(of_tenant(&id)[PARTITION], former[PARTITION], "and written elsewhere");
    }
}

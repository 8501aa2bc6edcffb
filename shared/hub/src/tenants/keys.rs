//! API keys of tenants, as an operator makes and changes them.

use domain::{
    KeyId, TenantId, Timestamp,
    api_key::{ApiKey, KeyChange, KeyRecord, Scopes},
};
use zeroize::Zeroizing;

use super::given::{self, is_api_key};
use crate::{
    Error, Kind,
    keyed_hash::{ApiKeyHashes, KeyedHash},
    ports::{Clock, Entropy, NewKey, Tenants},
};

/// What a new API key is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRequest {
    /// What it is called, for people.
    pub name: Option<String>,
    /// What it may be used for.
    pub scopes: Scopes,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}

/// For everything, and without an end.
impl Default for KeyRequest {
    fn default() -> Self {
        Self { name: None, scopes: Scopes::all(), expires_at: None }
    }
}

/// An API key that nobody has yet.
pub fn generate_key(ports: &impl Entropy) -> ApiKey {
    let mut secret = Zeroizing::new([0; 32]);
    let (first, second) = secret.split_at_mut(16);
    first.copy_from_slice(&ports.random());
    second.copy_from_slice(&ports.random());
    ApiKey::new(KeyId::from_bytes(ports.random()), &secret)
}

/// Gives a tenant another API key.
///
/// # Errors
/// An invalid field, [`Kind::TenantNotFound`], [`Kind::ApiKeyTaken`], or a failure of the ports.
pub async fn create_key(
    ports: &(impl Clock + Entropy + Tenants),
    keyed_hash: &KeyedHash,
    tenant: &TenantId,
    api_key: &str,
    request: KeyRequest,
) -> Result<KeyId, Error> {
    let key = new_key(ports, keyed_hash, tenant, api_key, request)?;
    ports.tenant(tenant).await?.ok_or(Kind::TenantNotFound)?;
    match key.record.id.clone() {
        Some(id) if ports.create_key(&key).await? => Ok(id),
        _ => Err(Kind::ApiKeyTaken.into()),
    }
}

/// Changes the key with this id. Functions that remember it follow within a minute; jobs that were accepted run on.
///
/// # Errors
/// [`Kind::ApiKeyNotFound`], or a failure of the ports.
pub async fn change_key_of_id(ports: &impl Tenants, id: &KeyId, change: KeyChange) -> Result<(), Error> {
    let stored = ports.key_of_id(id).await?.ok_or(Kind::ApiKeyNotFound)?;
    if ports.change_key(&stored.hash, change).await? { Ok(()) } else { Err(moved()) }
}

/// Changes an API key that an operator gives. Functions that remember it follow within a minute; jobs that were accepted
/// run on.
///
/// # Errors
/// An invalid field, [`Kind::ApiKeyNotFound`], or a failure of the ports.
pub async fn change_key(
    ports: &impl Tenants,
    keyed_hash: &KeyedHash,
    api_key: &str,
    change: KeyChange,
) -> Result<(), Error> {
    let stored = ports.stored_key(&hashes(keyed_hash, api_key)?).await?.ok_or(Kind::ApiKeyNotFound)?;
    if ports.change_key(&stored.hash, change).await? { Ok(()) } else { Err(moved()) }
}

fn moved() -> Error {
    Error::unavailable("the key was stored under another hash meanwhile")
}

/// Stores an API key under its current hash, where it is stored under another. Whether it was.
///
/// # Errors
/// An invalid field, [`Kind::ApiKeyNotFound`], or a failure of the port.
pub async fn rehash(ports: &impl Tenants, keyed_hash: &KeyedHash, api_key: &str) -> Result<bool, Error> {
    let key = hashes(keyed_hash, api_key)?;
    let stored = ports.stored_key(&key).await?.ok_or(Kind::ApiKeyNotFound)?.hash;
    if stored == *key.current() {
        return Ok(false);
    }
    // Where another did so meanwhile, it is stored so.
    Ok(ports.move_key(&stored, key.current()).await?)
}

/// The key to be stored. One that says its id has it, any other gets one.
pub(super) fn new_key(
    ports: &(impl Clock + Entropy),
    keyed_hash: &KeyedHash,
    tenant: &TenantId,
    api_key: &str,
    request: KeyRequest,
) -> Result<NewKey, Error> {
    let hashes = hashes(keyed_hash, api_key)?;
    let KeyRequest { name, scopes, expires_at } = request;
    let name = name.as_deref().map(given::name).transpose()?;
    let created_at = ports.now();
    if expires_at.is_some_and(|end| end <= created_at) {
        return Err(Error::invalid("expires_at", "is in the past"));
    }
    let own = api_key.parse::<ApiKey>().map(|key| key.id().clone());
    let record = KeyRecord {
        tenant: tenant.clone(),
        id: Some(own.unwrap_or_else(|_| KeyId::from_bytes(ports.random()))),
        name,
        scopes,
        created_at,
        expires_at,
        disabled_at: None,
        revoked_at: None,
        signing: None,
    };
    Ok(NewKey { hashes, record })
}

/// The hashes of an API key that an operator gives.
///
/// # Errors
/// An invalid field.
pub(crate) fn hashes(keyed_hash: &KeyedHash, api_key: &str) -> Result<ApiKeyHashes, Error> {
    if is_api_key(api_key) {
        return Ok(keyed_hash.api_key(api_key));
    }
    Err(Error::invalid("api_key", "must have 20 to 128 printable ASCII characters without spaces"))
}

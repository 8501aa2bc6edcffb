//! Tenants: created by an operator, known by their API keys.

use domain::TenantId;

use crate::{
    Error, Kind,
    keyed_hash::{ApiKeyHash, ApiKeyHashes, KeyedHash},
    limits::Limits,
    ports::{Clock, Entropy, KnownKey, NewTenant, RequestSigning, Tenants},
};

/// The fewest characters an API key may have: API Gateway's own minimum (`CreateApiKey`).
pub const MIN_API_KEY_CHARACTERS: usize = 20;

/// The most characters an API key may have: API Gateway's own maximum (`CreateApiKey`).
pub const MAX_API_KEY_CHARACTERS: usize = 128;

/// Who asks, and what that one may ask for. Only [`authenticate`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    tenant: TenantId,
    key: ApiKeyHash,
    signing: Option<RequestSigning>,
    limits: Limits,
}

impl Principal {
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The current hash of the API key that was shown.
    pub fn key(&self) -> &ApiKeyHash {
        &self.key
    }

    /// How the requests of the API key are signed, if they are.
    pub fn signing(&self) -> Option<&RequestSigning> {
        self.signing.as_ref()
    }

    /// How much it may ask for.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
}

/// Creates a tenant called `name`, whose first API key is `api_key`.
///
/// # Errors
/// An invalid field, [`Kind::ApiKeyTaken`], or a failure of the ports.
pub async fn create(
    ports: &(impl Clock + Entropy + Tenants),
    keyed_hash: &KeyedHash,
    name: &str,
    api_key: &str,
) -> Result<TenantId, Error> {
    if name.trim().is_empty() || name.chars().count() > 100 {
        return Err(Error::invalid("name", "must have 1 to 100 characters"));
    }
    let key = hashes(keyed_hash, api_key)?;
    let id = TenantId::from_bytes(ports.random());
    let tenant = NewTenant { id: id.clone(), name: name.to_owned(), key, created_at: ports.now() };
    if ports.create_tenant(&tenant).await? { Ok(id) } else { Err(Kind::ApiKeyTaken.into()) }
}

/// Who shows `api_key`, held to `limits`. A disabled key is nobody's. What cannot be a key is nobody's, unasked.
///
/// # Errors
/// A failure of the port.
pub async fn authenticate(
    ports: &impl Tenants,
    keyed_hash: &KeyedHash,
    limits: Limits,
    api_key: &str,
) -> Result<Option<Principal>, Error> {
    if !is_api_key(api_key) {
        return Ok(None);
    }
    let key = keyed_hash.api_key(api_key);
    let Some(KnownKey { tenant, signing }) = ports.tenant_of(&key).await? else { return Ok(None) };
    Ok(Some(Principal { tenant, key: key.current().clone(), signing, limits }))
}

/// Whether an API key is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    Enabled,
    Disabled,
}

/// Enables or disables an API key. One that is disabled answers as an unknown one, within the minute for which it may be
/// remembered. Jobs that were accepted run on.
///
/// # Errors
/// An invalid field, [`Kind::ApiKeyNotFound`], or a failure of the ports.
pub async fn set_key_state(
    ports: &(impl Clock + Tenants),
    keyed_hash: &KeyedHash,
    api_key: &str,
    state: KeyState,
) -> Result<(), Error> {
    let stored = ports.stored_hash(&hashes(keyed_hash, api_key)?).await?.ok_or(Kind::ApiKeyNotFound)?;
    let disabled_at = (state == KeyState::Disabled).then(|| ports.now());
    if ports.set_key_disabled(&stored, disabled_at).await? {
        return Ok(());
    }
    Err(Error::unavailable("the key was stored under another hash meanwhile"))
}

/// Stores an API key under its current hash, where it is stored under another. Whether it was.
///
/// # Errors
/// An invalid field, [`Kind::ApiKeyNotFound`], or a failure of the port.
pub async fn rehash(ports: &impl Tenants, keyed_hash: &KeyedHash, api_key: &str) -> Result<bool, Error> {
    let key = hashes(keyed_hash, api_key)?;
    let stored = ports.stored_hash(&key).await?.ok_or(Kind::ApiKeyNotFound)?;
    if stored == *key.current() {
        return Ok(false);
    }
    // Where another did so meanwhile, it is stored so.
    Ok(ports.move_key(&stored, key.current()).await?)
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

fn is_api_key(text: &str) -> bool {
    (MIN_API_KEY_CHARACTERS..=MAX_API_KEY_CHARACTERS).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic())
}

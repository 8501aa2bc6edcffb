//! Tenants: made by an operator, known by their API keys.

use domain::TenantId;

use crate::{
    Error, Kind,
    keyed_hash::KeyedHash,
    ports::{Clock, Entropy, FindTenant, SaveTenant},
};

/// The fewest characters an API key may have: API Gateway's own minimum (`CreateApiKey`).
pub const MIN_API_KEY_CHARACTERS: usize = 20;

/// The most characters an API key may have: API Gateway's own maximum (`CreateApiKey`).
pub const MAX_API_KEY_CHARACTERS: usize = 128;

/// Makes a tenant called `name`, whose first API key is `api_key`.
///
/// # Errors
/// An invalid field, [`Kind::ApiKeyTaken`], or a failure of the ports.
pub async fn create(
    ports: &(impl Clock + Entropy + SaveTenant),
    keyed_hash: &KeyedHash,
    name: &str,
    api_key: &str,
) -> Result<TenantId, Error> {
    if name.trim().is_empty() || name.chars().count() > 100 {
        return Err(Error::invalid("name", "must have 1 to 100 characters"));
    }
    if !is_api_key(api_key) {
        return Err(Error::invalid("api_key", "must have 20 to 128 printable ASCII characters without spaces"));
    }
    let tenant = TenantId::from_bytes(ports.random());
    let kept = ports.save_tenant(&tenant, name, &keyed_hash.api_key(api_key), ports.now()).await?;
    if kept { Ok(tenant) } else { Err(Kind::ApiKeyTaken.into()) }
}

/// Whose `api_key` is. What cannot be a key is nobody's, unasked.
///
/// # Errors
/// A failure of the port.
pub async fn authenticate(
    ports: &impl FindTenant,
    keyed_hash: &KeyedHash,
    api_key: &str,
) -> Result<Option<TenantId>, Error> {
    if !is_api_key(api_key) {
        return Ok(None);
    }
    Ok(ports.tenant_of(&keyed_hash.api_key(api_key)).await?)
}

fn is_api_key(text: &str) -> bool {
    (MIN_API_KEY_CHARACTERS..=MAX_API_KEY_CHARACTERS).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic())
}

//! Tenants: created by an operator, known by their API keys.

mod given;
mod keys;
mod principal;

use domain::{
    TenantId,
    tenant::{Tenant, TenantChange},
};

pub use given::{MAX_API_KEY_CHARACTERS, MIN_API_KEY_CHARACTERS};
pub(crate) use keys::hashes;
pub use keys::{KeyRequest, change_key, change_key_of_id, create_key, generate_key, rehash};
pub use principal::{Principal, authenticate};

use crate::{
    Error, Kind,
    keyed_hash::KeyedHash,
    ports::{Clock, Entropy, Tenants},
};

/// Creates a tenant called `name`, whose first API key is `api_key`, for everything and without an end.
///
/// # Errors
/// An invalid field, [`Kind::ApiKeyTaken`], or a failure of the ports.
pub async fn create(
    ports: &(impl Clock + Entropy + Tenants),
    keyed_hash: &KeyedHash,
    name: &str,
    api_key: &str,
) -> Result<TenantId, Error> {
    let tenant = Tenant::new(TenantId::from_bytes(ports.random()), given::name(name)?, ports.now());
    let first = keys::new_key(ports, keyed_hash, &tenant.id, api_key, KeyRequest::default())?;
    if ports.create_tenant(&tenant, &first).await? { Ok(tenant.id) } else { Err(Kind::ApiKeyTaken.into()) }
}

/// What is known of a tenant.
///
/// # Errors
/// [`Kind::TenantNotFound`], or a failure of the port.
pub async fn get(ports: &impl Tenants, id: &TenantId) -> Result<Tenant, Error> {
    ports.tenant(id).await?.ok_or_else(|| Kind::TenantNotFound.into())
}

/// Changes a tenant. Functions that remember it follow within a minute.
///
/// # Errors
/// [`Kind::TenantNotFound`], or a failure of the port.
pub async fn change(ports: &impl Tenants, id: &TenantId, change: &TenantChange) -> Result<(), Error> {
    if ports.change_tenant(id, change).await? { Ok(()) } else { Err(Kind::TenantNotFound.into()) }
}

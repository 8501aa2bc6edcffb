//! Who asks: found by the API key that was shown.

use std::net::IpAddr;

use domain::{
    KeyId, TenantId,
    api_key::{self, ApiKey, KeyState, RequestSigning, Scope, Scopes},
    tenant::{Origins, TenantLimits},
};

use super::given::is_api_key;
use crate::{
    Error, Kind,
    keyed_hash::KeyedHash,
    limits::Limits,
    ports::{Clock, KeyHolder, Tenants},
};

/// Who asks, and what that one may ask for. Only [`authenticate`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    tenant: TenantId,
    key: Option<KeyId>,
    scopes: Scopes,
    signing: Option<RequestSigning>,
    limits: Limits,
    of_tenant: TenantLimits,
}

impl Principal {
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The id of the API key that was shown; `None` for one that was stored before keys had ids.
    pub fn key(&self) -> Option<&KeyId> {
        self.key.as_ref()
    }

    /// How the requests of the API key are signed, if they are.
    pub fn signing(&self) -> Option<&RequestSigning> {
        self.signing.as_ref()
    }

    /// How much it may ask for.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The tenant's own limits, for what is no number.
    pub fn tenant_limits(&self) -> &TenantLimits {
        &self.of_tenant
    }

    /// Whether the key may be used for this.
    ///
    /// # Errors
    /// [`Kind::ScopeMissing`].
    pub fn require(&self, scope: Scope) -> Result<(), Error> {
        if self.scopes.contains(scope) { Ok(()) } else { Err(Kind::ScopeMissing(scope).into()) }
    }

    /// Whether the tenant's requests may come from this address; `None` is an address that nobody knows.
    ///
    /// # Errors
    /// [`Kind::AddressNotAllowed`].
    pub fn check_address(&self, address: Option<IpAddr>) -> Result<(), Error> {
        match &self.of_tenant.networks {
            Some(networks) if !address.is_some_and(|address| networks.contains(address)) => {
                Err(Kind::AddressNotAllowed.into())
            }
            _ => Ok(()),
        }
    }

    /// Whether a web page of this origin may send the tenant's requests: it must be one of the tenant's, and one of
    /// those that the stack allows at all.
    ///
    /// # Errors
    /// [`Kind::OriginNotAllowed`].
    pub fn check_origin(&self, allowed: &Origins, origin: &str) -> Result<(), Error> {
        let is_own = self.of_tenant.origins.as_ref().is_some_and(|origins| origins.contains(origin));
        if is_own && allowed.contains(origin) { Ok(()) } else { Err(Kind::OriginNotAllowed.into()) }
    }
}

/// Who shows `api_key`, held to the limits of its tenant, and where it has none of its own to `limits`. What cannot be a
/// key, or can only be one with a typing error, is nobody's, unasked.
///
/// # Errors
/// [`Kind::Unauthenticated`] for a key that is unknown, disabled, revoked or expired, all alike.
/// [`Kind::TenantSuspended`], or a failure of the port.
pub async fn authenticate(
    ports: &(impl Clock + Tenants),
    keyed_hash: &KeyedHash,
    limits: Limits,
    api_key: &str,
) -> Result<Principal, Error> {
    let is_mistyped = api_key::is_meant(api_key) && api_key.parse::<ApiKey>().is_err();
    if !is_api_key(api_key) || is_mistyped {
        return Err(Kind::Unauthenticated.into());
    }
    let found = ports.key_holder(&keyed_hash.api_key(api_key)).await?;
    let accepted = found.filter(|found| found.key.state(ports.now()) == KeyState::Active);
    let KeyHolder { key, tenant } = accepted.ok_or(Kind::Unauthenticated)?;
    if tenant.suspended_at.is_some() {
        return Err(Kind::TenantSuspended.into());
    }
    let limits = limits.of_tenant(&tenant.limits);
    Ok(Principal {
        tenant: tenant.id,
        key: key.id,
        scopes: key.scopes,
        signing: key.signing,
        limits,
        of_tenant: tenant.limits,
    })
}

//! References: which thing, and whose. Every record is keyed by its tenant.

use std::fmt;

use crate::{JobId, TenantId, UserId};

/// A connected account of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountRef {
    /// Whose it is.
    pub tenant: TenantId,
    /// The account's id, one of the tenant's.
    pub user: UserId,
}

impl AccountRef {
    /// The account `user` of `tenant`.
    pub fn new(tenant: &TenantId, user: &UserId) -> Self {
        Self { tenant: tenant.clone(), user: user.clone() }
    }
}

impl fmt::Display for AccountRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.tenant, self.user)
    }
}

/// A job of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobRef {
    /// Whose it is.
    pub tenant: TenantId,
    pub id: JobId,
}

impl JobRef {
    /// The job `id` of `tenant`.
    pub fn new(tenant: &TenantId, id: &JobId) -> Self {
        Self { tenant: tenant.clone(), id: id.clone() }
    }
}

impl fmt::Display for JobRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.tenant, self.id)
    }
}

//! Pending logins.

use domain::{
    TenantId, Timestamp,
    login::{Digested, PendingLogin},
};

use super::Result;

/// A login with its request token's secret, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedLogin {
    pub login: PendingLogin,
    /// The request token's secret, sealed.
    pub sealed_secret: Vec<u8>,
}

/// Pending logins, until they are completed.
pub trait Logins: Send + Sync {
    /// Stores `login`.
    fn save_login(&self, login: &SealedLogin) -> impl Future<Output = Result<()>> + Send;

    /// The tenant's pending login with this request token. An expired one may still be found.
    fn login(&self, tenant: &TenantId, token: &Digested) -> impl Future<Output = Result<Option<PendingLogin>>> + Send;

    /// Removes and gives the tenant's pending login with this request token and, when `state` is given, this state: at
    /// most one caller gets it. A login in callback mode is given only with its state, an expired one never.
    fn take_login(
        &self,
        tenant: &TenantId,
        token: &Digested,
        state: Option<&Digested>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<SealedLogin>>> + Send;
}

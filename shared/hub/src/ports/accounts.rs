//! Connected Flickr accounts.

use domain::{AccountRef, TenantId, Timestamp, UserId, account::Account, budget::Circuit};

use super::Result;

/// An account with its token, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedAccount {
    pub account: Account,
    pub sealed_token: Vec<u8>,
    /// How its calls went of late.
    pub circuit: Circuit,
}

/// Connected Flickr accounts.
pub trait Accounts: Send + Sync {
    /// Stores `account`, replacing what was stored of the same user.
    fn save_account(&self, account: &SealedAccount) -> impl Future<Output = Result<()>> + Send;

    /// Stores `account`, unless one of the same user is stored. Whether it was.
    fn add_account(&self, account: &SealedAccount) -> impl Future<Output = Result<bool>> + Send;

    /// The account with its token.
    fn account(&self, account: &AccountRef) -> impl Future<Output = Result<Option<SealedAccount>>> + Send;

    /// Up to `limit` of the tenant's accounts after `after`, by user id.
    fn accounts(
        &self,
        tenant: &TenantId,
        after: Option<&UserId>,
        limit: u16,
    ) -> impl Future<Output = Result<Vec<Account>>> + Send;

    /// Removes the account with its token. `false` when there was none.
    fn remove_account(&self, account: &AccountRef) -> impl Future<Output = Result<bool>> + Send;

    /// Marks the account as in need of connecting again, unless it was connected anew after `connected_at` or removed.
    fn mark_reconnect_needed(
        &self,
        account: &AccountRef,
        connected_at: Timestamp,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Writes the account's circuit, if the stored one still is the one that was seen and the account is there. Whether
    /// it was written.
    fn set_circuit(
        &self,
        account: &AccountRef,
        seen: &Circuit,
        circuit: &Circuit,
    ) -> impl Future<Output = Result<bool>> + Send;
}

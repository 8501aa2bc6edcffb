//! Connected accounts: list, look at, disconnect.

use domain::{TenantId, UserId, account::Account};

use crate::{
    Error, Kind,
    ports::{FindAccount, ListAccounts, RemoveAccount},
};

/// The most accounts one page holds.
pub const PAGE_ACCOUNTS: u16 = 100;

/// One page of accounts.
#[derive(Debug)]
pub struct Page {
    /// The accounts, by user id.
    pub accounts: Vec<Account>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<UserId>,
}

/// Up to [`PAGE_ACCOUNTS`] of the tenant's accounts after `after`.
///
/// # Errors
/// A failure of the port.
pub async fn list(ports: &impl ListAccounts, tenant: &TenantId, after: Option<&UserId>) -> Result<Page, Error> {
    let mut accounts = ports.accounts(tenant, after, PAGE_ACCOUNTS + 1).await?;
    let more = accounts.len() > usize::from(PAGE_ACCOUNTS);
    accounts.truncate(usize::from(PAGE_ACCOUNTS));
    let next = accounts.last().filter(|_| more).map(|account| account.user.clone());
    Ok(Page { accounts, next })
}

/// The tenant's account.
///
/// # Errors
/// [`Kind::AccountNotFound`], or a failure of the port.
pub async fn get(ports: &impl FindAccount, tenant: &TenantId, user: &UserId) -> Result<Account, Error> {
    let found = ports.account(tenant, user).await?;
    Ok(found.ok_or(Kind::AccountNotFound)?.account)
}

/// Forgets the tenant's account and its token. Flickr has no call that revokes a token: the user
/// does that in the account's settings.
///
/// # Errors
/// [`Kind::AccountNotFound`], or a failure of the port.
pub async fn disconnect(ports: &impl RemoveAccount, tenant: &TenantId, user: &UserId) -> Result<(), Error> {
    if !ports.remove_account(tenant, user).await? {
        return Err(Kind::AccountNotFound.into());
    }
    tracing::info!(%user, "account disconnected");
    Ok(())
}

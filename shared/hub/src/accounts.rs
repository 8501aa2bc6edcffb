//! Connected accounts: list, read, disconnect.

use domain::{AccountRef, UserId, account::Account};

use crate::{
    Error, Kind,
    page::Page,
    ports::{Accounts, ResponseCache},
    response_cache::forget,
    tenants::Principal,
};

/// The most accounts one page holds.
pub const PAGE_ACCOUNTS: u16 = 100;

/// Up to [`PAGE_ACCOUNTS`] of the tenant's accounts after `after`, by user id.
///
/// # Errors
/// A failure of the port.
pub async fn list(
    ports: &impl Accounts,
    principal: &Principal,
    after: Option<&UserId>,
) -> Result<Page<Account, UserId>, Error> {
    let accounts = ports.accounts(principal.tenant(), after, PAGE_ACCOUNTS + 1).await?;
    Ok(Page::of(accounts, PAGE_ACCOUNTS, |account| account.user.clone()))
}

/// The tenant's account.
///
/// # Errors
/// [`Kind::AccountNotFound`], or a failure of the port.
pub async fn get(ports: &impl Accounts, principal: &Principal, user: &UserId) -> Result<Account, Error> {
    let found = ports.account(&AccountRef::new(principal.tenant(), user)).await?;
    Ok(found.ok_or(Kind::AccountNotFound)?.account)
}

/// Removes the tenant's account, its token and its cached answers. Flickr has no call that revokes a token: the user does that in the
/// account's settings.
///
/// # Errors
/// [`Kind::AccountNotFound`], or a failure of the port.
pub async fn disconnect(
    ports: &(impl Accounts + ResponseCache),
    principal: &Principal,
    user: &UserId,
) -> Result<(), Error> {
    let account = AccountRef::new(principal.tenant(), user);
    ports.account(&account).await?.ok_or(Kind::AccountNotFound)?;
    // Before the account goes: whoever repeats a request that failed halfway still finds it.
    forget(ports, &account).await?;
    if !ports.remove_account(&account).await? {
        return Err(Kind::AccountNotFound.into());
    }
    tracing::info!(%user, "account disconnected");
    Ok(())
}

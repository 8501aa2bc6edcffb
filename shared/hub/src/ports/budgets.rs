//! Budgets of calls to Flickr.

use domain::{AccountRef, AppId, TenantId, budget::Budget};

use super::Result;

/// Whose calls are counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BudgetKey {
    /// All calls of a Flickr app, whoever makes them.
    App(AppId),
    /// The calls of one account.
    Account(AccountRef),
    /// The calls a tenant makes for apps that Flickr has not yet accepted from it.
    Unverified(TenantId),
}

/// Budgets of calls to Flickr.
pub trait Budgets: Send + Sync {
    /// Changes the budget by `change`, a pure function of it: run again whenever another change came in between, and
    /// done once. `change` gives no budget where nothing is to be written.
    fn change_budget<T: Send>(
        &self,
        key: &BudgetKey,
        change: impl Fn(&Budget) -> (Option<Budget>, T) + Send + Sync,
    ) -> impl Future<Output = Result<T>> + Send;
}

//! Budgets of calls to Flickr.

use domain::{
    AccountRef, AppId, TenantId,
    budget::{Budget, BudgetChange, ReturnedCalls},
};

use super::Result;

/// Whose calls are counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BudgetKey {
    /// All calls of a Flickr app, whoever makes them.
    App(AppId),
    /// The calls of one account.
    Account(AccountRef),
    /// The steps of a tenant's logins with an app that others have logins with, too.
    Logins(TenantId, AppId),
    /// The calls a tenant makes for apps that Flickr has not yet accepted from it.
    Unverified(TenantId),
}

/// What a change found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// It was made: the budget after it.
    Done(Budget),
    /// Its condition does not hold for the budget that is stored, which is this.
    Refused(Budget),
}

/// Budgets of calls to Flickr. One that is not stored is a new one.
pub trait Budgets: Send + Sync {
    /// The budget as it is stored.
    fn budget(&self, key: &BudgetKey) -> impl Future<Output = Result<Budget>> + Send;

    /// Makes the change where its condition holds ([`Budget::changed`]). Where an answer was lost, calls may be taken
    /// twice; the control is changed once.
    fn change_budget(&self, key: &BudgetKey, change: &BudgetChange) -> impl Future<Output = Result<Changed>> + Send;

    /// Gives calls back ([`Budget::given_back`]), at most once: a request whose answer is lost is not repeated.
    fn give_back(&self, key: &BudgetKey, returned: &ReturnedCalls) -> impl Future<Output = Result<()>> + Send;
}

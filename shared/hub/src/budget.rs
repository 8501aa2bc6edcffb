//! Spending the budget: every call to Flickr is granted before it is made, whoever makes it.
//!
//! Levels go from narrow to wide: one of the account or the tenant, where there is such a limit, then
//! the app's. What the narrow one granted is given back when the wide one refuses. Host classes have
//! their parts and circuits in the app's budget; to a narrow one all calls are alike.

use domain::{
    AppId, TenantId, Timestamp, UserId,
    budget::{Budget, GRANT_LIFETIME, Grant, HostClass, Limit, Signal, Why},
    outcome::{Class, Outcome},
};

use crate::{
    Error, chain,
    ports::{BudgetKey, Clock, Entropy, KeepBudget},
};

/// The limits of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of a Flickr app, all its users together.
    pub app: Limit,
    /// Of one account; none means the app's alone.
    pub account: Option<Limit>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { app: Limit::FLICKR, account: None }
    }
}

impl Limits {
    /// The level of an account, where it has a limit of its own.
    pub fn of_account(&self, tenant: &TenantId, user: &UserId) -> Option<(Limit, BudgetKey)> {
        self.account.map(|limit| (limit, BudgetKey::Account(tenant.clone(), user.clone())))
    }
}

/// A call that may be made.
#[derive(Debug, Clone)]
pub struct Granted {
    app: AppId,
    class: HostClass,
    at: Timestamp,
    /// The app's budget as it was then.
    budget: Budget,
}

/// No call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// When to ask again.
    pub retry_at: Timestamp,
    /// Why.
    pub why: Why,
    /// Whether it is the app's budget that refuses, and not the narrow one.
    pub by_app: bool,
}

/// Asks for one call of `app`, and first of the `narrow` level, if there is one.
///
/// # Errors
/// A failure of the port. The refusal is no error: it comes as the second kind of answer.
pub async fn take(
    ports: &(impl Clock + KeepBudget),
    limit: &Limit,
    app: &AppId,
    narrow: Option<(Limit, BudgetKey)>,
    class: HostClass,
) -> Result<Result<Granted, Refused>, Error> {
    let now = ports.now();
    if let Some((limit, key)) = &narrow {
        let grant = ports.change_budget(key, |budget| budget.take(limit, HostClass::Rest, 1, now)).await?;
        if let Grant::Refused { retry_at, why } = grant {
            return Ok(Err(Refused { retry_at, why, by_app: false }));
        }
    }
    let wide = BudgetKey::App(app.clone());
    let taken = ports
        .change_budget(&wide, |budget| {
            let (after, grant) = budget.take(limit, class, 1, now);
            let seen = after.clone().unwrap_or_else(|| budget.clone());
            (after, (grant, seen))
        })
        .await;
    let (grant, budget) = match (taken, &narrow) {
        (Ok((granted @ Grant::Granted { .. }, budget)), _) => (granted, budget),
        (refused, Some((limit, key))) => {
            let back = |budget: &Budget| (Some(budget.give_back(limit, HostClass::Rest, 1)), ());
            ports.change_budget(key, back).await?;
            (refused?.0, Budget::default())
        }
        (refused, None) => (refused?.0, Budget::default()),
    };
    Ok(match grant {
        Grant::Granted { .. } => Ok(Granted { app: app.clone(), class, at: now, budget }),
        Grant::Refused { retry_at, why } => Err(Refused { retry_at, why, by_app: true }),
    })
}

impl Granted {
    /// Whether a call that begins at `now` is still covered.
    pub fn holds(&self, now: Timestamp) -> bool {
        now.since(self.at) <= GRANT_LIFETIME
    }

    /// Tells the budget what became of the call. Where that changes nothing, nothing is asked of
    /// the port. A budget that does not hear is logged: the call was made all the same.
    pub async fn hear(&self, ports: &(impl Clock + Entropy + KeepBudget), outcome: Option<&Outcome>) {
        let signal = signal(outcome);
        let (now, class) = (ports.now(), self.class);
        let [a, b, c, d, ..] = ports.random();
        let chance = u32::from_be_bytes([a, b, c, d]);
        if self.budget.hear(class, signal, chance, now).is_none() {
            return;
        }
        let key = BudgetKey::App(self.app.clone());
        let heard = ports.change_budget(&key, |budget| (budget.hear(class, signal, chance, now), ())).await;
        if let Err(error) = heard {
            tracing::warn!(error = chain(&error), app = %self.app, ?signal, "the budget did not hear of a call");
        }
    }
}

/// What an outcome says of Flickr's health; none means that the call was done.
fn signal(outcome: Option<&Outcome>) -> Signal {
    match outcome.map(|outcome| outcome.class) {
        Some(Class::Throttled) => Signal::Throttled,
        Some(Class::Transient | Class::UnknownOutcome) => Signal::Failed,
        _ => Signal::Succeeded,
    }
}

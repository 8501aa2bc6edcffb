//! Spending the budget: every call to Flickr is granted before it is made, whoever makes it.
//!
//! The narrower limit is asked first, that of the account or of the tenant's unverified apps, where there is one, then
//! the app's. What the first granted is given back when the app's refuses. Host classes have their parts and circuits
//! in the app's budget; to the first all calls are alike.

use domain::{
    AppId, Timestamp,
    budget::{Budget, GRANT_LIFETIME, Grant, HostClass, Limit, Signal, Why},
    outcome::{Class, Outcome},
};

use crate::{
    Error, chain,
    ports::{BudgetKey, Budgets, Clock, Entropy},
};

/// A request for one call.
#[derive(Debug)]
pub struct CallRequest<'a> {
    /// The Flickr app that calls.
    pub app: &'a AppId,
    /// The app's limit.
    pub limit: Limit,
    /// The hosts that are called.
    pub class: HostClass,
    /// A further limit, asked first, with the budget that it is held to.
    pub within: Option<(Limit, BudgetKey)>,
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
    pub why: Why,
    /// Whether it is the app's budget that refuses.
    pub by_app: bool,
}

/// Asks for one call.
///
/// # Errors
/// A failure of the port. The refusal is no error: it comes as the second kind of answer.
pub async fn take(ports: &(impl Clock + Budgets), request: CallRequest<'_>) -> Result<Result<Granted, Refused>, Error> {
    let CallRequest { app, limit, class, within } = request;
    let now = ports.now();
    if let Some((limit, key)) = &within {
        let grant = ports.change_budget(key, |budget| budget.take_any(limit, 1, now)).await?;
        if let Grant::Refused { retry_at, why } = grant {
            return Ok(Err(Refused { retry_at, why, by_app: false }));
        }
    }
    let taken = ports
        .change_budget(&BudgetKey::App(app.clone()), |budget| {
            let (after, grant) = budget.take(&limit, class, 1, now);
            let seen = after.clone().unwrap_or_else(|| budget.clone());
            (after, (grant, seen))
        })
        .await;
    if !matches!(taken, Ok((Grant::Granted { .. }, _)))
        && let Some((limit, key)) = &within
    {
        let given_back = ports.change_budget(key, |budget| (Some(budget.give_back_any(limit, 1)), ())).await;
        if let Err(error) = given_back {
            tracing::warn!(error = chain(&error), ?key, "a call that is not made could not be given back");
        }
    }
    let (grant, budget) = taken?;
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

    /// Records in the budget what became of the call. Where that changes nothing, nothing is asked of the port. A
    /// failure to record is logged: the call was made all the same.
    pub async fn record(&self, ports: &(impl Clock + Entropy + Budgets), outcome: Option<&Outcome>) {
        let signal = signal(outcome);
        let (now, class, jitter) = (ports.now(), self.class, ports.jitter());
        if self.budget.record(class, signal, jitter, now).is_none() {
            return;
        }
        let key = BudgetKey::App(self.app.clone());
        let recorded = ports.change_budget(&key, |budget| (budget.record(class, signal, jitter, now), ())).await;
        if let Err(error) = recorded {
            tracing::warn!(error = chain(&error), app = %self.app, ?signal, "what became of a call was not recorded");
        }
    }
}

/// What an outcome says of Flickr's health; `None` means that the call was done.
fn signal(outcome: Option<&Outcome>) -> Signal {
    match outcome.map(|outcome| outcome.class) {
        Some(Class::Throttled) => Signal::Throttled,
        Some(Class::Transient | Class::UnknownOutcome) => Signal::Failed,
        _ => Signal::Succeeded,
    }
}

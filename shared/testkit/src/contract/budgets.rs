//! Budgets of calls to Flickr.

use std::time::Duration;

use domain::{
    AppId, Jitter,
    budget::{Budget, Grant, HostClass, Limit, Signal},
};
use futures_util::future::join_all;
use hub::ports::{BudgetKey, Budgets, Clock, Entropy};

use crate::build;

/// The budget as it is stored.
async fn stored(ports: &impl Budgets, key: &BudgetKey) -> Budget {
    ports.change_budget(key, |budget| (None, budget.clone())).await.unwrap()
}

/// Changing budgets: each change is done once, on what the others left.
pub async fn budgets(ports: &(impl Clock + Entropy + Budgets)) {
    let now = ports.now();
    let limit = Limit { calls_per_hour: 3600, burst_calls: 10 };
    let app = BudgetKey::App(AppId::from_bytes(ports.random()));
    let tenant = build::tenant(ports);
    let others = [BudgetKey::Account(build::account_ref(&tenant, "1@N00")), BudgetKey::Unverified(tenant)];
    assert_eq!(stored(ports, &app).await, Budget::default());

    let take = || ports.change_budget(&app, |budget| budget.take(&limit, HostClass::Rest, 1, now));
    let grants = join_all((0..14).map(|_| take())).await;
    let granted = grants.iter().filter(|grant| matches!(grant.as_ref().unwrap(), Grant::Granted { .. })).count();
    assert_eq!(granted, 10, "grants at once add up");
    assert_eq!(stored(ports, &app).await.status(&limit, HostClass::Rest, now).remaining_calls, 0);
    for other in &others {
        assert_eq!(stored(ports, other).await, Budget::default(), "another key is another budget");
    }

    let record = |budget: &Budget| (budget.record(HostClass::Rest, Signal::Throttled, Jitter::NONE, now), ());
    for _ in 0..3 {
        ports.change_budget(&app, record).await.unwrap();
    }
    let later = now + Duration::from_secs(60);
    let refused = ports.change_budget(&app, |budget| budget.take(&limit, HostClass::Rest, 1, later)).await.unwrap();
    assert!(matches!(refused, Grant::Refused { .. }), "the circuit is stored with the budget");
    let before = stored(ports, &app).await;
    ports.change_budget(&app, |_| (None, ())).await.unwrap();
    assert_eq!(stored(ports, &app).await, before, "what changes nothing writes nothing");
}

use std::time::Duration;

use domain::{
    AppId,
    budget::{Budget, Grant, HostClass, Limit, Signal},
};
use futures_util::future::join_all;
use hub::ports::{BudgetKey, Clock, Entropy, KeepBudget};

use crate::build;

/// The budget as it is kept.
async fn stored(ports: &impl KeepBudget, key: &BudgetKey) -> Budget {
    ports.change_budget(key, |budget| (None, budget.clone())).await.unwrap()
}

/// Changing budgets: each change is done once, on what the others left.
pub async fn budgets(ports: &(impl Clock + Entropy + KeepBudget)) {
    let now = ports.now();
    let limit = Limit { calls_per_hour: 3600, burst_calls: 10 };
    let app = BudgetKey::App(AppId::from_bytes(ports.random()));
    let tenant = build::tenant(ports);
    let account = BudgetKey::Account(tenant.clone(), domain::UserId::of(&tenant, "1@N00"));
    assert_eq!(stored(ports, &app).await, Budget::default());

    let take = || ports.change_budget(&app, |budget| budget.take(&limit, HostClass::Rest, 1, now));
    let grants = join_all((0..14).map(|_| take())).await;
    let granted = grants.iter().filter(|grant| matches!(grant.as_ref().unwrap(), Grant::Granted { .. })).count();
    assert_eq!(granted, 10, "grants at once add up");
    assert_eq!(stored(ports, &app).await.standing(&limit, now).remaining_calls, 0);
    assert_eq!(stored(ports, &account).await, Budget::default(), "another key is another budget");

    for _ in 0..3 {
        ports
            .change_budget(&app, |budget| (budget.hear(HostClass::Rest, Signal::Throttled, 0, now), ()))
            .await
            .unwrap();
    }
    let later = now + Duration::from_secs(60);
    let refused = ports.change_budget(&app, |budget| budget.take(&limit, HostClass::Rest, 1, later)).await.unwrap();
    assert!(matches!(refused, Grant::Refused { .. }), "the circuit is kept with the budget");
    let before = stored(ports, &app).await;
    ports.change_budget(&app, |_| (None, ())).await.unwrap();
    assert_eq!(stored(ports, &app).await, before, "what changes nothing writes nothing");
}

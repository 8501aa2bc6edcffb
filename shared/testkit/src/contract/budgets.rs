//! Budgets of calls to Flickr.

use std::time::Duration;

use domain::{
    AppId, Jitter,
    budget::{Budget, BudgetChange, HostClass, Limit, Party, Request, Signal},
};
use futures_util::future::join_all;
use hub::ports::{BudgetKey, Budgets, Changed, Clock, Entropy};

use crate::build;

/// Makes a change; the budget after it.
async fn done(ports: &impl Budgets, key: &BudgetKey, change: &BudgetChange) -> Budget {
    match ports.change_budget(key, change).await.unwrap() {
        Changed::Done(after) => after,
        Changed::Refused(found) => panic!("{change:?} does not hold for {found:?}"),
    }
}

/// Changing budgets: a change is made where its condition holds, of many at once as many as there is room for.
pub async fn budgets(ports: &(impl Clock + Entropy + Budgets)) {
    let now = ports.now();
    let limit = Limit { calls_per_hour: 3600, burst_calls: 10 };
    let (app, tenant) = (AppId::from_bytes(ports.random()), build::tenant(ports));
    let key = BudgetKey::App(app.clone());
    let others = [
        BudgetKey::Account(build::account_ref(&tenant, "1@N00")),
        BudgetKey::Logins(tenant.clone(), app),
        BudgetKey::Unverified(tenant.clone()),
    ];
    let stored = async |key: &BudgetKey| ports.budget(key).await.unwrap();
    assert_eq!(stored(&key).await, Budget::default());

    // Each kind of change: into an empty bucket and on top of others, of a part and of the whole, and of the control.
    let mut expected = Budget::default();
    let request = |class, calls| Request { limit, class, calls };
    for class in [Some(HostClass::Oauth), Some(HostClass::Upload), Some(HostClass::Rest), None] {
        let change = expected.take(&request(class, 1), now).unwrap();
        expected = expected.changed(&change).unwrap();
        assert_eq!(done(ports, &key, &change).await, expected);
        assert_eq!(stored(&key).await, expected);
    }
    let refused_key = Signal::KeyRefused(Party::tenant(&tenant), "Invalid API Key \u{1F511}".to_owned());
    for signal in [Signal::Throttled, Signal::Throttled, refused_key] {
        let change = expected.record(HostClass::Rest, &signal, Jitter::NONE, now).unwrap();
        let stale = expected.take(&request(None, 1), now).unwrap();
        expected = expected.changed(&change).unwrap();
        assert_eq!(done(ports, &key, &change).await, expected);
        let refused = Changed::Refused(expected.clone());
        assert_eq!(ports.change_budget(&key, &stale).await.unwrap(), refused, "the control was changed meanwhile");
        assert_eq!(ports.change_budget(&key, &change).await.unwrap(), refused, "and is changed once");
    }
    for other in &others {
        assert_eq!(stored(other).await, Budget::default(), "another key is another budget");
    }
    let returned = expected.returned(&expected.take(&request(None, 1), now).unwrap(), 0, now);
    ports.give_back(&key, &returned).await.unwrap();
    expected = expected.given_back(&returned);
    assert_eq!(stored(&key).await, expected);

    for other in &others {
        let first = Budget::default().take(&request(None, 1), now).unwrap();
        let budget = done(ports, other, &first).await;
        assert!(
            matches!(ports.change_budget(other, &first).await.unwrap(), Changed::Refused(found) if found == budget)
        );
        let one = budget.take(&request(None, 1), now).unwrap();
        let many = join_all((0..14).map(|_| ports.change_budget(other, &one))).await;
        let taken = many.iter().filter(|change| matches!(change, Ok(Changed::Done(_)))).count();
        assert_eq!(taken, 9, "of many at once as many are made as there is room for");
        let budget = stored(other).await;
        assert_eq!(budget.status(&limit, HostClass::Rest, now).remaining_calls, 0);

        let later = now + Duration::from_secs(60);
        let fill = budget.take(&request(None, 3), later).unwrap();
        assert_eq!(done(ports, other, &fill).await, budget.changed(&fill).unwrap(), "it drains");
        ports.give_back(other, &budget.changed(&fill).unwrap().returned(&fill, 0, later)).await.unwrap();
        let left = stored(other).await.status(&limit, HostClass::Rest, later).remaining_calls;
        assert_eq!(left, 8, "what is given back is there again");
    }
    let absent = BudgetKey::App(AppId::from_bytes(ports.random()));
    ports.give_back(&absent, &returned).await.unwrap();
    assert_eq!(stored(&absent).await, Budget::default(), "there is nothing to give back to");
}

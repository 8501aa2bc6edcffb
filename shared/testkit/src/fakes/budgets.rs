//! Budgets of calls to Flickr.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    AppId, Timestamp,
    budget::{Budget, HostClass, Limit},
};
use hub::ports::{BudgetKey, Budgets, Result};

use super::{history::History, world::World};
use crate::{call::Call, mutation::Mutation};

/// A circuit that is half open lets no other call through while its probe has time, a minute: that opens nothing.
const LONGER_THAN_A_PROBE: Duration = Duration::from_secs(120);

#[derive(Default)]
pub(super) struct StoredBudgets(BTreeMap<BudgetKey, Budget>);

impl StoredBudgets {
    fn get(&self, key: &BudgetKey) -> Budget {
        self.0.get(key).cloned().unwrap_or_default()
    }

    pub(super) fn of_app(&self, app: &AppId) -> Budget {
        self.get(&BudgetKey::App(app.clone()))
    }
}

impl Budgets for World {
    async fn change_budget<T: Send>(
        &self,
        key: &BudgetKey,
        change: impl Fn(&Budget) -> (Option<Budget>, T) + Send + Sync,
    ) -> Result<T> {
        self.call(Call::ChangeBudget, |stores, now| {
            let before = stores.part::<StoredBudgets>().get(key);
            let (mut after, mut value) = change(&before);
            if after.is_none() && stores.breaks(Mutation::CircuitIgnored) {
                let (granted, other) = change(&with_circuits_of(&before, &Budget::default()));
                after = granted.map(|granted| with_circuits_of(&granted, &before));
                value = other;
            }
            let Some(after) = after else { return value };
            if let (BudgetKey::App(app), Some(until)) = (key, open_until(&after, now))
                && open_until(&before, now) != Some(until)
                && until.since(now) > LONGER_THAN_A_PROBE
            {
                stores.part::<History>().circuits.push((app.clone(), now, until));
            }
            stores.part::<StoredBudgets>().0.insert(key.clone(), after);
            value
        })
        .await
    }
}

/// Until when a budget's circuit is open.
fn open_until(budget: &Budget, now: Timestamp) -> Option<Timestamp> {
    budget.status(&Limit::FLICKR, HostClass::Rest, now).open_until
}

/// A budget with the circuits of another.
fn with_circuits_of(budget: &Budget, other: &Budget) -> Budget {
    let value = |budget| serde_json::to_value(budget).unwrap_or_default();
    let (mut merged, mut other) = (value(budget), value(other));
    merged["circuits"] = other["circuits"].take();
    if merged["circuits"].is_null() {
        merged["circuits"] = serde_json::json!({});
    }
    serde_json::from_value(merged).unwrap_or_default()
}

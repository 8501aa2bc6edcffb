//! Budgets of calls to Flickr.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    AppId, Timestamp,
    budget::{Budget, BudgetChange, Control, HostClass, Limit, ReturnedCalls},
};
use hub::ports::{BudgetKey, Budgets, Changed, Result};

use super::{
    history::{History, OpenedCircuit},
    keys::{Item, Partition},
    world::World,
};
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

impl World {
    /// Replaces a budget by what `change` makes of it, where it makes anything of it. That is no call of a port.
    pub fn set_budget(&self, key: &BudgetKey, change: impl FnOnce(&Budget) -> Option<Budget>) {
        self.stores(|stores, _| {
            let budgets = stores.part::<StoredBudgets>();
            if let Some(after) = change(&budgets.get(key)) {
                budgets.0.insert(key.clone(), after);
            }
        });
    }
}

impl Budgets for World {
    async fn budget(&self, key: &BudgetKey) -> Result<Budget> {
        self.read(Call::Budget, [Partition::Budget(key.clone())], |stores, _| {
            let budget = stores.part::<StoredBudgets>().get(key);
            if stores.breaks(Mutation::CircuitIgnored) { with_circuits_of(&budget, &Budget::default()) } else { budget }
        })
        .await
    }

    async fn change_budget(&self, key: &BudgetKey, change: &BudgetChange) -> Result<Changed> {
        self.write(Call::ChangeBudget, Item::budget(key), |stores, now| {
            let before = stores.part::<StoredBudgets>().get(key);
            let Some(mut after) = before.changed(change) else { return Changed::Refused(before) };
            if stores.breaks(Mutation::CircuitIgnored) && change.calls > 0 {
                after = with_circuits_of(&after, &before);
            }
            for class in HostClass::ALL {
                if let (BudgetKey::App(app), Some(until)) = (key, open_until(&after, class, now))
                    && open_until(&before, class, now) != Some(until)
                    && until.since(now) > LONGER_THAN_A_PROBE
                {
                    let opened = OpenedCircuit { app: app.clone(), class, at: now, until };
                    stores.part::<History>().circuits.push(opened);
                }
            }
            stores.part::<StoredBudgets>().0.insert(key.clone(), after.clone());
            Changed::Done(after)
        })
        .await
    }

    async fn give_back(&self, key: &BudgetKey, returned: &ReturnedCalls) -> Result<()> {
        self.write(Call::GiveBack, Item::budget(key), |stores, _| {
            if let Some(budget) = stores.part::<StoredBudgets>().0.get_mut(key) {
                *budget = budget.given_back(returned);
            }
        })
        .await
    }
}

/// Until when a budget's circuit for these hosts is open.
fn open_until(budget: &Budget, class: HostClass, now: Timestamp) -> Option<Timestamp> {
    budget.status(&Limit::FLICKR, class, now).open_until
}

/// A budget with the circuits of another.
fn with_circuits_of(budget: &Budget, other: &Budget) -> Budget {
    let value = |budget: &Budget| serde_json::to_value(&budget.control).unwrap_or_default();
    let (mut merged, mut other) = (value(budget), value(other));
    merged["circuits"] = other["circuits"].take();
    if merged["circuits"].is_null() {
        merged["circuits"] = serde_json::json!({});
    }
    let control: Control = serde_json::from_value(merged).unwrap_or_default();
    Budget { control: control.of_version(budget.control.version), ..budget.clone() }
}

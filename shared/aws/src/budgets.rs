//! Budgets, in the runtime table: one small item each, changed by updates whose conditions speak of values.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `BUDGET#app` | `BUDGET` | the budget of an app's calls |
//! | `BUDGET#tenant#user` | `BUDGET` | the budget of an account's calls |
//! | `BUDGET#tenant#LOGINS#app` | `BUDGET` | the budget of a tenant's logins with an app |
//! | `BUDGET#tenant#UNVERIFIED` | `BUDGET` | the budget of a tenant's calls for apps not yet accepted |
//!
//! An item holds the arrival time of each bucket, and the control as JSON with its version. Those who take calls at once
//! do not get into each other's way while there is room. A request that the SDK repeats may take calls twice; the
//! control names who wrote it, and is changed once.

use std::time::Duration;

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use domain::budget::{Budget, BudgetChange, Control, HostClass, Meter, Move, ReturnedCalls};
use hub::ports::{self, BudgetKey, Budgets, Changed};

use crate::{
    Cloud,
    item::{self, Attributes, EXPIRES_AT, PARTITION, Reader, bytes, expiry, json, number, time, whole},
    machine::{now, random},
    table::{Written, once, written, written_if},
};

/// How long a budget is stored after its last change: by then its bursts are whole again, its circuits closed and its
/// rate grown back.
const RETENTION: Duration = Duration::from_secs(3 * 24 * 3600);

const CONTROL: &str = "control";
const CONTROL_VERSION: &str = "control_version";
/// Which request changed the control last.
const WRITTEN_BY: &str = "written_by";

const CHANGING: &str = "changing a budget";

/// The key of a budget in the runtime table.
pub(crate) fn key(budget: &BudgetKey) -> Attributes {
    let owner = match budget {
        BudgetKey::App(app) => app.to_string(),
        BudgetKey::Account(account) => account.to_string(),
        BudgetKey::Logins(tenant, app) => format!("{tenant}#LOGINS#{app}"),
        BudgetKey::Unverified(tenant) => format!("{tenant}#UNVERIFIED"),
    };
    item::key(format!("BUDGET#{owner}"), "BUDGET")
}

/// The attribute of a bucket's arrival time.
fn arrival(meter: Meter) -> &'static str {
    match meter {
        Meter::Whole => "arrival",
        Meter::Part(HostClass::Rest) => "arrival_rest",
        Meter::Part(HostClass::Upload) => "arrival_upload",
        Meter::Part(HostClass::Oauth) => "arrival_oauth",
    }
}

/// The budget in an item; where there is none, a new one.
pub(crate) fn read(item: Option<&Attributes>) -> ports::Result<Budget> {
    let Some(reader) = item.map(Reader) else { return Ok(Budget::default()) };
    let meters = [Meter::Whole].into_iter().chain(HostClass::ALL.map(Meter::Part));
    let control = match reader.optional_whole(CONTROL_VERSION) {
        None => Control::default(),
        Some(version) => reader.json::<Control>(CONTROL)?.of_version(version),
    };
    Ok(Budget {
        arrivals: meters.filter_map(|meter| Some((meter, reader.optional_time(arrival(meter))?))).collect(),
        control,
    })
}

/// The update that makes the change, by the request `me`.
fn change_update(
    update: UpdateItemFluentBuilder,
    change: &BudgetChange,
    me: &[u8],
) -> ports::Result<UpdateItemFluentBuilder> {
    let mut update = update;
    let mut set = vec![format!("{EXPIRES_AT} = :expires_at")];
    let mut conditions = Vec::new();
    if change.version == 0 {
        conditions.push(format!("attribute_not_exists({CONTROL_VERSION})"));
    } else {
        conditions.push(format!("{CONTROL_VERSION} = :version"));
        update = update.expression_attribute_values(":version", whole(change.version));
    }
    if let Some(control) = &change.control {
        set.push(format!("{CONTROL} = :control, {CONTROL_VERSION} = :next, {WRITTEN_BY} = :me"));
        update = update
            .expression_attribute_values(":control", json(control)?)
            .expression_attribute_values(":next", whole(control.version))
            .expression_attribute_values(":me", bytes(me));
    }
    for (meter, moved) in &change.moves {
        let at = arrival(*meter);
        let (now, value) = match moved {
            Move::Fill { now, to } => {
                conditions.push(format!("(attribute_not_exists({at}) OR {at} <= :now)"));
                set.push(format!("{at} = :{at}"));
                (now, time(*to))
            }
            Move::Advance { now, latest, by } => {
                conditions.push(format!("({at} > :now AND {at} <= :latest_{at})"));
                set.push(format!("{at} = {at} + :{at}"));
                update = update.expression_attribute_values(format!(":latest_{at}"), time(*latest));
                (now, milliseconds(*by, 1))
            }
        };
        // One request has one time.
        update =
            update.expression_attribute_values(":now", time(*now)).expression_attribute_values(format!(":{at}"), value);
    }
    Ok(update
        .update_expression(format!("SET {}", set.join(", ")))
        .condition_expression(conditions.join(" AND "))
        .return_values(ReturnValue::AllNew)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld))
}

/// A length of time as a number of milliseconds, or its negative.
fn milliseconds(length: Duration, sign: i64) -> aws_sdk_dynamodb::types::AttributeValue {
    number(sign * i64::try_from(length.as_millis()).unwrap_or(i64::MAX))
}

impl Budgets for Cloud {
    async fn budget(&self, key: &BudgetKey) -> ports::Result<Budget> {
        read(self.runtime.get(self::key(key), "reading a budget").await?.as_ref())
    }

    async fn change_budget(&self, key: &BudgetKey, change: &BudgetChange) -> ports::Result<Changed> {
        let me = random();
        let update = self.runtime.update(self::key(key));
        let update = update.expression_attribute_values(":expires_at", expiry(now() + RETENTION));
        match written(change_update(update, change, &me)?.send().await, CHANGING)? {
            Written::Done(answer) => Ok(Changed::Done(read(answer.attributes.as_ref())?)),
            Written::Refused(found) => {
                let mine = found.as_ref().and_then(|item| item.get(WRITTEN_BY)) == Some(&bytes(&me));
                let budget = read(found.as_ref())?;
                Ok(if mine { Changed::Done(budget) } else { Changed::Refused(budget) })
            }
        }
    }

    async fn give_back(&self, key: &BudgetKey, returned: &ReturnedCalls) -> ports::Result<()> {
        let mut update = self.runtime.update(self::key(key));
        let mut additions = Vec::new();
        for (meter, earlier) in &returned.earlier {
            let at = arrival(*meter);
            additions.push(format!("{at} :{at}"));
            update = update.expression_attribute_values(format!(":{at}"), milliseconds(*earlier, -1));
        }
        let update = update
            .condition_expression(format!("attribute_exists({PARTITION})"))
            .update_expression(format!("ADD {}", additions.join(", ")));
        written_if(update.customize().config_override(once()).send().await, "giving calls back").map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        Jitter, Timestamp,
        budget::{Limit, Request, Signal},
    };

    use super::*;
    use crate::{item::named, table::unasked};

    const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_123);

    fn expressions(change: &BudgetChange) -> (String, String) {
        let update = change_update(unasked().update(Attributes::new()), change, &[7; 16]).unwrap();
        (update.get_update_expression().clone().unwrap(), update.get_condition_expression().clone().unwrap())
    }

    #[test]
    fn a_change_is_an_update_whose_condition_speaks_of_values() {
        let request = Request { limit: Limit::FLICKR, class: Some(HostClass::Oauth), calls: 1 };
        let first = Budget::default().take(&request, NOW).unwrap();
        assert_eq!(
            expressions(&first),
            (
                "SET expires_at = :expires_at, arrival = :arrival, arrival_oauth = :arrival_oauth".to_owned(),
                "attribute_not_exists(control_version) AND (attribute_not_exists(arrival) OR arrival <= :now) AND \
                 (attribute_not_exists(arrival_oauth) OR arrival_oauth <= :now)"
                    .to_owned()
            )
        );
        let budget = Budget::default().changed(&first).unwrap();
        let refused = budget.record(HostClass::Rest, &Signal::Throttled, Jitter::NONE, NOW).unwrap();
        assert_eq!(
            expressions(&refused),
            (
                "SET expires_at = :expires_at, control = :control, control_version = :next, written_by = :me"
                    .to_owned(),
                "attribute_not_exists(control_version)".to_owned()
            )
        );
        let budget = budget.changed(&refused).unwrap();
        let more = budget.take(&Request { class: None, ..request }, NOW).unwrap();
        assert_eq!(
            expressions(&more),
            (
                "SET expires_at = :expires_at, arrival = arrival + :arrival".to_owned(),
                "control_version = :version AND (arrival > :now AND arrival <= :latest_arrival)".to_owned()
            )
        );
    }

    #[test]
    fn a_budget_reads_back() {
        let request = Request { limit: Limit::FLICKR, class: Some(HostClass::Upload), calls: 3 };
        let budget = Budget::default();
        let budget = budget.changed(&budget.take(&request, NOW).unwrap()).unwrap();
        let change = budget.record(HostClass::Upload, &Signal::Throttled, Jitter::NONE, NOW).unwrap();
        let budget = budget.changed(&change).unwrap();
        let arrivals = budget.arrivals.iter().map(|(meter, at)| (arrival(*meter), time(*at)));
        let control = [(CONTROL, json(&budget.control).unwrap()), (CONTROL_VERSION, whole(budget.control.version))];
        let item: Attributes = named(arrivals.chain(control)).collect();
        assert_eq!(read(Some(&item)).unwrap(), budget);
        assert_eq!(read(None).unwrap(), Budget::default());
        assert_eq!(read(Some(&Attributes::new())).unwrap(), Budget::default());
    }
}

//! Budgets, in the runtime table: one small item each, changed under the condition that it is as it was read.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `BUDGET#app` | `BUDGET` | the budget of an app's calls |
//! | `BUDGET#tenant#user` | `BUDGET` | the budget of an account's calls |
//! | `BUDGET#tenant#UNVERIFIED` | `BUDGET` | the budget of a tenant's calls for apps not yet accepted |
//!
//! What was read or written last is remembered, so that a change costs one write as long as this process is alone; a
//! change of another is seen in the refusal, and costs one more.

use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use domain::{Timestamp, budget::Budget};
use hub::ports::{self, BudgetKey, Budgets};

use crate::{
    Cloud,
    item::{self, Attributes, EXPIRES_AT, PARTITION, Reader, bytes, expiry, json, named, number, unreadable},
    machine::{now, random},
    table::{Written, written},
};

/// How often a change that meets others is tried.
const TRIES: u32 = 12;

/// How long a budget is stored after its last change: by then its burst is whole again, its circuit closed and its
/// rate grown back.
const RETENTION: Duration = Duration::from_secs(3 * 24 * 3600);

const CHANGING: &str = "changing a budget";

/// The key of a budget in the runtime table.
pub(crate) fn key(budget: &BudgetKey) -> Attributes {
    let owner = match budget {
        BudgetKey::App(app) => app.to_string(),
        BudgetKey::Account(account) => account.to_string(),
        BudgetKey::Unverified(tenant) => format!("{tenant}#UNVERIFIED"),
    };
    item::key(format!("BUDGET#{owner}"), "BUDGET")
}

/// The budget in an item, with its version; none yet, or one whose time is over, is a new one.
pub(crate) fn read(item: Option<&Attributes>, now: Timestamp) -> ports::Result<(i64, Budget)> {
    let Some(item) = item else { return Ok((0, Budget::default())) };
    let reader = Reader(item);
    let version = reader.optional_number("version").ok_or_else(|| unreadable("version"))?;
    if reader.is_expired(now) {
        return Ok((version, Budget::default()));
    }
    Ok((version, reader.json("budget")?))
}

impl Cloud {
    async fn read_budget(&self, budget: &BudgetKey) -> ports::Result<(i64, Budget)> {
        read(self.runtime.get(key(budget), "reading a budget").await?.as_ref(), now())
    }

    /// Writes the budget over the one of this version. `None` when it is written, else what is there.
    async fn write_budget(
        &self,
        budget: &BudgetKey,
        version: i64,
        after: &Budget,
    ) -> ports::Result<Option<(i64, Budget)>> {
        // A request that the SDK repeats, because its answer was lost, finds itself: or else the change would be made twice.
        let writer = bytes(&random());
        let mut item = key(budget);
        item.extend(named([
            ("version", number(version + 1)),
            ("written_by", writer.clone()),
            ("budget", json(after)?),
            (EXPIRES_AT, expiry(now() + RETENTION)),
        ]));
        let put = self
            .runtime
            .write(item)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = put.expression_attribute_values(":me", writer);
        let put = if version == 0 {
            put.condition_expression(format!("attribute_not_exists({PARTITION}) OR written_by = :me"))
        } else {
            put.condition_expression("version = :version OR written_by = :me")
                .expression_attribute_values(":version", number(version))
        };
        match written(put.send().await, CHANGING)? {
            Written::Done(_) => Ok(None),
            Written::Refused(found) => read(found.as_ref(), now()).map(Some),
        }
    }
}

impl Budgets for Cloud {
    async fn change_budget<T: Send>(
        &self,
        key: &BudgetKey,
        change: impl Fn(&Budget) -> (Option<Budget>, T) + Send + Sync,
    ) -> ports::Result<T> {
        let cached = self.budget_cache.of(key);
        let _turn = cached.change.lock().await;
        let mut fresh = false;
        let mut seen = match cached.get() {
            Some(seen) => seen,
            None => {
                fresh = true;
                self.read_budget(key).await?
            }
        };
        for attempt in 0..TRIES {
            let (version, before) = seen;
            let (after, value) = change(&before);
            let Some(after) = after else {
                if fresh {
                    cached.set(version, before);
                    return Ok(value);
                }
                // A refusal by what is remembered may be out of date: it is asked once more.
                fresh = true;
                seen = self.read_budget(key).await?;
                continue;
            };
            match self.write_budget(key, version, &after).await? {
                None => {
                    cached.set(version + 1, after);
                    return Ok(value);
                }
                Some(there) => {
                    fresh = true;
                    seen = there;
                    tokio::time::sleep(Duration::from_millis(5) * attempt).await;
                }
            }
        }
        Err(ports::Error::unavailable(CHANGING, "too many calls are granted at once"))
    }
}

//! Budgets: one small item each, changed under the condition that it is as it was read.
//!
//! What was read or written last is remembered, so that a change costs one write as long as this
//! process is alone; a change of another is seen in the refusal, and costs one more.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodb::{operation::put_item::PutItemError, types::ReturnValuesOnConditionCheckFailure};
use domain::{Timestamp, budget::Budget};
use hub::ports::{self, BudgetKey, KeepBudget};

use crate::{
    Cloud,
    error::from_sdk,
    item::{self, Attributes, EXPIRES_AT, Reader, expiry, named, number, text, unreadable},
    system::now,
};

/// How often a change that meets others is tried.
const TRIES: u32 = 12;

/// The most budgets that are remembered.
const MAX_REMEMBERED: usize = 1_000;

/// How long a budget is kept after its last change: by then its burst is whole again, its circuit
/// closed and its rate grown back.
const KEPT: Duration = Duration::from_secs(3 * 24 * 3600);

const WHAT: &str = "changing a budget";

/// The budgets this process saw last, with their versions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(Arc<Mutex<HashMap<BudgetKey, Arc<Sight>>>>);

/// What was seen of one budget.
#[derive(Debug, Default)]
struct Sight {
    last: Mutex<Option<(i64, Budget)>>,
    /// Held by the one change of this process that is under way: the jobs of a batch would else meet
    /// each other at each grant.
    turn: tokio::sync::Mutex<()>,
}

impl Seen {
    fn of(&self, key: &BudgetKey) -> Arc<Sight> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MAX_REMEMBERED && !seen.contains_key(key) {
            seen.clear();
        }
        Arc::clone(seen.entry(key.clone()).or_default())
    }

    fn recall(&self, key: &BudgetKey) -> Option<(i64, Budget)> {
        self.of(key).last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn remember(&self, key: &BudgetKey, version: i64, budget: Budget) {
        *self.of(key).last.lock().unwrap_or_else(PoisonError::into_inner) = Some((version, budget));
    }
}

/// The item's key.
pub(crate) fn key_of(key: &BudgetKey) -> Attributes {
    let owner = match key {
        BudgetKey::App(app) => app.to_string(),
        BudgetKey::Account(tenant, user) => format!("{tenant}#{user}"),
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
    let budget = serde_json::from_str(reader.text("budget")?).map_err(|_| unreadable("budget"))?;
    Ok((version, budget))
}

impl Cloud {
    /// Writes the budget over the one of this version. `None` when it is written, else what is
    /// there.
    async fn write_budget(
        &self,
        key: &BudgetKey,
        version: i64,
        budget: &Budget,
    ) -> ports::Result<Option<(i64, Budget)>> {
        let json = serde_json::to_string(budget).map_err(|error| ports::Error::broken(WHAT, error))?;
        let mut item = key_of(key);
        item.extend(named([
            ("version", number(version + 1)),
            ("budget", text(json)),
            (EXPIRES_AT, expiry(now() + KEPT)),
        ]));
        let condition = if version == 0 { "attribute_not_exists(pk)" } else { "version = :version" };
        let mut put = self
            .dynamo
            .put_item()
            .table_name(&self.runtime_table)
            .set_item(Some(item))
            .condition_expression(condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if version > 0 {
            put = put.expression_attribute_values(":version", number(version));
        }
        match put.send().await {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => read(refused.item(), now()).map(Some),
                _ => Err(from_sdk(WHAT)(error)),
            },
        }
    }
}

impl KeepBudget for Cloud {
    async fn change_budget<T: Send>(
        &self,
        key: &BudgetKey,
        change: impl Fn(&Budget) -> (Option<Budget>, T) + Send + Sync,
    ) -> ports::Result<T> {
        let sight = self.budgets.of(key);
        let _turn = sight.turn.lock().await;
        let mut fresh = false;
        let mut seen = match self.budgets.recall(key) {
            Some(seen) => seen,
            None => {
                fresh = true;
                let found = self.get(&self.runtime_table, key_of(key), "reading a budget").await?;
                read(found.as_ref(), now())?
            }
        };
        for attempt in 0..TRIES {
            let (version, before) = seen;
            let (after, value) = change(&before);
            let Some(after) = after else {
                if fresh {
                    self.budgets.remember(key, version, before);
                    return Ok(value);
                }
                // A refusal by what is remembered may be out of date: it is asked once more.
                fresh = true;
                let found = self.get(&self.runtime_table, key_of(key), "reading a budget").await?;
                seen = read(found.as_ref(), now())?;
                continue;
            };
            match self.write_budget(key, version, &after).await? {
                None => {
                    self.budgets.remember(key, version + 1, after);
                    return Ok(value);
                }
                Some(there) => {
                    fresh = true;
                    seen = there;
                    tokio::time::sleep(Duration::from_millis(5) * attempt).await;
                }
            }
        }
        Err(ports::Error::unavailable(WHAT, "too many calls are granted at once"))
    }
}

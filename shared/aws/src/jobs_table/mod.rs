//! The jobs table.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `tenant#job` | `JOB` | the job: what was asked, where it stands |
//! | `tenant#job` | `ORDER` | parameters and `meta`, when they are long |
//! | `tenant#job` | `RESULT` | Flickr's answer, when it is long; when it is very long it is an object |
//! | `tenant#user` | `PENDING` | how many jobs of the account are open, which turns it took in lines, and how often its kept answers were made void |
//! | `tenant#DEAD` | time and job | a dead job on the desk |
//! | `QUARANTINE` | message id | a message that cannot be read |
//!
//! The index `open` lists the jobs that the sweep is to look at, by shard and time: the open ones,
//! and ended ones that are still counted as pending. The index `line` lists the jobs that wait in
//! their app's line, in its order.
//!
//! The claim is the one transition that DynamoDB itself decides, in one conditional update that
//! gives the job back. Its condition says what [`domain::job::step`] says, and the port's contract
//! holds the two together. Every other transition is computed from the job as it was read and
//! written under the condition that it still is so. A job's beginning and end go with the count of
//! pending jobs in one transaction, and the end of a write with what it makes void.

mod claim;
pub(crate) mod freshness;
mod insert;
mod lists;
mod record;
mod save;
mod turns;

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::BuildError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{Delete, Put, TransactWriteItem, Update, builders::UpdateBuilder},
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use domain::{JobId, TenantId, Timestamp, UserId};
use hub::ports::{self, CountPending, Entropy, FindJob, FindResult, KeepResult};

use self::freshness::Raise;
use crate::{
    Cloud,
    error::from_sdk,
    item::{self, Attributes, EXPIRES_AT, PARTITION, Reader, expiry, named, text, unreadable},
    system::now,
};

const JOB: &str = "JOB";
const ORDER: &str = "ORDER";
const RESULT: &str = "RESULT";

/// The index of open jobs, with its keys.
const OPEN_INDEX: &str = "open";
const LOOK_SHARD: &str = "look_shard";
const LOOK_AT: &str = "look_at";

/// The index of jobs in line, with its keys.
const LINE_INDEX: &str = "line";
const LINE_APP: &str = "line_app";
const LINE_ORDER: &str = "line_order";

const PENDING: &str = "pending";

/// Fewer jobs of an account than `:max` are pending.
const FEWER_PENDING: &str = "(attribute_not_exists(pending) OR pending < :max)";

/// About how long a transaction that met others waits before its second try.
const PAUSE: Duration = Duration::from_millis(25);

fn key(tenant: &TenantId, id: &JobId, sort: &str) -> Attributes {
    item::key(format!("{tenant}#{id}"), sort)
}

/// The key of what is known of an account as a whole.
pub(crate) fn pending_key(tenant: &TenantId, user: &UserId) -> Attributes {
    item::key(format!("{tenant}#{user}"), "PENDING")
}

/// How a transaction ended.
enum Transacted {
    /// It was written.
    Done,
    /// The condition of its first part refused it; the item that was there.
    Refused(Option<Attributes>),
    /// The condition of its second part refused it, and that of its first did not.
    RefusedBySecond,
    /// It met other writes of the same items.
    Crowded,
}

/// A part of a transaction.
trait Part {
    fn part(self) -> Result<TransactWriteItem, BuildError>;
}

impl Part for Result<Put, BuildError> {
    fn part(self) -> Result<TransactWriteItem, BuildError> {
        Ok(TransactWriteItem::builder().put(self?).build())
    }
}

impl Part for Result<Update, BuildError> {
    fn part(self) -> Result<TransactWriteItem, BuildError> {
        Ok(TransactWriteItem::builder().update(self?).build())
    }
}

impl Part for Result<Delete, BuildError> {
    fn part(self) -> Result<TransactWriteItem, BuildError> {
        Ok(TransactWriteItem::builder().delete(self?).build())
    }
}

impl Cloud {
    /// Writes all parts or none. The SDK sends a token with it, so that a repeated request is done
    /// once.
    async fn transact(
        &self,
        what: &'static str,
        parts: Vec<Result<TransactWriteItem, BuildError>>,
    ) -> ports::Result<Transacted> {
        let parts: Vec<_> = parts.into_iter().collect::<Result<_, _>>().map_err(|e| ports::Error::broken(what, e))?;
        match self.dynamo.transact_write_items().set_transact_items(Some(parts)).send().await {
            Ok(_) => Ok(Transacted::Done),
            Err(error) => cancelled(&error).map_or_else(|| Err(from_sdk(what)(error)), Ok),
        }
    }

    /// Waits before another try at a transaction that met others: longer each time, and by chance, so
    /// that those who met do not meet again.
    pub(crate) async fn pause(&self, attempt: u32) {
        if attempt > 0 {
            let [chance, ..] = self.random();
            tokio::time::sleep(PAUSE * attempt * u32::from(chance) / 128).await;
        }
    }

    /// The part of a transaction that changes the count of an account's pending jobs.
    fn count(&self, tenant: &TenantId, user: &UserId, change: i64) -> Result<TransactWriteItem, BuildError> {
        self.counting(tenant, user, change).build().part()
    }

    /// The part of a transaction that changes the count of an account's pending jobs, and makes kept
    /// answers of it void.
    fn count_and_raise(
        &self,
        tenant: &TenantId,
        user: &UserId,
        change: i64,
        raise: Raise,
    ) -> Result<TransactWriteItem, BuildError> {
        let additions: Vec<String> = [format!("{PENDING} :change")].into_iter().chain(raise.additions).collect();
        let update = self.counting(tenant, user, change);
        let update = raise
            .values
            .into_iter()
            .fold(update, |update, (name, value)| update.expression_attribute_values(name, value));
        update
            .update_expression(format!("ADD {}{}", additions.join(", "), raise.set))
            .set_condition_expression(raise.condition)
            .build()
            .part()
    }

    /// The part of a transaction that counts one more pending job of an account that has fewer than
    /// `max_jobs`.
    fn count_below(&self, tenant: &TenantId, user: &UserId, max_jobs: u32) -> Result<TransactWriteItem, BuildError> {
        self.counting(tenant, user, 1)
            .condition_expression(FEWER_PENDING)
            .expression_attribute_values(":max", item::number(max_jobs))
            .build()
            .part()
    }

    fn counting(&self, tenant: &TenantId, user: &UserId, change: i64) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.jobs_table)
            .set_key(Some(pending_key(tenant, user)))
            .update_expression(format!("ADD {PENDING} :change"))
            .expression_attribute_values(":change", item::number(change))
    }
}

const CONDITION_FAILED: &str = "ConditionalCheckFailed";

/// What cancelled a transaction, unless it was something that needs a person.
fn cancelled(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> Option<Transacted> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return None;
    };
    let reasons = cancelled.cancellation_reasons();
    let is = |code: &str| reasons.iter().any(|reason| reason.code() == Some(code));
    let refused = reasons.first().filter(|reason| reason.code() == Some(CONDITION_FAILED));
    let by_second = reasons.get(1).is_some_and(|reason| reason.code() == Some(CONDITION_FAILED));
    match refused {
        Some(reason) => Some(Transacted::Refused(reason.item().cloned())),
        None if is("TransactionConflict") || is("ThrottlingError") || is("ProvisionedThroughputExceeded") => {
            Some(Transacted::Crowded)
        }
        // A conflict goes before: it may have kept the first part's condition from being looked at.
        None if by_second => Some(Transacted::RefusedBySecond),
        None => None,
    }
}

impl FindJob for Cloud {
    async fn job(&self, tenant: &TenantId, id: &JobId) -> ports::Result<Option<domain::job::Job>> {
        let found = self.get(&self.jobs_table, key(tenant, id, JOB), "finding a job").await?;
        match found.filter(|item| !Reader(item).is_expired(now())) {
            Some(item) => self.read_job(&item).await.map(Some),
            None => Ok(None),
        }
    }
}

impl CountPending for Cloud {
    async fn pending(&self, tenant: &TenantId, user: &UserId) -> ports::Result<u32> {
        let found = self.get(&self.jobs_table, pending_key(tenant, user), "counting pending jobs").await?;
        // An account may have taken turns before its first job was counted.
        found.filter(|item| item.contains_key(PENDING)).map_or(Ok(0), |item| Reader(&item).count(PENDING))
    }
}

impl KeepResult for Cloud {
    async fn keep_result(
        &self,
        tenant: &TenantId,
        id: &JobId,
        result: &str,
        expires_at: Timestamp,
    ) -> ports::Result<()> {
        let mut item = key(tenant, id, RESULT);
        item.extend(named([("result", text(result)), (EXPIRES_AT, expiry(expires_at))]));
        self.put(&self.jobs_table, item, "keeping a result").await
    }
}

impl FindResult for Cloud {
    async fn result(&self, tenant: &TenantId, id: &JobId) -> ports::Result<Option<String>> {
        let found = self.get(&self.jobs_table, key(tenant, id, RESULT), "finding a result").await?;
        let found = found.filter(|item| !Reader(item).is_expired(now()));
        found.map(|item| Reader(&item).text("result").map(str::to_owned)).transpose()
    }
}

/// The tenant and job of an item's partition key.
fn ids_of(item: &Attributes) -> ports::Result<(TenantId, JobId)> {
    let parts = Reader(item).text(PARTITION)?.split_once('#');
    let parsed = parts.and_then(|(tenant, id)| Some((tenant.parse().ok()?, id.parse().ok()?)));
    parsed.ok_or_else(|| unreadable(PARTITION))
}

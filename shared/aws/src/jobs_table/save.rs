//! Moving a job on.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::BuildError,
    operation::update_item::UpdateItemError,
    types::{AttributeValue, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use domain::{
    JobId, TenantId, cache,
    job::{Job, Phase, State},
    timing::JOB_RETENTION,
};
use hub::ports::{self, ChangeFreshness, FindJob, Look, SaveJob, SettleJob};

use super::{
    JOB, LOOK_AT, LOOK_SHARD, Part, Transacted,
    freshness::Raise,
    key,
    lists::{dead_item, dead_key},
    record::{STATE, dead_cursor, read_state, state_attributes},
};
use crate::{
    Cloud,
    error::from_sdk,
    item::{Attributes, number, shard, text, time},
};

const MOVING: &str = "moving a job on";

/// How often an end that meets too many others is tried before it is written alone.
const TRIES: u32 = 3;

/// What becomes of the job's place in the list of open jobs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Listing {
    Stays,
    Moves,
    Ends,
}

/// A conditional update of a job's item: expressions, names and values.
struct Change {
    update: String,
    condition: String,
    names: HashMap<String, String>,
    values: Attributes,
}

/// The change that takes the stored job from `before` to the state of `job`.
fn change(job: &Job, before: &State, listing: Listing) -> ports::Result<Change> {
    let mut set = state_attributes(job)?;
    let mut known = STATE.to_vec();
    if listing != Listing::Stays {
        known.extend([LOOK_AT, LOOK_SHARD]);
    }
    if let (Listing::Moves, Some(at)) = (listing, job.state.look_at()) {
        set.extend([(LOOK_AT, time(at)), (LOOK_SHARD, text(shard(job.id.as_str())))]);
    }
    let is_set = |name: &&str| set.iter().any(|(set, _)| set == name);
    let assignments: Vec<String> = set.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
    let removals: Vec<String> = known.iter().filter(|name| !is_set(name)).map(|name| format!("#{name}")).collect();
    let mut condition = "#dispatch = :was_dispatch AND #phase = :was_phase".to_owned();
    let mut values: Attributes = HashMap::from([
        (":was_dispatch".to_owned(), number(before.dispatch)),
        (":was_phase".to_owned(), text(before.phase.name())),
    ]);
    if let Phase::Running(claim) = &before.phase {
        condition.push_str(" AND #claim_id = :was_claim");
        values.insert(":was_claim".to_owned(), text(claim.id.as_str()));
    }
    let update = format!("SET {} REMOVE {}", assignments.join(", "), removals.join(", "));
    let names = known.iter().map(|name| (format!("#{name}"), (*name).to_owned())).collect();
    values.extend(set.into_iter().map(|(name, value): (_, AttributeValue)| (format!(":{name}"), value)));
    Ok(Change { update, condition, names, values })
}

/// Whether what refused a write is the very state that was to be written: it was done already.
fn is_done(job: &Job, found: Option<&Attributes>) -> ports::Result<bool> {
    found.map_or(Ok(false), |item| Ok(read_state(item)? == job.state))
}

impl Cloud {
    /// Writes a change by itself. Whether it was done.
    async fn write_alone(&self, job: &Job, change: Change) -> ports::Result<bool> {
        let update = self
            .dynamo
            .update_item()
            .table_name(&self.jobs_table)
            .set_key(Some(key(&job.tenant, &job.id, JOB)))
            .update_expression(change.update)
            .condition_expression(change.condition)
            .set_expression_attribute_names(Some(change.names))
            .set_expression_attribute_values(Some(change.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => is_done(job, refused.item()),
                _ => Err(from_sdk(MOVING)(error)),
            },
        }
    }

    /// Writes a change with what the account's item says of it, and with the desk of dead jobs.
    async fn write_counted(
        &self,
        job: &Job,
        before: &State,
        change: Change,
        account: Result<TransactWriteItem, BuildError>,
    ) -> ports::Result<Transacted> {
        let update = Update::builder()
            .table_name(&self.jobs_table)
            .set_key(Some(key(&job.tenant, &job.id, JOB)))
            .update_expression(change.update)
            .condition_expression(change.condition)
            .set_expression_attribute_names(Some(change.names))
            .set_expression_attribute_values(Some(change.values))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build();
        let mut parts = vec![update.part(), account];
        parts.extend(self.desk(job, before));
        self.transact(MOVING, parts).await
    }

    /// The part of a transaction that puts a job on the desk of dead ones, or takes it off.
    fn desk(&self, job: &Job, before: &State) -> Option<Result<TransactWriteItem, BuildError>> {
        if let Some(item) = dead_item(job, job.state.phase.ended_at().map(|at| at + JOB_RETENTION)) {
            return Some(Put::builder().table_name(&self.jobs_table).set_item(Some(item)).build().part());
        }
        let was = Job { state: before.clone(), ..job.clone() };
        let key = dead_key(&was.tenant, &dead_cursor(&was)?);
        Some(Delete::builder().table_name(&self.jobs_table).set_key(Some(key)).build().part())
    }
}

impl SaveJob for Cloud {
    async fn save_job(&self, job: &Job, before: &State, look: Look) -> ports::Result<bool> {
        let (listing, by) = match (before.is_terminal(), job.state.is_terminal(), look) {
            (false, true, _) => (Listing::Ends, -1),
            (true, false, _) => (Listing::Moves, 1),
            (_, _, Look::Anew) => (Listing::Moves, 0),
            (_, _, Look::AsTold) => (Listing::Stays, 0),
        };
        if by == 0 {
            return self.write_alone(job, change(job, before, listing)?).await;
        }
        let (tenant, user) = (&job.tenant, &job.order.user);
        let raised = if by < 0 { cache::Change::by_end_of(job) } else { None };
        let mut later = false;
        for attempt in 0..TRIES {
            self.pause(attempt).await;
            let account = match &raised {
                Some(raised) => self.count_and_raise(tenant, user, by, Raise::of(raised, later)),
                None => self.count(tenant, user, by),
            };
            match self.write_counted(job, before, change(job, before, listing)?, account).await? {
                Transacted::Done => return Ok(true),
                Transacted::Refused(found) => return is_done(job, found.as_ref()),
                Transacted::RefusedBySecond => later = true,
                Transacted::Crowded => {}
            }
        }
        if by < 0 {
            // The end is what matters: the job stays listed, and the sweep settles its count. What it
            // makes void is void before it is an end.
            tracing::warn!(job_id = %job.id, "a job's end is written before its count");
            if let Some(raised) = &raised {
                self.change_freshness(tenant, user, raised).await?;
            }
            return self.write_alone(job, change(job, before, Listing::Stays)?).await;
        }
        Err(ports::Error::unavailable(MOVING, "too many jobs of the account move at once"))
    }
}

impl SettleJob for Cloud {
    async fn settle_job(&self, tenant: &TenantId, id: &JobId) -> ports::Result<bool> {
        const SETTLING: &str = "settling the count of pending jobs";
        let Some(job) = self.job(tenant, id).await?.filter(|job| job.state.is_terminal()) else { return Ok(false) };
        let update = Update::builder()
            .table_name(&self.jobs_table)
            .set_key(Some(key(tenant, id, JOB)))
            .condition_expression(format!("attribute_exists({LOOK_AT}) AND attribute_exists(ended_at)"))
            .update_expression(format!("REMOVE {LOOK_AT}, {LOOK_SHARD}"))
            .build();
        let mut parts = vec![update.part(), self.count(tenant, &job.order.user, -1)];
        parts.extend(self.desk(&job, &job.state));
        match self.transact(SETTLING, parts).await? {
            Transacted::Done => Ok(true),
            Transacted::Refused(_) => Ok(false),
            Transacted::RefusedBySecond | Transacted::Crowded => {
                Err(ports::Error::unavailable(SETTLING, "too many jobs of the account move at once"))
            }
        }
    }
}

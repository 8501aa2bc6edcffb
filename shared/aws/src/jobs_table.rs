//! The jobs table.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `tenant#job` | `JOB` | the job: what was asked, where it stands |
//! | `tenant#job` | `ORDER` | parameters and `meta`, when they are long |
//! | `tenant#job` | `RESULT` | Flickr's answer, when it is long; when it is very long it is an object |
//!
//! The claim is the one transition that DynamoDB itself decides, in one conditional update that
//! gives the job back. Its condition says what [`domain::job::step`] says, and the port's contract
//! holds the two together. Every other transition is computed from the claimed job and written
//! under the condition that the claim still holds.

use aws_sdk_dynamodb::{
    error::BuildError,
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError, update_item::UpdateItemError},
    types::{AttributeValue, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use domain::{
    ClaimId, JobId, TenantId, Timestamp,
    call::Params,
    idempotency::Fingerprint,
    job::{Claim, Job, Order, Phase, State, StoredResult},
    timing::JOB_RETENTION,
};
use hub::ports::{self, ClaimJob, Claimed, FindJob, FindResult, InsertJob, Inserted, KeepResult, SaveJob};
use serde::{Deserialize, Serialize};

use crate::{
    Cloud,
    error::from_sdk,
    item::{self, Attributes, EXPIRES_AT, PARTITION, Reader, expiry, name_of, named, number, text, time, unreadable},
    system::now,
};

const JOB: &str = "JOB";
const ORDER: &str = "ORDER";
const RESULT: &str = "RESULT";

/// The attribute that holds the part of an order that can be long.
const ORDER_TEXT: &str = "order";

/// No item is there, or one that only waits to be deleted.
const ABSENT: &str = "attribute_not_exists(pk) OR expires_at <= :now";

const ACCEPTING: &str = "accepting a job";

/// The longest order that is kept in the job's own item, in bytes: beyond it every later write of
/// the job would cost more than one unit (a unit is 1 KiB).
const MAX_INLINE_ORDER_BYTES: usize = 400;

/// The attributes of a job's state: each write of a state sets those it has and removes the others.
const STATE: [&str; 14] = [
    "dispatch",
    "attempts",
    "started_at",
    "phase",
    "claim_id",
    "lease_until",
    "call_sent",
    "due_at",
    "why",
    "ended_at",
    "failure",
    "result",
    "result_bytes",
    EXPIRES_AT,
];

fn key(tenant: &TenantId, id: &JobId, sort: &str) -> Attributes {
    item::key(format!("{tenant}#{id}"), sort)
}

/// The part of an order that can be long.
#[derive(Serialize, Deserialize)]
struct Long {
    params: Params,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<String>,
}

fn broken(error: serde_json::Error) -> ports::Error {
    ports::Error::broken("an item cannot be written", error)
}

/// The attributes of `state`.
fn state_attributes(state: &State) -> ports::Result<Vec<(&'static str, AttributeValue)>> {
    let mut attributes = vec![
        ("dispatch", number(state.dispatch)),
        ("attempts", number(state.attempts)),
        ("phase", text(state.phase.name())),
    ];
    attributes.extend(state.started_at.map(|at| ("started_at", time(at))));
    match &state.phase {
        Phase::Queued | Phase::Expired { .. } => {}
        Phase::Running(claim) => attributes.extend([
            ("claim_id", text(claim.id.as_str())),
            ("lease_until", time(claim.lease_until)),
            ("call_sent", AttributeValue::Bool(claim.calling)),
        ]),
        Phase::Deferred { due_at, why } => attributes.extend([("due_at", time(*due_at)), ("why", text(why))]),
        Phase::Completed { result: StoredResult::Inline(result), .. } => attributes.push(("result", text(result))),
        Phase::Completed { result: StoredResult::Beside, .. } => {}
        Phase::Completed { result: StoredResult::Object { bytes }, .. } => {
            attributes.push(("result_bytes", number(i64::try_from(*bytes).unwrap_or(i64::MAX))));
        }
        Phase::Failed { failure, .. } => {
            attributes.push(("failure", text(serde_json::to_string(failure).map_err(broken)?)));
        }
    }
    if let Some(at) = state.phase.ended_at() {
        attributes.extend([("ended_at", time(at)), (EXPIRES_AT, expiry(at + JOB_RETENTION))]);
    }
    Ok(attributes)
}

fn read_state(item: &Attributes) -> ports::Result<State> {
    let reader = Reader(item);
    let phase = match reader.text("phase")? {
        "queued" => Phase::Queued,
        "running" => Phase::Running(Claim {
            id: reader.parsed("claim_id")?,
            lease_until: reader.time("lease_until")?,
            calling: *item
                .get("call_sent")
                .and_then(|value| value.as_bool().ok())
                .ok_or_else(|| unreadable("call_sent"))?,
        }),
        "deferred" => Phase::Deferred { due_at: reader.time("due_at")?, why: reader.text("why")?.to_owned() },
        "completed" => Phase::Completed {
            at: reader.time("ended_at")?,
            result: match (reader.optional_text("result"), reader.optional_number("result_bytes")) {
                (Some(result), _) => StoredResult::Inline(result.to_owned()),
                (None, Some(bytes)) => {
                    StoredResult::Object { bytes: usize::try_from(bytes).map_err(|_| unreadable("result_bytes"))? }
                }
                (None, None) => StoredResult::Beside,
            },
        },
        "failed" => Phase::Failed {
            at: reader.time("ended_at")?,
            failure: serde_json::from_str(reader.text("failure")?).map_err(|_| unreadable("failure"))?,
        },
        "expired" => Phase::Expired { at: reader.time("ended_at")? },
        _ => return Err(unreadable("phase")),
    };
    Ok(State {
        dispatch: reader.count("dispatch")?,
        attempts: reader.count("attempts")?,
        started_at: reader.optional_number("started_at").map(Timestamp::from_milliseconds),
        phase,
    })
}

impl Cloud {
    /// Reads a job from its item, and the long part of its order from beside it where it is there.
    async fn read_job(&self, item: &Attributes) -> ports::Result<Job> {
        let reader = Reader(item);
        let (tenant, id) = reader.text(PARTITION)?.split_once('#').ok_or_else(|| unreadable(PARTITION))?;
        let tenant: TenantId = tenant.parse().map_err(|_| unreadable(PARTITION))?;
        let id: JobId = id.parse().map_err(|_| unreadable(PARTITION))?;
        let beside;
        let long = match reader.optional_text(ORDER_TEXT) {
            Some(inline) => inline,
            None => {
                let found = self.get(&self.jobs_table, key(&tenant, &id, ORDER), "reading a job's order").await?;
                beside = found.ok_or_else(|| unreadable(ORDER_TEXT))?;
                Reader(&beside).text(ORDER_TEXT)?
            }
        };
        let long: Long = serde_json::from_str(long).map_err(|_| unreadable(ORDER_TEXT))?;
        Ok(Job {
            order: Order {
                user: reader.parsed("user")?,
                target: reader.named("target")?,
                method: reader.parsed("method")?,
                params: long.params,
                meta: long.meta,
            },
            nature: reader.named("nature")?,
            fingerprint: Fingerprint::from_stored(reader.text("fingerprint")?.to_owned()),
            trace: reader.parsed("trace")?,
            created_at: reader.time("created_at")?,
            state: read_state(item)?,
            tenant,
            id,
        })
    }
}

/// What a conditional write found: nothing in its way, or this item.
type Refused = Option<Attributes>;

impl Cloud {
    /// Puts the job's item, with its whole order, unless one is there.
    async fn put_job(&self, core: Attributes, now: Timestamp) -> ports::Result<Refused> {
        let put = self
            .dynamo
            .put_item()
            .table_name(&self.jobs_table)
            .set_item(Some(core))
            .condition_expression(ABSENT)
            .expression_attribute_values(":now", expiry(now))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match put.send().await {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Some(refused.item().cloned().ok_or_else(|| unreadable(PARTITION))?))
                }
                _ => Err(from_sdk(ACCEPTING)(error)),
            },
        }
    }

    /// Puts the job's item and its order beside it, both or none, unless one is there.
    async fn put_job_and_order(&self, core: Attributes, order: Attributes, now: Timestamp) -> ports::Result<Refused> {
        let built = |put: Result<Put, BuildError>| {
            let put = put.map_err(|error| ports::Error::broken(ACCEPTING, error))?;
            Ok::<_, ports::Error>(TransactWriteItem::builder().put(put).build())
        };
        let core = Put::builder()
            .table_name(&self.jobs_table)
            .set_item(Some(core))
            .condition_expression(ABSENT)
            .expression_attribute_values(":now", expiry(now))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build();
        let order = Put::builder().table_name(&self.jobs_table).set_item(Some(order)).build();
        let write = self.dynamo.transact_write_items().transact_items(built(core)?).transact_items(built(order)?);
        match write.send().await {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    let reasons = cancelled.cancellation_reasons();
                    match reasons.first().filter(|reason| reason.code() == Some("ConditionalCheckFailed")) {
                        Some(refused) => Ok(Some(refused.item().cloned().ok_or_else(|| unreadable(PARTITION))?)),
                        None => Err(ports::Error::unavailable(ACCEPTING, "the transaction met another")),
                    }
                }
                _ => Err(from_sdk(ACCEPTING)(error)),
            },
        }
    }
}

impl InsertJob for Cloud {
    async fn insert_job(&self, job: &Job) -> ports::Result<Inserted> {
        let order = &job.order;
        let mut core = key(&job.tenant, &job.id, JOB);
        core.extend(named([
            ("user", text(order.user.as_str())),
            ("target", name_of(&order.target)),
            ("method", text(order.method.as_str())),
            ("nature", name_of(&job.nature)),
            ("fingerprint", text(job.fingerprint.as_str())),
            ("trace", text(job.trace.as_str())),
            ("created_at", time(job.created_at)),
        ]));
        core.extend(named(state_attributes(&job.state)?));

        let long = Long { params: order.params.clone(), meta: order.meta.clone() };
        let long = serde_json::to_string(&long).map_err(broken)?;
        let refused = if long.len() <= MAX_INLINE_ORDER_BYTES {
            core.insert(ORDER_TEXT.to_owned(), text(long));
            self.put_job(core, job.created_at).await?
        } else {
            let mut beside = key(&job.tenant, &job.id, ORDER);
            // No job is open longer than its deadline, so this outlives it.
            let expires_at = job.deadline() + JOB_RETENTION;
            beside.extend(named([(ORDER_TEXT, text(long)), (EXPIRES_AT, expiry(expires_at))]));
            self.put_job_and_order(core, beside, job.created_at).await?
        };
        let Some(item) = refused else { return Ok(Inserted::New) };
        let earlier = self.read_job(&item).await?;
        // The very same job is this insertion, repeated because its answer was lost.
        Ok(if earlier == *job { Inserted::New } else { Inserted::Exists(Box::new(earlier)) })
    }
}

impl FindJob for Cloud {
    async fn job(&self, tenant: &TenantId, id: &JobId) -> ports::Result<Option<Job>> {
        let found = self.get(&self.jobs_table, key(tenant, id, JOB), "finding a job").await?;
        match found.filter(|item| !Reader(item).is_expired(now())) {
            Some(item) => self.read_job(&item).await.map(Some),
            None => Ok(None),
        }
    }
}

impl ClaimJob for Cloud {
    async fn claim_job(
        &self,
        tenant: &TenantId,
        id: &JobId,
        dispatch: u32,
        claim: &ClaimId,
        lease_until: Timestamp,
        now: Timestamp,
    ) -> ports::Result<Claimed> {
        let update = self
            .dynamo
            .update_item()
            .table_name(&self.jobs_table)
            .set_key(Some(key(tenant, id, JOB)))
            .condition_expression(
                "dispatch = :dispatch AND (phase IN (:queued, :deferred) \
                 OR (phase = :running AND lease_until <= :now AND call_sent = :no))",
            )
            .update_expression(
                "SET phase = :running, claim_id = :claim, lease_until = :lease_until, call_sent = :no, \
                 attempts = attempts + :one, started_at = if_not_exists(started_at, :now) REMOVE due_at, why",
            )
            .expression_attribute_values(":dispatch", number(dispatch))
            .expression_attribute_values(":queued", text("queued"))
            .expression_attribute_values(":deferred", text("deferred"))
            .expression_attribute_values(":running", text("running"))
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":claim", text(claim.as_str()))
            .expression_attribute_values(":lease_until", time(lease_until))
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await {
            Ok(answer) => {
                let item = answer.attributes.ok_or_else(|| unreadable(PARTITION))?;
                Ok(Claimed::Held(Box::new(self.read_job(&item).await?)))
            }
            Err(error) => {
                let Some(found) = refused_by(&error) else { return Err(from_sdk("claiming a job")(error)) };
                let Some(item) = found.filter(|item| !Reader(item).is_expired(now)) else {
                    return Ok(Claimed::Unknown);
                };
                let job = Box::new(self.read_job(item).await?);
                let held = matches!(&job.state.phase, Phase::Running(held) if held.id == *claim);
                // A claim repeated because its answer was lost is held already.
                Ok(if held { Claimed::Held(job) } else { Claimed::Refused(job) })
            }
        }
    }
}

impl SaveJob for Cloud {
    async fn save_job(&self, job: &Job, claim: &ClaimId) -> ports::Result<bool> {
        let attributes = state_attributes(&job.state)?;
        let removed = STATE.iter().filter(|name| attributes.iter().all(|(set, _)| set != *name));
        let set: Vec<String> = attributes.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
        let remove: Vec<String> = removed.clone().map(|name| format!("#{name}")).collect();
        let mut update = self
            .dynamo
            .update_item()
            .table_name(&self.jobs_table)
            .set_key(Some(key(&job.tenant, &job.id, JOB)))
            .condition_expression("#phase = :held AND #claim_id = :holder")
            .update_expression(format!("SET {} REMOVE {}", set.join(", "), remove.join(", ")))
            .expression_attribute_values(":held", text("running"))
            .expression_attribute_values(":holder", text(claim.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for name in STATE {
            update = update.expression_attribute_names(format!("#{name}"), name);
        }
        for (name, value) in attributes {
            update = update.expression_attribute_values(format!(":{name}"), value);
        }
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) => match refused_by(&error) {
                // A write repeated because its answer was lost is done already.
                Some(found) => found.map_or(Ok(false), |item| Ok(read_state(item)? == job.state)),
                None => Err(from_sdk("moving a job on")(error)),
            },
        }
    }
}

/// The item that refused an update by its condition: `None` when the failure was another.
fn refused_by(error: &SdkError<UpdateItemError, HttpResponse>) -> Option<Option<&Attributes>> {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(refused)) => Some(refused.item()),
        _ => None,
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
        found.map(|item| Reader(&item).text("result").map(str::to_owned)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use domain::job::{Failure, FailureCode};

    use super::*;

    #[test]
    fn a_state_reads_back_as_written_and_uses_only_known_attributes() {
        let at = Timestamp::from_milliseconds(1_790_000_000_123);
        let failure = Failure { code: FailureCode::FlickrRejected, message: "m".to_owned(), flickr_code: Some(1) };
        let claim = Claim { id: ClaimId::from_bytes([1; 16]), lease_until: at, calling: true };
        let phases = [
            Phase::Queued,
            Phase::Running(claim),
            Phase::Deferred { due_at: at, why: "later".to_owned() },
            Phase::Completed { at, result: StoredResult::Inline("{}".to_owned()) },
            Phase::Completed { at, result: StoredResult::Beside },
            Phase::Completed { at, result: StoredResult::Object { bytes: 5_000_000 } },
            Phase::Failed { at, failure },
            Phase::Expired { at },
        ];
        for phase in phases {
            let state = State { dispatch: 3, attempts: 2, started_at: Some(at), phase };
            let attributes: Attributes = named(state_attributes(&state).unwrap()).collect();
            assert!(attributes.keys().all(|name| STATE.contains(&name.as_str())));
            assert_eq!(attributes.contains_key(EXPIRES_AT), state.is_terminal(), "only an ended job expires");
            assert_eq!(read_state(&attributes).unwrap(), state);
        }
    }
}

//! Claiming a job.

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use domain::{
    ClaimId, JobId, TenantId, Timestamp,
    job::{CLOCK_SKEW, Event, Phase, step},
};
use hub::ports::{self, ClaimJob, Claimed};

use super::{JOB, key, record::CHECK_UNTIL};
use crate::{
    Cloud,
    error::from_sdk,
    item::{Attributes, PARTITION, Reader, number, text, time, unreadable},
};

const CLAIMING: &str = "claiming a job";

/// A wish to hold a job.
struct Wish<'a> {
    tenant: &'a TenantId,
    id: &'a JobId,
    dispatch: u32,
    claim: &'a ClaimId,
    lease_until: Timestamp,
    now: Timestamp,
}

/// What a conditional claim found.
enum Found {
    /// The job's item, now held.
    Held(Attributes),
    /// The job's item, if there is one, which the condition refused.
    Refused(Option<Attributes>),
}

impl Cloud {
    /// The claim of a job that is to be called, or of one whose write is to be searched for: only
    /// the first counts as an attempt.
    async fn try_claim(&self, wish: &Wish<'_>, checks: bool) -> ports::Result<Found> {
        let (kind, attempts) = if checks {
            (format!("attribute_exists({CHECK_UNTIL})"), 0)
        } else {
            (format!("attribute_not_exists({CHECK_UNTIL})"), 1)
        };
        let update = self
            .dynamo
            .update_item()
            .table_name(&self.jobs_table)
            .set_key(Some(key(wish.tenant, wish.id, JOB)))
            .condition_expression(format!(
                "dispatch = :dispatch AND {kind} AND (\
                 (phase IN (:scheduled, :queued, :deferred, :verifying) AND due_at <= :soon) \
                 OR (phase = :running AND lease_until <= :now AND call_sent = :no))"
            ))
            .update_expression(
                "SET phase = :running, claim_id = :claim, lease_until = :lease_until, call_sent = :no, \
                 attempts = attempts + :attempts, started_at = if_not_exists(started_at, :now) REMOVE why",
            )
            .expression_attribute_values(":dispatch", number(wish.dispatch))
            .expression_attribute_values(":scheduled", text("scheduled"))
            .expression_attribute_values(":queued", text("queued"))
            .expression_attribute_values(":deferred", text("deferred"))
            .expression_attribute_values(":verifying", text("verifying"))
            .expression_attribute_values(":running", text("running"))
            .expression_attribute_values(":soon", time(wish.now + CLOCK_SKEW))
            .expression_attribute_values(":now", time(wish.now))
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":claim", text(wish.claim.as_str()))
            .expression_attribute_values(":lease_until", time(wish.lease_until))
            .expression_attribute_values(":attempts", number(attempts))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match update.send().await {
            Ok(answer) => Ok(Found::Held(answer.attributes.ok_or_else(|| unreadable(PARTITION))?)),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Found::Refused(refused.item().cloned()))
                }
                _ => Err(from_sdk(CLAIMING)(error)),
            },
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
        let wish = Wish { tenant, id, dispatch, claim, lease_until, now };
        let mut found = self.try_claim(&wish, false).await?;
        if let Found::Refused(Some(item)) = &found
            && item.contains_key(CHECK_UNTIL)
        {
            let event = Event::Claim { dispatch, claim: claim.clone(), lease_until };
            if step(&super::record::read_state(item)?, event, now).is_ok() {
                found = self.try_claim(&wish, true).await?;
            }
        }
        let item = match found {
            Found::Held(item) => return Ok(Claimed::Held(Box::new(self.read_job(&item).await?))),
            Found::Refused(item) => item,
        };
        let Some(item) = item.filter(|item| !Reader(item).is_expired(now)) else { return Ok(Claimed::Unknown) };
        let job = Box::new(self.read_job(&item).await?);
        let held = matches!(&job.state.phase, Phase::Running(held) if held.id == *claim);
        // A claim repeated because its answer was lost is held already.
        Ok(if held { Claimed::Held(job) } else { Claimed::Refused(job) })
    }
}

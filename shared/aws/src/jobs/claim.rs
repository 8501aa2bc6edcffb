//! Claiming a job: the one transition that DynamoDB itself decides, in one conditional update that gives the job back.
//!
//! The condition is that of [`ClaimRule`], and the update is what [`step`] makes of [`Event::Claim`]; the port's
//! contract holds the two together. A claim for a call counts as an attempt, one for a verification does not: so there
//! are two variants of the update, and only where the first is refused by a job to be verified is there a second
//! request.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use domain::job::{ClaimRule, Event, Job, Phase, step};
use hub::ports::{self, ClaimRequest, Claimed};

use super::{
    keys::{JOB, QUEUE_APP, QUEUE_ORDER, job_key},
    record::{VERIFY_UNTIL, read_state},
};
use crate::{
    Cloud,
    item::{Attributes, PARTITION, live, number, text, time, unreadable},
    table::{Written, written},
};

const CLAIMING: &str = "claiming a job";

/// What a claim is for.
#[derive(Clone, Copy)]
enum Purpose {
    Call,
    /// Finding out whether a write took effect.
    Verification,
}

impl Cloud {
    /// See [`ports::Jobs::claim`].
    pub(super) async fn claim_job(&self, request: &ClaimRequest) -> ports::Result<Claimed> {
        let found = match self.try_claim(request, Purpose::Call).await? {
            Written::Done(item) => return Ok(Claimed::Held(Box::new(self.read_job(&item).await?))),
            Written::Refused(found) => live(found, request.now),
        };
        let Some(item) = found else { return Ok(Claimed::Unknown) };
        let mut job = self.read_job(&item).await?;
        if item.contains_key(VERIFY_UNTIL) && is_claimable(&job, request) {
            match self.try_claim(request, Purpose::Verification).await? {
                Written::Done(item) => {
                    return Ok(Claimed::Held(Box::new(Job { state: read_state(&item)?, ..job })));
                }
                Written::Refused(Some(item)) => job.state = read_state(&item)?,
                Written::Refused(None) => return Ok(Claimed::Unknown),
            }
        }
        // A claim that is repeated, because its answer was lost, finds that it holds the job.
        let fits = job.state.fencing_number == request.fencing_number;
        let held = fits && job.state.is_held_by(&request.claim);
        Ok(if held { Claimed::Held(Box::new(job)) } else { Claimed::Refused(Box::new(job)) })
    }

    /// Claims the job for a purpose: the job's item, now held, or the one that the condition refused.
    async fn try_claim(&self, request: &ClaimRequest, purpose: Purpose) -> ports::Result<Written<Attributes>> {
        let rule = ClaimRule::new(request.fencing_number, request.now);
        let (condition, mut values) = condition(&rule, purpose);
        let attempts = match purpose {
            Purpose::Call => 1,
            Purpose::Verification => 0,
        };
        values.extend([
            (":one".to_owned(), number(1)),
            (":attempts".to_owned(), number(attempts)),
            (":claim".to_owned(), text(request.claim.as_str())),
            (":lease_until".to_owned(), time(request.lease_until)),
            (":now".to_owned(), time(request.now)),
        ]);
        let update = self
            .jobs
            .update(job_key(&request.job, JOB))
            .condition_expression(condition)
            .update_expression(format!(
                "SET revision = revision + :one, phase = :running, claim_id = :claim, lease_until = :lease_until, \
                 write_started = :no, attempts = attempts + :attempts, \
                 started_at = if_not_exists(started_at, :now) REMOVE wake_by, {QUEUE_APP}, {QUEUE_ORDER}"
            ))
            .set_expression_attribute_values(Some(values))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        Ok(match written(update.send().await, CLAIMING)? {
            Written::Done(answer) => Written::Done(answer.attributes.ok_or_else(|| unreadable(PARTITION))?),
            Written::Refused(found) => Written::Refused(found),
        })
    }
}

/// Whether the claim, which does not hold the job, may take it.
fn is_claimable(job: &Job, request: &ClaimRequest) -> bool {
    let ClaimRequest { fencing_number, claim, lease_until, now, .. } = request.clone();
    !job.state.is_held_by(&claim) && step(job, Event::Claim { fencing_number, claim, lease_until }, now).is_ok()
}

/// The condition of a claim for this purpose, with its values. [`VERIFY_UNTIL`] tells the jobs to be verified.
fn condition(rule: &ClaimRule, purpose: Purpose) -> (String, Attributes) {
    let verifies = match purpose {
        Purpose::Call => "attribute_not_exists",
        Purpose::Verification => "attribute_exists",
    };
    let waiting: Vec<String> = Phase::WAITING.iter().map(|phase| format!(":{phase}")).collect();
    let condition = format!(
        "fencing_number = :fencing_number AND {verifies}({VERIFY_UNTIL}) AND (\
         (phase IN ({}) AND due_at <= :due_by) \
         OR (phase = :running AND lease_until <= :lease_ended_by AND write_started = :no))",
        waiting.join(", ")
    );
    let mut values = Attributes::from([
        (":fencing_number".to_owned(), number(rule.fencing_number)),
        (":due_by".to_owned(), time(rule.due_by)),
        (":lease_ended_by".to_owned(), time(rule.lease_ended_by)),
        (":running".to_owned(), text(Phase::RUNNING)),
        (":no".to_owned(), AttributeValue::Bool(false)),
    ]);
    values.extend(Phase::WAITING.iter().map(|phase| (format!(":{phase}"), text(*phase))));
    (condition, values)
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    #[test]
    fn the_condition_names_the_phases_of_the_rule() {
        let rule = ClaimRule::new(7, Timestamp::from_milliseconds(1_000));
        let (condition, values) = condition(&rule, Purpose::Verification);
        assert_eq!(
            condition,
            "fencing_number = :fencing_number AND attribute_exists(verify_until) AND (\
             (phase IN (:scheduled, :queued, :deferred, :verifying) AND due_at <= :due_by) \
             OR (phase = :running AND lease_until <= :lease_ended_by AND write_started = :no))"
        );
        assert_eq!(
            (values.get(":due_by"), values.get(":lease_ended_by")),
            (Some(&number(3_000)), Some(&number(1_000)))
        );
        assert!(values.keys().all(|name| condition.contains(name)), "DynamoDB refuses values without a use");
    }
}

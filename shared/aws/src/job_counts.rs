//! Counts of accepted jobs, in the jobs table: one small item for each day of a tenant that has a quota.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `tenant#ACCEPTED` | day | how many jobs of the tenant were accepted on that day, and in each of its hours |
//!
//! Both change by one conditional update, which meets no transaction and waits for no other. Counting up may be repeated
//! by the SDK, and is then too high; counting down is sent once.

use std::time::Duration;

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use domain::{
    Day, TenantId, Timestamp,
    tenant::{JobCounts as Counts, JobQuotas, ViolatedQuota, hour_of_day},
};
use hub::ports::{self, JobCounts};

use crate::{
    Cloud,
    item::{self, Attributes, EXPIRES_AT, Reader, expiry, number, unreadable},
    table::{Written, once, written, written_if},
};

/// How long a count is kept after its day.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

const COUNTING: &str = "counting an accepted job";

/// How many jobs were accepted on the day.
const OF_DAY: &str = "accepted";

fn key(tenant: &TenantId, at: Timestamp) -> Attributes {
    item::key(format!("{tenant}#ACCEPTED"), Day::of(at).to_string())
}

/// The attribute of an hour, from `accepted_00` to `accepted_23`.
fn of_hour(at: Timestamp) -> String {
    format!("{OF_DAY}_{:02}", hour_of_day(at))
}

/// The counts in an item; 0 where there is none.
fn read(item: Option<&Attributes>, at: Timestamp) -> Counts {
    let count = |name: &str| item.and_then(|item| Reader(item).optional_number(name)).unwrap_or_default();
    let count = |name: &str| u32::try_from(count(name)).unwrap_or_default();
    Counts { of_hour: count(&of_hour(at)), of_day: count(OF_DAY) }
}

impl JobCounts for Cloud {
    async fn count_job(
        &self,
        tenant: &TenantId,
        quotas: &JobQuotas,
        now: Timestamp,
    ) -> ports::Result<Option<ViolatedQuota>> {
        if let Some(violated) = quotas.violated(Counts::default()) {
            return Ok(Some(violated));
        }
        let hour = of_hour(now);
        let mut update = self
            .jobs
            .update(key(tenant, now))
            .update_expression(format!("SET {EXPIRES_AT} = :expires_at ADD {OF_DAY} :one, {hour} :one"))
            .expression_attribute_values(":expires_at", expiry(Day::of(now).end() + RETENTION))
            .expression_attribute_values(":one", number(1))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let mut conditions = Vec::new();
        for (attribute, value, quota) in
            [(OF_DAY, ":of_day", quotas.per_day), (hour.as_str(), ":of_hour", quotas.per_hour)]
        {
            let Some(most) = quota else { continue };
            conditions.push(format!("(attribute_not_exists({attribute}) OR {attribute} < {value})"));
            update = update.expression_attribute_values(value, number(most));
        }
        let update = update.condition_expression(conditions.join(" AND "));
        match written(update.send().await, COUNTING)? {
            Written::Done(_) => Ok(None),
            Written::Refused(found) => {
                let violated = quotas.violated(read(found.as_ref(), now));
                violated.map(Some).ok_or_else(|| unreadable(OF_DAY))
            }
        }
    }

    async fn job_counts(&self, tenant: &TenantId, now: Timestamp) -> ports::Result<Counts> {
        Ok(read(self.jobs.get(key(tenant, now), "reading the counts of accepted jobs").await?.as_ref(), now))
    }

    async fn discount_job(&self, tenant: &TenantId, at: Timestamp) -> ports::Result<()> {
        let hour = of_hour(at);
        let update = self
            .jobs
            .update(key(tenant, at))
            .condition_expression(format!("{OF_DAY} > :zero AND {hour} > :zero"))
            .update_expression(format!("ADD {OF_DAY} :less, {hour} :less"))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":less", number(-1));
        let answer = update.customize().config_override(once()).send().await;
        written_if(answer, "counting a job that was not accepted").map(|_| ())
    }
}

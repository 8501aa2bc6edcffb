//! The keys of a job's items, and of the indexes that list jobs.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{AppId, JobRef, Timestamp, budget::HostClass, fair_queue::QueueTicket};
use hub::ports::{self, Shards};

use crate::item::{self, Attributes, PARTITION, Reader, text, time, unreadable};

/// The sort key of the job itself.
pub(crate) const JOB: &str = "JOB";
/// The sort key of the part of what was asked that is long.
pub(crate) const SPEC: &str = "SPEC";
/// The sort key of a result that is long.
pub(crate) const RESULT: &str = "RESULT";

/// The index of the jobs that the sweep is to check, with its keys: a job has the shard that it was given when its next
/// check was set.
pub(crate) const OPEN_INDEX: &str = "open";
pub(crate) const CHECK_SHARD: &str = "check_shard";
pub(crate) const NEXT_CHECK_AT: &str = "next_check_at";

/// The index of the jobs that wait in fair queues, with its keys.
pub(crate) const QUEUE_INDEX: &str = "fair_queue";
pub(crate) const QUEUE_APP: &str = "queue_app";
pub(crate) const QUEUE_ORDER: &str = "queue_order";

/// The index of an account's jobs, in the order in which they were accepted, with its keys. They never change, so only
/// the insertion of a job pays for it.
pub(crate) const HISTORY_INDEX: &str = "history";
pub(crate) const HISTORY_ACCOUNT: &str = "history_account";
pub(crate) const CREATED_AT: &str = "created_at";

/// The key of one of the job's items.
pub(crate) fn job_key(job: &JobRef, sort: &str) -> Attributes {
    item::key(job.to_string(), sort)
}

/// The job of an item's partition key.
pub(crate) fn job_of(item: &Attributes) -> ports::Result<JobRef> {
    let parts = Reader(item).text(PARTITION)?.split_once('#');
    let parsed = parts.and_then(|(tenant, id)| Some(JobRef { tenant: tenant.parse().ok()?, id: id.parse().ok()? }));
    parsed.ok_or_else(|| unreadable(PARTITION))
}

/// The attributes by which the index lists a job that is to be checked at that time.
pub(super) fn check_attributes(shards: Shards, job: &JobRef, at: Timestamp) -> [(&'static str, AttributeValue); 2] {
    [(CHECK_SHARD, text(shards.of(job.id.as_str()).to_string())), (NEXT_CHECK_AT, time(at))]
}

/// The partition key under which the index lists the jobs of an app that wait to call hosts of this class: by it those
/// whose part of the budget is spent keep no others waiting.
pub(crate) fn queue_app(app: &AppId, class: HostClass) -> AttributeValue {
    match class {
        HostClass::Rest => text(app.as_str()),
        HostClass::Upload => text(format!("{app}#upload")),
        HostClass::Oauth => text(format!("{app}#oauth")),
    }
}

/// The attributes by which the index lists a job that waits in a fair queue to call hosts of this class: ordered by tag,
/// then as the jobs came.
pub(super) fn queue_attributes(
    ticket: &QueueTicket,
    class: HostClass,
    created_at: Timestamp,
) -> [(&'static str, AttributeValue); 2] {
    let order = format!("{:020}.{:015}", ticket.tag, created_at.as_milliseconds());
    [(QUEUE_APP, queue_app(&ticket.app, class)), (QUEUE_ORDER, text(order))]
}

/// The tag of a job that the index of fair queues lists.
pub(crate) fn tag_of(item: &Attributes) -> ports::Result<u64> {
    let order = Reader(item).text(QUEUE_ORDER)?.split_once('.');
    order.and_then(|(tag, _)| tag.parse().ok()).ok_or_else(|| unreadable(QUEUE_ORDER))
}

#[cfg(test)]
mod tests {
    use domain::{AppId, JobId, TenantId};

    use super::*;

    #[test]
    fn a_job_is_read_from_its_key() {
        let job = JobRef { tenant: TenantId::from_bytes([1; 16]), id: JobId::from_bytes([2; 16]) };
        assert_eq!(job_of(&job_key(&job, JOB)).unwrap(), job);
        assert!(job_of(&item::key(job.id.as_str(), JOB)).is_err());
    }

    #[test]
    fn a_fair_queue_is_ordered_by_tag_and_then_as_its_jobs_came() {
        let order = |tag, created_at| {
            let ticket = QueueTicket { app: AppId::from_bytes([9; 16]), tag };
            let item: Attributes =
                item::named(queue_attributes(&ticket, HostClass::Rest, Timestamp::from_milliseconds(created_at)))
                    .collect();
            assert_eq!(tag_of(&item).unwrap(), tag);
            Reader(&item).text(QUEUE_ORDER).unwrap().to_owned()
        };
        let in_order = [order(9, 2_000), order(10, 1_000), order(10, 1_790_000_000_123), order(u64::MAX, 1)];
        assert_eq!(in_order[3], "18446744073709551615.000000000000001");
        assert!(in_order.is_sorted(), "{in_order:?}");
    }
}

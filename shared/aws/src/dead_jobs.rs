//! The list of dead jobs, and messages that cannot be read, in the jobs table.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `tenant#DEAD` | the job's cursor: time and id | what the list says of the job |
//! | `QUARANTINE` | message id | the message's body |
//!
//! The write of a job's death puts the entry, and that of its replay removes it: see `jobs/commit.rs`. An entry is under
//! 1 KB, with `meta` and a long message under 6 KB: a page of 101 is one answer of DynamoDB, which has up to 1 MB.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    JobRef, TenantId, Timestamp,
    job::{DeadJob, Job, dead_list_cursor},
    timing::JOB_RETENTION,
};
use futures_util::future::try_join_all;
use hub::ports::{self, DeadJobs, Jobs, ListedDeadJob};

use crate::{
    Cloud,
    error::from_sdk,
    item::{self, Attributes, EXPIRES_AT, PARTITION, Reader, SORT, expiry, json, name_of, named, number, text, time},
};

/// The attributes of an entry that are named twice.
const JOB: &str = "job";
const FAILURE: &str = "failure";
const META: &str = "meta";
const METHOD: &str = "method";
const STARTED_AT: &str = "started_at";

/// The longest body that is stored in quarantine, in bytes: SQS's own limit is 1 MiB, an item's 400 KB.
const MAX_QUARANTINED_BYTES: usize = 300 * 1024;

fn partition(tenant: &TenantId) -> String {
    format!("{tenant}#DEAD")
}

/// The key of the entry with this cursor.
pub(crate) fn key(tenant: &TenantId, cursor: &str) -> Attributes {
    item::key(partition(tenant), cursor)
}

/// The entry of a job that died.
pub(crate) fn entry(tenant: &TenantId, job: &DeadJob) -> ports::Result<Attributes> {
    let mut entry = key(tenant, &job.cursor());
    entry.extend(named([
        (JOB, text(job.id.as_str())),
        ("user", text(job.user.as_str())),
        ("target", name_of(&job.target)),
        ("priority", name_of(&job.priority)),
        ("created_at", time(job.created_at)),
        ("run", number(job.run)),
        ("attempts", number(job.attempts)),
        ("died_at", time(job.died_at)),
        (FAILURE, json(&job.failure)?),
        ("in_doubt", AttributeValue::Bool(job.in_doubt)),
        (EXPIRES_AT, expiry(job.died_at + JOB_RETENTION)),
    ]));
    entry.extend(named(job.method.as_ref().map(|method| (METHOD, text(method.as_str())))));
    entry.extend(named(job.meta.as_ref().map(|meta| (META, text(meta)))));
    entry.extend(named(job.started_at.map(|at| (STARTED_AT, time(at)))));
    Ok(entry)
}

/// What an entry says of its job; `None` if it only names it, as entries of a former version do. They expire within
/// [`JOB_RETENTION`] of the version that wrote them.
fn read(entry: &Attributes) -> ports::Result<Option<DeadJob>> {
    let reader = Reader(entry);
    if reader.optional_text(FAILURE).is_none() {
        return Ok(None);
    }
    Ok(Some(DeadJob {
        id: reader.parsed(JOB)?,
        user: reader.parsed("user")?,
        target: reader.named("target")?,
        method: reader.optional_parsed(METHOD)?,
        priority: reader.named("priority")?,
        meta: reader.optional_text(META).map(str::to_owned),
        created_at: reader.time("created_at")?,
        run: reader.count("run")?,
        attempts: reader.count("attempts")?,
        started_at: reader.optional_time(STARTED_AT),
        died_at: reader.time("died_at")?,
        failure: reader.json(FAILURE)?,
        in_doubt: reader.flag("in_doubt")?,
    }))
}

impl Cloud {
    async fn listed(&self, tenant: &TenantId, entry: &Attributes) -> ports::Result<ListedDeadJob> {
        let reader = Reader(entry);
        let cursor = reader.text(SORT)?.to_owned();
        if let Some(job) = read(entry)? {
            return Ok(ListedDeadJob { cursor, job: Some(job) });
        }
        let job = self.job(&JobRef::new(tenant, &reader.parsed(JOB)?)).await?;
        let job = job.as_ref().and_then(DeadJob::of).filter(|job| job.cursor() == cursor);
        Ok(ListedDeadJob { cursor, job })
    }
}

impl DeadJobs for Cloud {
    async fn dead_jobs(&self, tenant: &TenantId, after: &str, limit: u16) -> ports::Result<Vec<ListedDeadJob>> {
        let query = self
            .jobs
            .query()
            .key_condition_expression(format!("{PARTITION} = :tenant AND {SORT} > :after"))
            .expression_attribute_values(":tenant", text(partition(tenant)))
            // No key is empty.
            .expression_attribute_values(":after", text(if after.is_empty() { "0" } else { after }))
            .limit(limit.into())
            .consistent_read(true);
        let page = query.send().await.map_err(from_sdk("listing dead jobs"))?;
        try_join_all(page.items().iter().map(|entry| self.listed(tenant, entry))).await
    }

    async fn discard_dead_job(&self, job: &Job) -> ports::Result<bool> {
        let Some(cursor) = dead_list_cursor(&job.state, &job.id) else { return Ok(false) };
        self.jobs.remove(key(job.tenant(), &cursor), "discarding a dead job").await
    }

    async fn quarantine(&self, message_id: &str, body: &str, expires_at: Timestamp) -> ports::Result<()> {
        let end = body.floor_char_boundary(MAX_QUARANTINED_BYTES.min(body.len()));
        let mut item = item::key("QUARANTINE", message_id);
        item.extend(named([("body", text(&body[..end])), (EXPIRES_AT, expiry(expires_at))]));
        self.jobs.put(item, "storing a message that cannot be read").await
    }
}

#[cfg(test)]
mod tests {
    use domain::job::{Failure, FailureCode, Phase, State, Target};
    use testkit::build;

    use super::*;

    const AT: Timestamp = Timestamp::from_milliseconds(1_790_000_000_123);

    fn dead(meta: Option<&str>, started_at: Option<Timestamp>) -> (TenantId, DeadJob) {
        let account = build::account_ref(&TenantId::from_bytes([1; 16]), "1@N00");
        let mut job = build::job([2; 16], build::spec(&account, "flickr.people.getInfo", "{}"), AT);
        job.spec.meta = meta.map(str::to_owned);
        let failure = Failure { flickr_code: Some(105), ..Failure::new(FailureCode::AttemptsExhausted, "\"502\"") };
        let phase = Phase::Dead { at: AT, failure };
        job.state = State { phase, started_at, run: 2, attempts: 4, in_doubt: true, ..State::first(AT, AT) };
        (account.tenant, DeadJob::of(&job).unwrap())
    }

    #[test]
    fn an_entry_says_of_its_job_what_was_written() {
        for (meta, started_at) in [(None, None), (Some(r#"{"é":1.0}"#), Some(AT))] {
            let (tenant, job) = dead(meta, started_at);
            let of_a_file = DeadJob { target: Target::Upload, method: None, ..job.clone() };
            assert_eq!(read(&entry(&tenant, &of_a_file).unwrap()).unwrap(), Some(of_a_file));
            assert_eq!(read(&entry(&tenant, &job).unwrap()).unwrap(), Some(job));
        }
    }

    #[test]
    fn an_entry_of_a_former_version_only_names_its_job() {
        let (tenant, job) = dead(None, None);
        let mut entry = entry(&tenant, &job).unwrap();
        entry.retain(|name, _| [PARTITION, SORT, JOB, EXPIRES_AT].contains(&name.as_str()));
        assert_eq!(read(&entry).unwrap(), None);
    }

    #[test]
    fn a_page_of_the_longest_entries_fits_one_answer_of_dynamodb() {
        let meta = format!(r#"{{"a":"{}"}}"#, "x".repeat(domain::job::MAX_META_BYTES - 8));
        let (tenant, mut job) = dead(Some(&meta), Some(AT));
        job.failure.message = "é".repeat(400);
        let longest: usize = entry(&tenant, &job).unwrap().iter().map(|(name, value)| name.len() + size(value)).sum();
        assert!(longest < 6 * 1024, "{longest}");
    }

    fn size(value: &AttributeValue) -> usize {
        value.as_s().or_else(|_| value.as_n()).map_or(1, String::len)
    }
}

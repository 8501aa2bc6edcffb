//! A job as attributes of its item.
//!
//! What was asked never changes and is written once. Each write of the state sets the attributes of [`STATE`] that the
//! state has and removes the others, so that an item holds nothing of an earlier state. A result and parameters that
//! are long are separate items: a write of a state costs one unit for each KB of the item.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    AccountRef, JobRef,
    cache::{CacheOptions, CacheTags},
    call::{Params, RestCall},
    fair_queue::QueueTicket,
    idempotency::Fingerprint,
    job::{
        Activity, Claim, FileCall, Job, JobSpec, MAX_INLINE_SPEC_BYTES, Phase, State, StoredResult, Target, WaitReason,
        Waiting, Work,
    },
    timing::{JOB_DEADLINE, RECORD_RETENTION},
    upload::{FileProgress, FileSource, UploadFields},
};
use hub::ports;
use serde::{Deserialize, Serialize};

use super::keys::{CREATED_AT, HISTORY_ACCOUNT, JOB, SPEC, job_key, job_of};
use crate::{
    Cloud,
    item::{Attributes, EXPIRES_AT, Reader, expiry, json, live, name_of, named, number, text, time, unreadable, whole},
    machine::now,
};

/// The part of what was asked that can be long, as JSON text.
pub(super) const SPEC_TEXT: &str = "spec";

/// The tags that the job's end invalidates: absent where there are none.
const INVALIDATES: &str = "invalidates";

/// How many transitions led to the state.
pub(super) const REVISION: &str = "revision";

/// When a verification gives up: a job that has it waits for a verification or runs one.
pub(super) const VERIFY_UNTIL: &str = "verify_until";

/// Why the job waits, or waited last.
const WAIT_REASON: &str = "wait_reason";

/// The job's ticket in its app's fair queue: the app and the tag.
const TICKET: &str = "ticket";

/// How far the sending of the job's file has come: absent where there is nothing to say.
const FILE: &str = "file";

/// The job whose answer this one shares, and when that one asked.
const RESULT_LEADER: &str = "result_leader";
const RESULT_AS_OF: &str = "result_as_of";

/// Whether the result is one page of a listing that has several: absent where it is not.
const PAGE_OF_SEVERAL: &str = "page_of_several";

/// The attributes of a job's state.
pub(super) const STATE: [&str; 27] = [
    REVISION,
    "run",
    "fencing_number",
    "due_at",
    "resends",
    "attempts",
    "eligible_at",
    "started_at",
    "in_doubt",
    TICKET,
    "follows",
    FILE,
    "phase",
    WAIT_REASON,
    "wake_by",
    "claim_id",
    "lease_until",
    "write_started",
    VERIFY_UNTIL,
    "ended_at",
    "failure",
    "result",
    "result_bytes",
    RESULT_LEADER,
    RESULT_AS_OF,
    PAGE_OF_SEVERAL,
    EXPIRES_AT,
];

/// The part of what was asked that can be long.
#[derive(Serialize, Deserialize)]
struct LongSpec {
    params: Params,
    /// The file that it sends, where it sends one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<FileSource>,
    #[serde(default, skip_serializing_if = "CacheOptions::is_default")]
    cache: CacheOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<String>,
}

/// The part of what was asked that can be long, as JSON text.
pub(super) fn spec_text(spec: &JobSpec) -> ports::Result<AttributeValue> {
    let (params, file) = (spec.work.params().clone(), spec.work.file().cloned());
    json(&LongSpec { params, file, cache: spec.cache, meta: spec.meta.clone() })
}

/// Whether the text of [`spec_text`] is stored in the job's own item.
pub(super) fn is_inline(spec: &AttributeValue) -> bool {
    spec.as_s().is_ok_and(|text| text.len() <= MAX_INLINE_SPEC_BYTES)
}

/// When a separate item with what was asked expires: with the job's record, or up to a day later. The record's time
/// begins when the run ends, which is by its deadline, or a verification later. So an end need not write this item,
/// whose size would be paid for; a replay, which begins another run, does.
pub(super) fn spec_expiry(job: &Job) -> AttributeValue {
    expiry(job.deadline() + JOB_DEADLINE + RECORD_RETENTION)
}

/// The job's item, without the part of what was asked that can be long.
pub(super) fn record(job: &Job) -> ports::Result<Attributes> {
    let spec = &job.spec;
    let mut record = job_key(&job.reference(), JOB);
    record.extend(named([
        ("user", text(spec.account.user.as_str())),
        ("target", name_of(&spec.work.target())),
        ("priority", name_of(&spec.priority)),
        ("idempotency", name_of(&job.idempotency)),
        ("fingerprint", text(job.fingerprint.as_str())),
        ("trace", text(job.trace.as_str())),
        (HISTORY_ACCOUNT, text(spec.account.to_string())),
        (CREATED_AT, time(job.created_at)),
    ]));
    record.extend(named(spec.work.method().map(|method| ("method", text(method.as_str())))));
    record.extend(named(job.verification.map(|strategy| ("verification", name_of(&strategy)))));
    record.extend(named((!job.invalidates.is_empty()).then(|| (INVALIDATES, text(job.invalidates.to_string())))));
    record.extend(named(state_attributes(&job.state)?));
    Ok(record)
}

pub(super) fn state_attributes(state: &State) -> ports::Result<Vec<(&'static str, AttributeValue)>> {
    let mut attributes = vec![
        (REVISION, whole(state.revision)),
        ("run", number(state.run)),
        ("fencing_number", number(state.fencing_number)),
        ("due_at", time(state.due_at)),
        ("resends", number(state.resends)),
        ("attempts", number(state.attempts)),
        ("eligible_at", time(state.eligible_at)),
        ("in_doubt", AttributeValue::Bool(state.in_doubt)),
        ("phase", text(state.phase.name())),
    ];
    attributes.extend(state.started_at.map(|at| ("started_at", time(at))));
    attributes.extend(state.ticket.as_ref().map(|ticket| (TICKET, text(format!("{}#{}", ticket.app, ticket.tag)))));
    attributes.extend(state.follows.as_ref().map(|leader| ("follows", text(leader.as_str()))));
    if state.file != FileProgress::default() {
        attributes.push((FILE, json(&state.file)?));
    }
    match &state.phase {
        Phase::Waiting(waiting) => {
            attributes.extend([(WAIT_REASON, json(waiting.reason())?), ("wake_by", name_of(&waiting.wake_by()))]);
            if let WaitReason::Verification { until } = waiting.reason() {
                attributes.push((VERIFY_UNTIL, time(*until)));
            }
        }
        Phase::Running(claim) => {
            attributes.extend([
                (WAIT_REASON, json(&claim.waited_for)?),
                ("claim_id", text(claim.id.as_str())),
                ("lease_until", time(claim.lease_until)),
                ("write_started", AttributeValue::Bool(claim.activity == Activity::NonIdempotentCall)),
            ]);
            if let Activity::Verify { until } = claim.activity {
                attributes.push((VERIFY_UNTIL, time(until)));
            }
        }
        Phase::Completed { result, page_of_several, .. } => {
            attributes.extend(result_attributes(result));
            attributes.extend(page_of_several.then_some((PAGE_OF_SEVERAL, AttributeValue::Bool(true))));
        }
        Phase::Failed { failure, .. } | Phase::Dead { failure, .. } => attributes.push(("failure", json(failure)?)),
        Phase::Expired { waited_for, .. } => attributes.push((WAIT_REASON, json(waited_for)?)),
    }
    if let Some(at) = state.phase.ended_at() {
        attributes.extend([("ended_at", time(at)), (EXPIRES_AT, expiry(at + RECORD_RETENTION))]);
    }
    Ok(attributes)
}

fn result_attributes(result: &StoredResult) -> Vec<(&'static str, AttributeValue)> {
    match result {
        StoredResult::Inline(text_of_result) => vec![("result", text(text_of_result))],
        StoredResult::SeparateItem => vec![],
        StoredResult::Object { bytes } => vec![("result_bytes", number(i64::try_from(*bytes).unwrap_or(i64::MAX)))],
        StoredResult::Shared { leader, as_of } => {
            vec![(RESULT_LEADER, text(leader.as_str())), (RESULT_AS_OF, time(*as_of))]
        }
    }
}

/// The state in a job's item.
pub(super) fn read_state(item: &Attributes) -> ports::Result<State> {
    let reader = Reader(item);
    Ok(State {
        revision: reader.whole(REVISION)?,
        run: reader.count("run")?,
        fencing_number: reader.count("fencing_number")?,
        due_at: reader.time("due_at")?,
        resends: reader.count("resends")?,
        attempts: reader.count("attempts")?,
        eligible_at: reader.time("eligible_at")?,
        started_at: reader.optional_time("started_at"),
        in_doubt: reader.flag("in_doubt")?,
        ticket: reader.optional_text(TICKET).map(read_ticket).transpose()?,
        follows: reader.optional_parsed("follows")?,
        file: reader.optional_text(FILE).map(|_| reader.json(FILE)).transpose()?.unwrap_or_default(),
        phase: read_phase(&reader)?,
    })
}

fn read_phase(reader: &Reader<'_>) -> ports::Result<Phase> {
    let ended_at = || reader.time("ended_at");
    Ok(match reader.text("phase")? {
        phase if Phase::WAITING.contains(&phase) => {
            let waiting = Waiting::from_stored(reader.json(WAIT_REASON)?, reader.named("wake_by")?);
            Phase::Waiting(waiting.ok_or_else(|| unreadable("wake_by"))?)
        }
        Phase::RUNNING => Phase::Running(Claim {
            id: reader.parsed("claim_id")?,
            lease_until: reader.time("lease_until")?,
            activity: match (reader.flag("write_started")?, reader.optional_time(VERIFY_UNTIL)) {
                (true, _) => Activity::NonIdempotentCall,
                (false, Some(until)) => Activity::Verify { until },
                (false, None) => Activity::Call,
            },
            waited_for: reader.json(WAIT_REASON)?,
        }),
        "completed" => Phase::Completed {
            at: ended_at()?,
            result: read_result(reader)?,
            page_of_several: reader.0.contains_key(PAGE_OF_SEVERAL),
        },
        "failed" => Phase::Failed { at: ended_at()?, failure: reader.json("failure")? },
        "expired" => Phase::Expired { at: ended_at()?, waited_for: reader.json(WAIT_REASON)? },
        "dead" => Phase::Dead { at: ended_at()?, failure: reader.json("failure")? },
        _ => return Err(unreadable("phase")),
    })
}

fn read_result(reader: &Reader<'_>) -> ports::Result<StoredResult> {
    if let Some(result) = reader.optional_text("result") {
        return Ok(StoredResult::Inline(result.to_owned()));
    }
    if reader.optional_text(RESULT_LEADER).is_some() {
        return Ok(StoredResult::Shared { leader: reader.parsed(RESULT_LEADER)?, as_of: reader.time(RESULT_AS_OF)? });
    }
    let bytes = reader.optional_number("result_bytes").map(usize::try_from).transpose();
    let bytes = bytes.map_err(|_| unreadable("result_bytes"))?;
    Ok(bytes.map_or(StoredResult::SeparateItem, |bytes| StoredResult::Object { bytes }))
}

fn read_ticket(text: &str) -> ports::Result<QueueTicket> {
    let parts = text.split_once('#');
    let ticket = parts.and_then(|(app, tag)| Some(QueueTicket { app: app.parse().ok()?, tag: tag.parse().ok()? }));
    ticket.ok_or_else(|| unreadable(TICKET))
}

/// The job in its item and the text of [`spec_text`].
fn read(item: &Attributes, spec: &str) -> ports::Result<Job> {
    let reader = Reader(item);
    let job = job_of(item)?;
    let LongSpec { params, file, cache, meta } = serde_json::from_str(spec).map_err(|_| unreadable(SPEC_TEXT))?;
    let file_call = |params| {
        let source = file.ok_or_else(|| unreadable(SPEC_TEXT))?;
        Ok::<_, ports::Error>(FileCall { source, fields: UploadFields::from_stored(params) })
    };
    let work = match reader.named("target")? {
        Target::Rest => Work::Rest(RestCall { method: reader.parsed("method")?, params }),
        Target::Upload => Work::Upload(file_call(params)?),
        Target::Replace => Work::Replace(file_call(params)?),
    };
    let account = AccountRef { tenant: job.tenant, user: reader.parsed("user")? };
    let verification = reader.optional_text("verification").map(|_| reader.named("verification")).transpose()?;
    Ok(Job {
        id: job.id,
        spec: JobSpec { account, work, priority: reader.named("priority")?, cache, meta },
        idempotency: reader.named("idempotency")?,
        verification,
        invalidates: reader.optional_parsed::<CacheTags>(INVALIDATES)?.unwrap_or_default(),
        fingerprint: Fingerprint::from_stored(reader.text("fingerprint")?.to_owned()),
        trace: reader.parsed("trace")?,
        created_at: reader.time(CREATED_AT)?,
        state: read_state(item)?,
    })
}

impl Cloud {
    /// The job in its item; the part of what was asked that is long is read from a separate item where there is one.
    pub(crate) async fn read_job(&self, item: &Attributes) -> ports::Result<Job> {
        if let Some(inline) = Reader(item).optional_text(SPEC_TEXT) {
            return read(item, inline);
        }
        let key = job_key(&job_of(item)?, SPEC);
        let separate = self.jobs.get(key, "reading what was asked of a job").await?;
        read(item, Reader(&separate.ok_or_else(|| unreadable(SPEC_TEXT))?).text(SPEC_TEXT)?)
    }

    /// The job, if it is there and its time is not over.
    pub(super) async fn find_job(&self, job: &JobRef) -> ports::Result<Option<Job>> {
        match self.find_item(job).await? {
            Some(item) => self.read_job(&item).await.map(Some),
            None => Ok(None),
        }
    }

    /// Its state, if it is there and its time is not over.
    pub(super) async fn find_state(&self, job: &JobRef) -> ports::Result<Option<State>> {
        self.find_item(job).await?.as_ref().map(read_state).transpose()
    }

    async fn find_item(&self, job: &JobRef) -> ports::Result<Option<Attributes>> {
        Ok(live(self.jobs.get(job_key(job, JOB), "finding a job").await?, now()))
    }
}

#[cfg(test)]
mod tests;

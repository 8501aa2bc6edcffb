//! Cache: an answer that was cached for another job is of the same account, no older than its time to live, and not from
//! before a write of the account that had ended when it was given.
//!
//! What a write of unknown outcome does after its end, it does within the time in which such writes are verified.

use std::collections::BTreeMap;

use domain::{
    JobId, Timestamp,
    cache::CacheTag,
    job::{Job, Phase, StoredResult},
};

use super::final_state::FinalState;
use crate::{
    build,
    simulator::flickr::{TTL, marker_of},
};

pub(super) fn answers(state: &FinalState) -> Vec<String> {
    let by_id: BTreeMap<&JobId, &Job> = state.jobs.iter().map(|job| (&job.id, job)).collect();
    state.jobs.iter().flat_map(|job| wrongs(state, &by_id, job)).collect()
}

/// What is wrong with the cached answer that a job was given, if it was given one.
fn wrongs(state: &FinalState, by_id: &BTreeMap<&JobId, &Job>, job: &Job) -> Vec<String> {
    let Some((leader, given_at)) = given(state, job) else { return Vec::new() };
    let Some(answer) = by_id.get(leader).and_then(|leader| answer_of(leader)) else {
        return vec![format!("{} was given an answer that {leader} does not have", job.id)];
    };
    let mut wrongs = Vec::new();
    if answer.token != build::token_of(&job.spec.account.user) {
        wrongs.push(format!("{} was given an answer of {}", job.id, answer.token));
    }
    let (ttl, age) = (job.spec.cache.ttl().unwrap_or(TTL), given_at.since(answer.as_of));
    if age > ttl {
        wrongs.push(format!("{} was given an answer {age:?} old, and takes {ttl:?}", job.id));
    }
    if job.spec.cache.bypass() {
        wrongs.push(format!("{} was given an answer, and asked for its own", job.id));
    }
    if let Some((write, at)) = hidden_write(state, job, answer.as_of, given_at) {
        let as_of = answer.as_of;
        wrongs.push(format!("{} was given at {given_at} what was so at {as_of}: {write} changed it at {at}", job.id));
    }
    wrongs
}

/// The job whose answer a job was given, and when.
fn given<'a>(state: &FinalState, job: &'a Job) -> Option<(&'a JobId, Timestamp)> {
    match &job.state.phase {
        Phase::Completed { result: StoredResult::Shared { leader, .. }, .. } => {
            Some((leader, *state.history.claims.get(&job.id)?))
        }
        _ => None,
    }
}

/// An answer: whose account Flickr showed, and as it was when.
struct Answer {
    token: String,
    as_of: Timestamp,
}

fn answer_of(job: &Job) -> Option<Answer> {
    let Phase::Completed { result: StoredResult::Inline(text), .. } = &job.state.phase else { return None };
    let answer: serde_json::Value = serde_json::from_str(text).ok()?;
    let as_of = Timestamp::from_milliseconds(answer["at"].as_i64()?);
    Some(Answer { token: answer["token"].as_str()?.to_owned(), as_of })
}

/// A write of the job's account that had ended when the job was given its answer, and that the answer does not show.
fn hidden_write(state: &FinalState, job: &Job, as_of: Timestamp, given_at: Timestamp) -> Option<(JobId, Timestamp)> {
    let is_of_account = |write: &&Job| {
        write.invalidates.iter().any(|tag| tag == CacheTag::Photos)
            && write.spec.account == job.spec.account
            && write.state.run == 1
    };
    state.jobs.iter().filter(is_of_account).find_map(|write| {
        let ended_at = *state.history.ended_at.get(&write.id)?.first()?;
        let marker = marker_of(&write.spec.work);
        let applied = state.writes.iter().filter(|applied| applied.marker == marker).map(|applied| applied.at);
        // What a completed write did again by an attempt before shows nothing new.
        let is_completed = matches!(write.state.phase, Phase::Completed { .. });
        let applied = applied.take(if is_completed { 1 } else { usize::MAX });
        let mut hidden = applied.filter(|at| ended_at <= given_at && as_of < *at && *at <= given_at);
        Some((write.id.clone(), hidden.next()?))
    })
}

//! The promises, each as a judgement of what a simulation left behind (docs/architecture.md).
//!
//! An oracle knows nothing of how the hub works: it looks at what callers were told, at what Flickr
//! was made to do, and at the records.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{
    JobId, TenantId, Timestamp, UserId,
    budget::{GRANT_LIFETIME, Limit},
    cache::Family,
    job::{CLOCK_SKEW, Job, Phase, StoredResult},
    outcome::Nature,
    timing,
};

use super::flickr::{Deed, TTL};
use crate::{Chronicle, build};

/// What a simulation left behind.
#[derive(Debug)]
pub(crate) struct Remains {
    /// All job records.
    pub jobs: Vec<Job>,
    /// The ids that callers were told were accepted.
    pub accepted: BTreeSet<JobId>,
    /// The ids that callers were told for each idempotency key and payload.
    pub told: BTreeMap<(TenantId, String), BTreeSet<(JobId, String)>>,
    /// How often each marker's write was done at Flickr.
    pub done: BTreeMap<String, u32>,
    /// The writes that were done at Flickr.
    pub writes: Vec<Deed>,
    /// The markers whose replay was forced.
    pub forced: BTreeSet<String>,
    /// What happened to jobs.
    pub chronicle: Chronicle,
    /// Jobs that were found running with neither a worker nor a message.
    pub orphaned: Vec<JobId>,
    /// Open and pending jobs of each account.
    pub counts: BTreeMap<(TenantId, UserId), (u32, u32)>,
    /// Accounts that were ever found with fewer pending than open jobs.
    pub undercounted: BTreeSet<UserId>,
    /// When each call came to Flickr, and of which app.
    pub calls: Vec<(Timestamp, String)>,
    /// How many calls may be made.
    pub limit: Limit,
    /// From when on how many may be made instead.
    pub later_limit: Option<(Timestamp, Limit)>,
    /// When it ended.
    pub now: Timestamp,
}

/// A promise and how it was broken.
pub(crate) type Violation = (&'static str, String);

/// All violations.
pub(crate) fn judge(remains: &Remains) -> Vec<Violation> {
    let oracles = [
        i1_ends_once,
        i1_ends_in_time,
        i2_within_the_budget,
        i4_one_key_one_job,
        i6_one_record,
        i7_no_write_twice,
        i8_open_circuits_grant_nothing,
        dispatch,
        lease,
        counts,
        cache,
    ];
    oracles.iter().flat_map(|oracle| oracle(remains)).collect()
}

/// I1: an accepted job ends in exactly one terminal state per run.
fn i1_ends_once(remains: &Remains) -> Vec<Violation> {
    let mut violations = Vec::new();
    for job in remains.jobs.iter().filter(|job| remains.accepted.contains(&job.id)) {
        if !job.state.is_terminal() {
            violations.push(("I1", format!("{} never ended: {:?}", job.id, job.state)));
        }
        for run in 1..=job.state.run {
            let ends = remains.chronicle.ends.get(&(job.id.clone(), run)).copied().unwrap_or(0);
            if ends != 1 && job.state.is_terminal() {
                violations.push(("I1", format!("run {run} of {} ended {ends} times", job.id)));
            }
        }
    }
    violations
}

/// I1: within its deadline, give or take a sweep; a search for a write's effect has its own.
fn i1_ends_in_time(remains: &Remains) -> Vec<Violation> {
    let slack = timing::LEASE + timing::ORPHANED_AFTER + Duration::from_secs(180);
    let late = |job: &&Job| {
        let limit = job.state.deadline() + timing::VERIFICATION + slack;
        job.state.phase.ended_at().is_some_and(|at| at > limit)
    };
    remains.jobs.iter().filter(late).map(|job| ("I1", format!("{} ended late: {:?}", job.id, job.state))).collect()
}

/// I1: a message stays until what it asks for is written: the sweep finds no run whose worker and
/// message are both gone.
fn dispatch(remains: &Remains) -> Vec<Violation> {
    let stale = remains.chronicle.stale_claims.iter();
    let stale = stale.map(|id| ("dispatch", format!("{id} was claimed by a stale message")));
    let orphaned = remains.orphaned.iter();
    stale.chain(orphaned.map(|id| ("dispatch", format!("{id} ran, and its message was gone")))).collect()
}

/// A job is held by one worker at a time.
fn lease(remains: &Remains) -> Vec<Violation> {
    let stolen = remains.chronicle.stolen_claims.iter();
    stolen.map(|id| ("lease", format!("{id} was claimed while another worker held it"))).collect()
}

/// What late grants and clocks that differ can shift a call by.
const SHIFT: Duration = Duration::from_secs(GRANT_LIFETIME.as_secs() + 2 * CLOCK_SKEW.as_secs());

/// The times of the calls, by app.
fn calls_by_app(remains: &Remains) -> BTreeMap<&str, Vec<Timestamp>> {
    let mut by_app: BTreeMap<&str, Vec<Timestamp>> = BTreeMap::new();
    for (at, app) in &remains.calls {
        by_app.entry(app).or_default().push(*at);
    }
    by_app
}

/// I2: in any rolling hour no more calls of an app reach Flickr than the rate and a burst, give or
/// take what is shifted across the hour's ends. An hour in which the limit changed has the greater.
fn i2_within_the_budget(remains: &Remains) -> Vec<Violation> {
    const HOUR: Duration = Duration::from_secs(3600);
    let allowed = |limit: &Limit| {
        let shifted = u64::from(limit.calls_per_hour) * SHIFT.as_secs() / 3600 + 1;
        u64::from(limit.calls_per_hour + limit.burst_calls) + shifted
    };
    let allowed_at = |at: Timestamp| match &remains.later_limit {
        Some((from, later)) if at.since(*from) > HOUR + SHIFT => allowed(later),
        Some((_, later)) => allowed(&remains.limit).max(allowed(later)),
        None => allowed(&remains.limit),
    };
    let mut violations = Vec::new();
    for (app, calls) in calls_by_app(remains) {
        let mut first = 0;
        for (last, at) in calls.iter().enumerate() {
            while at.since(calls[first]) >= HOUR {
                first += 1;
            }
            let (made, allowed) = ((last - first + 1) as u64, allowed_at(*at));
            if made > allowed {
                violations
                    .push(("I2", format!("{made} calls of {app} in the hour before {at}, {allowed} are allowed")));
                break;
            }
        }
    }
    violations
}

/// I8: while a circuit is open, no call reaches Flickr but those that were granted before.
fn i8_open_circuits_grant_nothing(remains: &Remains) -> Vec<Violation> {
    let by_app = calls_by_app(remains);
    let mut violations = Vec::new();
    for (app, opened, until) in &remains.chronicle.circuits {
        let within = |at: &&Timestamp| at.since(*opened) > SHIFT && until.since(**at) > 2 * CLOCK_SKEW;
        let calls = by_app.get(app.as_str()).map(Vec::as_slice).unwrap_or_default();
        if let Some(at) = calls.iter().find(within) {
            violations.push(("I8", format!("{app} was called at {at}, its circuit is open from {opened} to {until}")));
        }
    }
    violations
}

/// I4: one idempotency key makes at most one job, of one payload.
fn i4_one_key_one_job(remains: &Remains) -> Vec<Violation> {
    let several = remains.told.iter().filter(|(_, told)| told.len() > 1);
    several.map(|((_, key), told)| ("I4", format!("key {key} was answered with {told:?}"))).collect()
}

/// I6: every id that was accepted has exactly one record.
fn i6_one_record(remains: &Remains) -> Vec<Violation> {
    let mut records: BTreeMap<&JobId, u32> = BTreeMap::new();
    for job in &remains.jobs {
        *records.entry(&job.id).or_default() += 1;
    }
    let wrong = remains.accepted.iter().filter(|id| records.get(id).copied() != Some(1));
    wrong.map(|id| ("I6", format!("{id} has {:?} records", records.get(id)))).collect()
}

/// I7: a write that must not be repeated was done at most once, unless an operator forced it; and
/// what is said to be done was done.
fn i7_no_write_twice(remains: &Remains) -> Vec<Violation> {
    let mut violations = Vec::new();
    for job in &remains.jobs {
        let marker = super::marker_of(job);
        let done = remains.done.get(&marker).copied().unwrap_or(0);
        let forced = remains.forced.contains(&marker);
        if job.nature == Nature::UnrepeatableWrite && done > 1 && !forced {
            violations.push(("I7", format!("the write of {} was done {done} times: {:?}", job.id, job.state)));
        }
        if matches!(job.state.phase, Phase::Completed { .. }) && done == 0 {
            violations.push(("I7", format!("{} is completed, and Flickr did nothing", job.id)));
        }
    }
    violations
}

/// The count of pending jobs is never below the number of open ones, and comes back to it.
fn counts(remains: &Remains) -> Vec<Violation> {
    let under = remains.undercounted.iter().map(|user| ("counts", format!("{user} was counted too low")));
    let drift = remains.counts.iter().filter(|(_, (open, pending))| open != pending);
    let drift = drift.map(|((_, user), (open, pending))| {
        ("counts", format!("{user} has {open} open and {pending} pending jobs at {}", remains.now))
    });
    under.chain(drift).collect()
}

/// A kept answer: whose account Flickr showed, and as it was when.
fn seen(job: &Job) -> Option<(String, Timestamp)> {
    let Phase::Completed { result: StoredResult::Inline(text), .. } = &job.state.phase else { return None };
    let answer: serde_json::Value = serde_json::from_str(text).ok()?;
    Some((answer["token"].as_str()?.to_owned(), Timestamp::from_milliseconds(answer["at"].as_i64()?)))
}

/// An answer that was kept for another job is of the same account, no older than its time to live,
/// and not from before a write of the account that had ended when it was given. What a write of
/// unknown outcome does after its end, it does within the time in which such writes are searched for.
fn cache(remains: &Remains) -> Vec<Violation> {
    let by_id: BTreeMap<&JobId, &Job> = remains.jobs.iter().map(|job| (&job.id, job)).collect();
    let mut violations = Vec::new();
    for job in &remains.jobs {
        let Phase::Completed { result: StoredResult::Shared { leader, .. }, .. } = &job.state.phase else { continue };
        let Some(given_at) = remains.chronicle.claims.get(&job.id).copied() else { continue };
        let Some((token, as_of)) = by_id.get(leader).and_then(|leader| seen(leader)) else {
            violations.push(("cache", format!("{} was given an answer that {leader} does not have", job.id)));
            continue;
        };
        if token != build::token_of(&job.order.user) {
            violations.push(("cache", format!("{} was given an answer of {token}", job.id)));
        }
        let (ttl, age) = (job.order.cache.ttl().unwrap_or(TTL), given_at.since(as_of));
        if age > ttl {
            violations.push(("cache", format!("{} was given an answer {age:?} old, and takes {ttl:?}", job.id)));
        }
        if job.order.cache.bypass() {
            violations.push(("cache", format!("{} was given an answer, and wanted its own", job.id)));
        }
        if let Some((write, at)) = hidden_write(remains, job, as_of, given_at) {
            violations.push((
                "cache",
                format!("{} was given at {given_at} what was so at {as_of}, before {write} changed it at {at}", job.id),
            ));
        }
    }
    violations
}

/// A write of the job's account that had ended when the job was given its answer, and that the
/// answer does not show.
fn hidden_write(remains: &Remains, job: &Job, as_of: Timestamp, given_at: Timestamp) -> Option<(JobId, Timestamp)> {
    let of_account = |write: &&Job| {
        let (is_one, same) = (write.raises.iter().any(|family| family == Family::Photos), &job.order.user);
        is_one && write.order.user == *same && write.tenant == job.tenant && write.state.run == 1
    };
    remains.jobs.iter().filter(of_account).find_map(|write| {
        let ended_at = *remains.chronicle.ended_at.get(&write.id)?.first()?;
        let completed = matches!(write.state.phase, Phase::Completed { .. });
        let marker = super::marker_of(write);
        let effects = remains.writes.iter().filter(|deed| deed.marker == marker).map(|deed| deed.at);
        // What a completed write did again by an attempt before shows nothing new.
        let effects: Vec<Timestamp> = if completed { effects.take(1).collect() } else { effects.collect() };
        let hidden = effects.into_iter().find(|at| ended_at <= given_at && as_of < *at && *at <= given_at)?;
        Some((write.id.clone(), hidden))
    })
}

//! What clients read of a job and of an account.

use domain::{
    Timestamp,
    account::{Account, Perms, Status},
    job::{Failure, FailureCode, Job, Phase, StoredResult},
};
use hub::read::Content;
use serde::Serialize;
use serde_json::value::RawValue;

/// A job, as clients read it.
#[derive(Debug, Serialize)]
pub struct JobView {
    job_id: String,
    user_id: String,
    target: &'static str,
    method: String,
    state: &'static str,
    result: Option<Box<RawValue>>,
    result_url: Option<String>,
    /// Whether the result is the answer to another job's call.
    from_cache: bool,
    /// Of such a result: when that job asked, and so how old the result may be.
    cached_at: Option<String>,
    error: Option<ErrorView>,
    attempts: u32,
    run: u32,
    priority: &'static str,
    meta: Option<Box<RawValue>>,
    created_at: String,
    /// Of an open job that was not started, or waits to go on: about when it will.
    estimated_start: Option<String>,
    started_at: Option<String>,
    finished_at: Option<String>,
    due_at: Option<String>,
    deferred_because: Option<String>,
    /// Of a dead job: whether its write may have taken effect, so that only force replays it.
    needs_force: Option<bool>,
}

/// Why a job failed or died, as clients read it.
#[derive(Debug, Serialize)]
struct ErrorView {
    code: FailureCode,
    message: String,
    flickr_code: Option<i64>,
}

impl From<Failure> for ErrorView {
    fn from(Failure { code, message, flickr_code }: Failure) -> Self {
        Self { code, message, flickr_code }
    }
}

impl JobView {
    /// `job` with its result, and when it will about start.
    ///
    /// # Errors
    /// When the result, or the job's `meta`, is no JSON.
    pub fn of(job: Job, result: Option<Content>, estimated_start: Option<Timestamp>) -> Result<Self, hub::Error> {
        let (result, result_url) = match result {
            Some(Content::Text(text)) => (Some(text), None),
            Some(Content::Url(url)) => (None, Some(url)),
            None => (None, None),
        };
        let raw = |text: Option<String>| text.map(RawValue::from_string).transpose();
        let cached_at = match &job.state.phase {
            Phase::Completed { result: StoredResult::Shared { as_of, .. }, .. } => Some(as_of.to_string()),
            _ => None,
        };
        let finished_at = job.state.phase.ended_at().map(|at| at.to_string());
        let state = job.state.phase.name();
        let needs_force = matches!(job.state.phase, Phase::Dead { .. }).then_some(job.state.doubt);
        let due_at = Some(job.state.due_at.to_string());
        let (error, due_at, deferred_because) = match job.state.phase {
            Phase::Failed { failure, .. } | Phase::Dead { failure, .. } => (Some(failure.into()), None, None),
            Phase::Deferred { why } => (None, due_at, Some(why)),
            Phase::Scheduled | Phase::Verifying { .. } => (None, due_at, None),
            Phase::Queued | Phase::Running(_) | Phase::Completed { .. } | Phase::Expired { .. } => (None, None, None),
        };
        Ok(Self {
            job_id: job.id.into(),
            user_id: job.order.user.into(),
            target: job.order.target.as_str(),
            method: job.order.method.into(),
            state,
            result: raw(result)?,
            result_url,
            from_cache: cached_at.is_some(),
            cached_at,
            error,
            attempts: job.state.attempts,
            run: job.state.run,
            priority: job.order.priority.as_str(),
            meta: raw(job.order.meta)?,
            created_at: job.created_at.to_string(),
            estimated_start: estimated_start.map(|at| at.to_string()),
            started_at: job.state.started_at.map(|at| at.to_string()),
            finished_at,
            due_at,
            deferred_because,
            needs_force,
        })
    }
}

/// A connected account, as clients read it: never a token.
#[derive(Debug, Serialize)]
pub struct AccountView {
    user_id: String,
    app_id: String,
    nsid: String,
    username: String,
    fullname: String,
    perms: Perms,
    status: Status,
    connected_at: String,
}

impl From<Account> for AccountView {
    fn from(account: Account) -> Self {
        Self {
            user_id: account.user.into(),
            app_id: account.app.into(),
            nsid: account.nsid,
            username: account.username,
            fullname: account.fullname,
            perms: account.perms,
            status: account.status,
            connected_at: account.connected_at.to_string(),
        }
    }
}

//! Jobs.

use api::{JobError, JobErrorCode, JobPriority, JobState, JobTarget, JobView, ResultForm, WaitView, WaitingFor};
use domain::{
    Timestamp,
    fair_queue::Priority,
    job::{self, DeadJob, Failure, FailureCode, Job, Phase, State, StoredResult, Target, WaitReason},
};
use hub::read::Content;
use serde_json::value::RawValue;

/// A job without its result, as clients read it right after it was accepted. A dead one reads like its entry in the list
/// of dead jobs. `stopped` is why its app's jobs wait, where Flickr refuses the app.
///
/// # Errors
/// When the job's `meta` is no JSON.
pub fn without_result(
    job: Job,
    estimated_start: Option<Timestamp>,
    stopped: Option<&WaitReason>,
) -> Result<JobView, hub::Error> {
    if let Some(listed) = DeadJob::of(&job) {
        return dead(listed);
    }
    let text = |at: Timestamp| at.to_string();
    let Job { id, spec, created_at, state, .. } = job;
    let cached_at = match &state.phase {
        Phase::Completed { result: StoredResult::Shared { as_of, .. }, .. } => Some(text(*as_of)),
        _ => None,
    };
    Ok(JobView {
        job_id: id.into(),
        target: target(spec.work.target()),
        method: spec.work.method().map(ToString::to_string),
        user_id: spec.account.user.into(),
        state: job_state(&state.phase),
        waiting: waiting(&state, stopped, estimated_start),
        result: None,
        result_url: None,
        from_cache: cached_at.is_some(),
        cached_at,
        error: error(&state.phase),
        attempts: state.attempts,
        run: state.run,
        priority: priority(spec.priority),
        meta: meta(spec.meta)?,
        created_at: text(created_at),
        estimated_start: estimated_start.map(text),
        started_at: state.started_at.map(text),
        finished_at: state.phase.ended_at().map(text),
        needs_force: None,
    })
}

/// A dead job, as clients read it.
///
/// # Errors
/// When the job's `meta` is no JSON.
pub fn dead(job: DeadJob) -> Result<JobView, hub::Error> {
    Ok(JobView {
        job_id: job.id.into(),
        user_id: job.user.into(),
        target: target(job.target),
        method: job.method.map(Into::into),
        state: JobState::Dead,
        waiting: None,
        result: None,
        result_url: None,
        from_cache: false,
        cached_at: None,
        error: Some(failed(&job.failure)),
        attempts: job.attempts,
        run: job.run,
        priority: priority(job.priority),
        meta: meta(job.meta)?,
        created_at: job.created_at.to_string(),
        estimated_start: None,
        started_at: job.started_at.map(|at| at.to_string()),
        finished_at: Some(job.died_at.to_string()),
        needs_force: Some(job.in_doubt),
    })
}

/// The same with its result.
///
/// # Errors
/// When the result is no JSON.
pub fn with_result(job: JobView, result: Content) -> Result<JobView, hub::Error> {
    let Content { text, url } = result;
    Ok(JobView { result: text.map(RawValue::from_string).transpose()?, result_url: url, ..job })
}

fn meta(text: Option<String>) -> Result<Option<Box<RawValue>>, hub::Error> {
    Ok(text.map(RawValue::from_string).transpose()?)
}

const fn target(target: Target) -> JobTarget {
    match target {
        Target::Rest => JobTarget::Rest,
        Target::Upload => JobTarget::Upload,
        Target::Replace => JobTarget::Replace,
    }
}

const fn priority(priority: Priority) -> JobPriority {
    match priority {
        Priority::High => JobPriority::High,
        Priority::Normal => JobPriority::Normal,
        Priority::Low => JobPriority::Low,
    }
}

/// The lane that a caller asks for.
pub const fn lane(priority: JobPriority) -> Priority {
    match priority {
        JobPriority::High => Priority::High,
        JobPriority::Normal => Priority::Normal,
        JobPriority::Low => Priority::Low,
    }
}

/// The form of a result that a caller asks for.
pub const fn result_form(form: Option<ResultForm>) -> job::ResultForm {
    match form {
        Some(ResultForm::Url) => job::ResultForm::Url,
        Some(ResultForm::Inline) | None => job::ResultForm::Inline,
    }
}

/// A job of a list, as clients read it: without its result, and without asking anybody when it will start.
///
/// # Errors
/// When the job's `meta` is no JSON.
pub fn listed(job: Job) -> Result<JobView, hub::Error> {
    without_result(job, None, None)
}

/// Where a job stands, as clients read it.
pub fn state(job: &Job) -> JobState {
    job_state(&job.state.phase)
}

fn job_state(phase: &Phase) -> JobState {
    match phase {
        Phase::Waiting(wait) => match wait.reason() {
            WaitReason::Schedule => JobState::Scheduled,
            WaitReason::Worker | WaitReason::Turn => JobState::Queued,
            WaitReason::Verification { .. } => JobState::Verifying,
            _ => JobState::Deferred,
        },
        Phase::Running(_) => JobState::Running,
        Phase::Completed { .. } => JobState::Completed,
        Phase::Failed { .. } => JobState::Failed,
        Phase::Expired { .. } => JobState::Expired,
        Phase::Dead { .. } => JobState::Dead,
    }
}

/// Why the job waits, and until about when: a job that waits for a worker is due.
fn waiting(state: &State, stopped: Option<&WaitReason>, estimated_start: Option<Timestamp>) -> Option<WaitView> {
    let own = state.waiting()?.reason();
    let reason = stopped.unwrap_or(own);
    let until = match reason {
        WaitReason::Worker => None,
        _ if state.queued_ticket().is_some() => estimated_start.or(Some(state.due_at)),
        _ => Some(state.due_at),
    };
    Some(WaitView { reason: waiting_for(reason), message: prose(reason), until: until.map(|at| at.to_string()) })
}

const fn waiting_for(reason: &WaitReason) -> WaitingFor {
    match reason {
        WaitReason::Schedule => WaitingFor::Schedule,
        WaitReason::Worker => WaitingFor::Worker,
        WaitReason::Turn => WaitingFor::Turn,
        WaitReason::AppBudget => WaitingFor::AppBudget,
        WaitReason::AccountBudget => WaitingFor::AccountBudget,
        WaitReason::Circuit => WaitingFor::Circuit,
        WaitReason::GrantExpired => WaitingFor::GrantExpired,
        WaitReason::BackOff { .. } => WaitingFor::BackOff,
        WaitReason::Throttled { .. } => WaitingFor::Throttled,
        WaitReason::AppStopped { .. } => WaitingFor::AppStopped,
        WaitReason::Leader { .. } => WaitingFor::Leader,
        WaitReason::Outage => WaitingFor::Outage,
        WaitReason::Verification { .. } => WaitingFor::Verification,
    }
}

/// Why a job waits, for people.
fn prose(reason: &WaitReason) -> String {
    match reason {
        WaitReason::Schedule => "it was asked to run later".to_owned(),
        WaitReason::Worker => "it waits for a worker".to_owned(),
        WaitReason::Turn => "the budget of calls is in use: the job waits for its turn".to_owned(),
        WaitReason::AppBudget => "the budget of calls is spent".to_owned(),
        WaitReason::AccountBudget => "the account's budget of calls is spent".to_owned(),
        WaitReason::Circuit => "Flickr refuses calls: the circuit is open".to_owned(),
        WaitReason::GrantExpired => "the grant to call ran out before the call began".to_owned(),
        WaitReason::BackOff { message, .. } => format!("an attempt failed and is repeated: {message}"),
        WaitReason::Throttled { message } => format!("Flickr answered that calls come too fast: {message}"),
        WaitReason::AppStopped { message } => format!("Flickr refuses the app's key: {message}"),
        WaitReason::Leader { job } => format!("{job} does the same: this job waits for it"),
        WaitReason::Outage => "something that FlickrHub depends on did not answer".to_owned(),
        WaitReason::Verification { .. } => "its write was sent, and it is not known whether it took effect".to_owned(),
    }
}

/// Why a job ended without success.
fn error(phase: &Phase) -> Option<JobError> {
    match phase {
        Phase::Waiting(_) | Phase::Running(_) | Phase::Completed { .. } => None,
        Phase::Failed { failure, .. } | Phase::Dead { failure, .. } => Some(failed(failure)),
        Phase::Expired { waited_for, .. } => Some(JobError {
            code: JobErrorCode::DeadlineExceeded,
            message: format!("the job's deadline passed. What it waited for last: {}", prose(waited_for)),
            flickr_code: match waited_for {
                WaitReason::BackOff { flickr_code, .. } => *flickr_code,
                _ => None,
            },
        }),
    }
}

fn failed(failure: &Failure) -> JobError {
    let Failure { code, message, flickr_code } = failure;
    JobError { code: error_code(*code), message: message.clone(), flickr_code: *flickr_code }
}

const fn error_code(code: FailureCode) -> JobErrorCode {
    match code {
        FailureCode::FlickrRejected => JobErrorCode::FlickrRejected,
        FailureCode::QuotaExceeded => JobErrorCode::QuotaExceeded,
        FailureCode::ReconnectNeeded => JobErrorCode::ReconnectNeeded,
        FailureCode::AccountDisconnected => JobErrorCode::AccountDisconnected,
        FailureCode::TokenUnreadable => JobErrorCode::TokenUnreadable,
        FailureCode::AttemptsExhausted => JobErrorCode::AttemptsExhausted,
        FailureCode::OutcomeUnknown => JobErrorCode::OutcomeUnknown,
        FailureCode::WorkerCrashed => JobErrorCode::WorkerCrashed,
        FailureCode::ResultTooLarge => JobErrorCode::ResultTooLarge,
        FailureCode::FileGone => JobErrorCode::FileGone,
        FailureCode::ChecksumMismatch => JobErrorCode::ChecksumMismatch,
        FailureCode::SourceRefused => JobErrorCode::SourceRefused,
        FailureCode::TooSlow => JobErrorCode::TooSlow,
    }
}

#[cfg(test)]
mod tests {
    use domain::JobId;

    use super::*;

    #[test]
    fn reasons_and_states_are_written_as_the_rules_name_them() {
        let reasons = [
            WaitReason::Schedule,
            WaitReason::Worker,
            WaitReason::Turn,
            WaitReason::AppBudget,
            WaitReason::AccountBudget,
            WaitReason::Circuit,
            WaitReason::GrantExpired,
            WaitReason::BackOff { message: "502".to_owned(), flickr_code: Some(105) },
            WaitReason::Throttled { message: "429".to_owned() },
            WaitReason::AppStopped { message: "Invalid API Key".to_owned() },
            WaitReason::Leader { job: JobId::from_bytes([1; 16]) },
            WaitReason::Outage,
            WaitReason::Verification { until: Timestamp::from_milliseconds(1) },
        ];
        for reason in reasons {
            assert_eq!(serde_json::to_value(waiting_for(&reason)).unwrap(), reason.name());
            assert!(!prose(&reason).is_empty());
        }
        for target in Target::ALL {
            assert_eq!(serde_json::to_value(super::target(target)).unwrap(), target.as_str());
        }
        for priority in Priority::ALL {
            assert_eq!(lane(super::priority(priority)), priority);
        }
    }

    #[test]
    fn an_expired_job_says_what_it_waited_for() {
        let waited_for = WaitReason::BackOff { message: "Flickr answered 502".to_owned(), flickr_code: Some(105) };
        let phase = Phase::Expired { at: Timestamp::from_milliseconds(1), waited_for };
        let error = error(&phase).unwrap();
        assert_eq!((error.code, error.flickr_code), (JobErrorCode::DeadlineExceeded, Some(105)));
        assert!(error.message.contains("Flickr answered 502"), "{}", error.message);
    }
}

//! Jobs.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::bounded::at_most;

/// What kind of work a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum JobTarget {
    /// One call of Flickr's REST API.
    Rest,
    /// A new photo or video.
    Upload,
    /// A new file of an existing photo.
    Replace,
}

/// How important a job is to its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum JobPriority {
    /// Somebody waits for it.
    High,
    /// The default.
    Normal,
    /// Whenever there is room.
    Low,
}

/// `POST /v1/flickr/rest`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SubmitJobRequest {
    /// Flickr's method, of a call of the REST API.
    #[serde(default, deserialize_with = "at_most::<_, _, 100>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub method: Option<String>,
    /// The file, of an upload or replace: an upload whose file has arrived.
    #[serde(default, deserialize_with = "at_most::<_, _, 100>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub upload_id: Option<String>,
    /// The file, of an upload or replace: where FlickrHub fetches it. Not with `upload_id`.
    #[serde(default, deserialize_with = "at_most::<_, _, 8192>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 8192))]
    pub source_url: Option<String>,
    /// The parameters: an object of strings, numbers and booleans, as it was written. Of an upload, `tags` may be a list.
    #[serde(default = "no_params")]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub params: Box<RawValue>,
    /// In the name of which account.
    #[serde(deserialize_with = "at_most::<_, _, 100>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub user_id: String,
    /// What kind of work; by default `rest`.
    pub target: Option<JobTarget>,
    /// By default `normal`.
    pub priority: Option<JobPriority>,
    /// What the job asks of the response cache.
    pub cache: Option<JobCacheOptions>,
    /// The caller's own JSON object as it was written, given back with the job.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub meta: Option<Box<RawValue>>,
    /// When it is to run, as RFC 3339. Not with `delay_seconds`.
    #[cfg_attr(feature = "openapi", schema(format = DateTime, max_length = 64))]
    #[serde(default, deserialize_with = "at_most::<_, _, 64>")]
    pub run_at: Option<String>,
    /// In how many seconds it is to run. Not with `run_at`.
    pub delay_seconds: Option<u64>,
}

fn no_params() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).unwrap_or_default()
}

/// What a job asks of the response cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct JobCacheOptions {
    /// How old an answer may be.
    pub ttl_seconds: Option<u32>,
    /// Whether the job always calls Flickr.
    #[serde(default)]
    pub bypass: bool,
}

/// `POST /v1/flickr/jobs/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct JobStatusRequest {
    /// The job.
    #[serde(deserialize_with = "at_most::<_, _, 100>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub job_id: String,
    /// The account it belongs to.
    #[serde(deserialize_with = "at_most::<_, _, 100>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub user_id: String,
    /// In which form the result is to be given; by default `inline`.
    pub result: Option<ResultForm>,
}

/// The query of `GET /v1/flickr/jobs/{job_id}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct JobQuery {
    /// In which form the result is to be given; by default `inline`.
    pub result: Option<ResultForm>,
}

/// The query of `GET /v1/flickr/jobs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct JobListQuery {
    /// The account whose jobs are listed.
    #[serde(deserialize_with = "at_most::<_, _, 100>")]
    #[cfg_attr(feature = "openapi", param(max_length = 100))]
    pub user_id: String,
    /// Only jobs that were accepted from this time on.
    #[cfg_attr(feature = "openapi", param(format = DateTime, max_length = 64))]
    #[serde(default, deserialize_with = "at_most::<_, _, 64>")]
    pub accepted_from: Option<String>,
    /// Only jobs that were accepted before this time.
    #[cfg_attr(feature = "openapi", param(format = DateTime, max_length = 64))]
    #[serde(default, deserialize_with = "at_most::<_, _, 64>")]
    pub accepted_until: Option<String>,
    /// Only calls of this method.
    #[serde(default, deserialize_with = "at_most::<_, _, 100>")]
    #[cfg_attr(feature = "openapi", param(max_length = 100))]
    pub method: Option<String>,
    /// Only jobs that stand there now.
    pub state: Option<JobState>,
    /// How many jobs are looked at for a page, 1 to 100; by default 50.
    pub limit: Option<u16>,
    /// The `next_cursor` of the page before; none for the first page.
    #[serde(default, deserialize_with = "at_most::<_, _, 200>")]
    #[cfg_attr(feature = "openapi", param(max_length = 200))]
    pub cursor: Option<String>,
}

/// `GET /v1/flickr/jobs`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobList {
    /// Jobs of one page, without their results, the latest first. Where a method or a state was asked for, they may be
    /// few, or none.
    pub jobs: Vec<JobView>,
    /// To be given as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// In which form a result is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ResultForm {
    /// As `result`, if it is not too long; a long one also as `result_url`.
    Inline,
    /// As `result_url` alone. A result of up to 4 KiB has no URL, and is given as `result`.
    Url,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for the time it was asked to run at.
    Scheduled,
    /// It waits for a worker, or for its turn.
    Queued,
    /// A worker runs it.
    Running,
    /// It waits to be tried again.
    Deferred,
    /// Its write was sent, and it is being found out whether it took effect.
    Verifying,
    /// Flickr did what was asked.
    Completed,
    /// It will not be tried again.
    Failed,
    /// Its deadline passed.
    Expired,
    /// It was given up, and can be replayed.
    Dead,
}

/// A job.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobView {
    /// Its id.
    pub job_id: String,
    /// In the name of which account.
    pub user_id: String,
    /// What kind of work.
    pub target: JobTarget,
    /// Flickr's method, of a call of the REST API.
    pub method: Option<String>,
    /// Where it stands.
    pub state: JobState,
    /// Of a job that waits: why, and until when.
    pub waiting: Option<WaitView>,
    /// Flickr's answer, if it is not too long to be given here.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub result: Option<Box<RawValue>>,
    /// Where Flickr's answer can be read, if it is long or that was asked for.
    pub result_url: Option<String>,
    /// Whether the result is the answer to another job's call.
    pub from_cache: bool,
    /// Of such a result: when that job asked, and so how old the result may be.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub cached_at: Option<String>,
    /// Why it ended without success: never null on an end that is not `completed`.
    pub error: Option<JobError>,
    /// How often it was tried in this run.
    pub attempts: u32,
    /// The number of the run, from 1: a replay starts another.
    pub run: u32,
    /// How important it is to its caller.
    pub priority: JobPriority,
    /// The caller's own JSON object.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub meta: Option<Box<RawValue>>,
    /// When it was accepted.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
    /// Of a job that did not start yet, or waits to go on: about when it will.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub estimated_start: Option<String>,
    /// When it was first tried in this run.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub started_at: Option<String>,
    /// When it ended.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub finished_at: Option<String>,
    /// Of a dead job: whether its write may have taken effect, so that only `force` replays it.
    pub needs_force: Option<bool>,
}

/// Why a job waits, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaitView {
    /// Why.
    pub reason: WaitingFor,
    /// Why, for people.
    pub message: String,
    /// Until about when; null where nobody can say.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub until: Option<String>,
}

/// Why a job waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    /// It was asked to run later.
    Schedule,
    /// Its message waits for a worker.
    Worker,
    /// Its app's budget had no call to spare when it was accepted: it waits for its turn.
    Turn,
    /// Its app's budget of calls is spent.
    AppBudget,
    /// Its account's budget of calls is spent.
    AccountBudget,
    /// Flickr refuses calls.
    Circuit,
    /// The grant to call ran out before the call began.
    GrantExpired,
    /// An attempt failed in a way that may pass.
    BackOff,
    /// Flickr answered that calls come too fast.
    Throttled,
    /// Flickr refuses the app's key.
    AppStopped,
    /// Another job asks the same: this one waits for its answer.
    Leader,
    /// Something FlickrHub depends on did not answer.
    Outage,
    /// Its write was sent, and it is being found out whether it took effect.
    Verification,
}

/// Why a job ended without success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobError {
    /// What to branch on.
    pub code: JobErrorCode,
    /// Why, for people.
    pub message: String,
    /// Flickr's own error code, where Flickr gave one.
    pub flickr_code: Option<i64>,
}

/// Why a job ended without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobErrorCode {
    /// Flickr refused the call and would refuse it again.
    FlickrRejected,
    /// The account's allowance at Flickr is used up.
    QuotaExceeded,
    /// Flickr refused the account's token: the user must connect again.
    ReconnectNeeded,
    /// The account was disconnected before the job ran.
    AccountDisconnected,
    /// The stored token of the account, or its app's secret, cannot be opened: no call was made.
    TokenUnreadable,
    /// Every attempt failed, and none took effect.
    AttemptsExhausted,
    /// The write was sent and may have taken effect; it was not sent again.
    OutcomeUnknown,
    /// The job's worker crashed, time and again.
    WorkerCrashed,
    /// Flickr did what was asked, and its answer is larger than can be stored.
    ResultTooLarge,
    /// The file to send is gone: its time was over, or the caller never sent it.
    FileGone,
    /// The file to send is not the one whose SHA-256 its owner gave.
    ChecksumMismatch,
    /// The file at the source URL cannot be had, or is none that Flickr takes.
    SourceRefused,
    /// The file could not be sent to Flickr in the time that one worker has.
    TooSlow,
    /// The job's deadline passed while it waited.
    DeadlineExceeded,
}

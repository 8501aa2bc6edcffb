//! Jobs: one call to Flickr each, accepted once and ended once.

mod lifecycle;
mod retry;

use serde::{Deserialize, Serialize};

pub use lifecycle::{CLOCK_SKEW, Carrier, Claim, Doing, Effect, Event, Phase, Refusal, State, step};
pub use retry::{Attempt, Next, Policy, Random, next};

use crate::{JobId, TenantId, Timestamp, TraceId, UserId, cache, call, idempotency, line::Priority, outcome::Nature};

/// The longest `meta` of a job, in bytes of JSON.
pub const MAX_META_BYTES: usize = 4 * 1024;

/// What kind of work a job is, and so which queue and worker it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// One call of Flickr's REST API.
    Rest,
}

impl Target {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Target::Rest => "rest",
        }
    }
}

/// A job: what was asked, which never changes, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its id.
    pub id: JobId,
    /// What was asked.
    pub order: Order,
    /// Whether its call may be repeated.
    pub nature: Nature,
    /// Whether it can be found out if its call took effect.
    pub checkable: bool,
    /// Whose kept answers its end makes void.
    pub raises: cache::Families,
    /// What its request must agree with when its idempotency key comes again.
    pub fingerprint: idempotency::Fingerprint,
    /// The trace of the request that made it.
    pub trace: TraceId,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: State,
}

/// What a caller asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Order {
    /// In the name of which account.
    pub user: UserId,
    /// What kind of work.
    pub target: Target,
    /// Flickr's method.
    pub method: call::MethodName,
    /// Its parameters.
    pub params: call::Params,
    /// In which lane it stands, where it has to stand in line.
    pub priority: Priority,
    /// What it says of kept answers.
    #[serde(skip_serializing_if = "cache::Terms::is_default")]
    pub cache: cache::Terms,
    /// The caller's own JSON object, given back with the job; `None` when there was none.
    pub meta: Option<String>,
}

/// The longest result that is kept in the job's own record, in bytes.
pub const MAX_INLINE_RESULT_BYTES: usize = 1024;

/// The longest result that is kept in a record beside the job's, in bytes.
pub const MAX_BESIDE_RESULT_BYTES: usize = 4 * 1024;

/// The longest result that is kept at all, in bytes; a longer answer of Flickr is not read to its
/// end.
pub const MAX_RESULT_BYTES: usize = 16 * 1024 * 1024;

/// The longest result that is answered with its job, in bytes; a longer one is answered as a URL.
pub const MAX_ANSWERED_RESULT_BYTES: usize = 4 * 1024 * 1024;

/// Where Flickr's answer to a completed job is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredResult {
    /// In the job's own record: the JSON text.
    Inline(String),
    /// In a record of its own beside the job's.
    Beside,
    /// In an object of its own, compressed.
    Object {
        /// Its length before compression.
        bytes: usize,
    },
    /// With another job of the same account, which asked the same.
    Shared {
        /// The job.
        leader: JobId,
        /// When it asked: the answer is no older.
        as_of: Timestamp,
    },
}

impl StoredResult {
    /// Whether it is the answer to a call of the job's own.
    pub const fn is_own(&self) -> bool {
        !matches!(self, StoredResult::Shared { .. })
    }

    /// Where a result goes: the least of the three places that it fits; `None` when it is over
    /// [`MAX_RESULT_BYTES`].
    pub fn place(text: &str) -> Option<Self> {
        let bytes = text.len();
        if bytes <= MAX_INLINE_RESULT_BYTES {
            Some(Self::Inline(text.to_owned()))
        } else if bytes <= MAX_BESIDE_RESULT_BYTES {
            Some(Self::Beside)
        } else {
            (bytes <= MAX_RESULT_BYTES).then_some(Self::Object { bytes })
        }
    }
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What callers branch on.
    pub code: FailureCode,
    /// For people. Free of secrets.
    pub message: String,
    /// Flickr's own error code, where Flickr gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flickr_code: Option<i64>,
}

/// What callers branch on when a job failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// Flickr refused the call and would refuse it again.
    FlickrRejected,
    /// The account's allowance at Flickr is used up.
    QuotaExceeded,
    /// Flickr refused the account's token: the user must connect again.
    ReconnectNeeded,
    /// The account was disconnected before the job ran.
    AccountDisconnected,
    /// Every attempt failed, and none took effect.
    AttemptsExhausted,
    /// The write was sent and may have taken effect; it was not sent again.
    OutcomeUnknown,
    /// The job's worker crashed, time and again.
    WorkerCrashed,
    /// Flickr did what was asked, and its answer is larger than can be kept.
    ResultTooLarge,
}

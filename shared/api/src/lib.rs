#![doc = include_str!("../README.md")]

mod accounts;
mod body_limits;
mod bounded;
mod cache;
mod codes;
mod dead_jobs;
mod envelope;
mod health;
mod jobs;
mod logins;
mod page;
mod uploads;
mod usage;

pub use accounts::{AccountList, AccountStatus, AccountView, DisconnectAnswer, Permission};
pub use body_limits::{MAX_BODY_BYTES, max_body_bytes, routes_with_body};
pub use cache::{InvalidateCacheAnswer, InvalidateCacheRequest};
pub use codes::ErrorCode;
pub use dead_jobs::{DeadJobList, DiscardAnswer, ReplayAnswer, ReplayOutcome, ReplayRequest, ReplayResult};
pub use envelope::{ErrorBody, ErrorDetail, Problem, Success};
pub use health::{HealthAnswer, ReadinessAnswer};
pub use jobs::{
    JobCacheOptions, JobError, JobErrorCode, JobList, JobListQuery, JobPriority, JobQuery, JobState, JobStatusRequest,
    JobTarget, JobView, ResultForm, SubmitJobRequest, WaitView, WaitingFor,
};
pub use logins::{CallbackQuery, CompleteLoginRequest, LoginMode, StartLoginAnswer, StartLoginRequest};
pub use page::PageQuery;
pub use uploads::{
    CreateUploadAnswer, CreateUploadRequest, MultipartView, UploadPartView, UploadPartsAnswer, UploadPartsQuery,
    UploadState, UploadView,
};
pub use usage::{
    AppUsageView, CacheUsageView, CircuitView, LimitView, MethodUsageView, PendingJobsView, StoppedAppView,
    StorageView, UsageAnswer, UsageQuery,
};

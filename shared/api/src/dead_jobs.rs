//! Dead jobs.

use serde::{Deserialize, Serialize};

use crate::JobView;

use crate::bounded::at_most;

/// `GET /v1/dlq`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeadJobList {
    /// One page of dead jobs, the longest dead first.
    pub jobs: Vec<JobView>,
    /// To be given as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// `POST /v1/dlq/replay`: the jobs of `job_ids`, or with `all` those of one page of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    /// The jobs to replay.
    #[serde(default, deserialize_with = "at_most::<_, _, 100>")]
    #[cfg_attr(feature = "openapi", schema(max_items = 100))]
    pub job_ids: Option<Vec<String>>,
    /// Whether to replay a page of the list.
    #[serde(default)]
    pub all: bool,
    /// With `all`: where the page begins.
    #[serde(default, deserialize_with = "at_most::<_, _, 200>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 200))]
    pub cursor: Option<String>,
    /// Also what may have taken effect.
    #[serde(default)]
    pub force: bool,
    /// Only say what would happen.
    #[serde(default)]
    pub dry_run: bool,
}

/// The answer to [`ReplayRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayAnswer {
    /// Whether this is only what would happen.
    pub dry_run: bool,
    /// In the order asked for; with `all` the longest dead first.
    pub results: Vec<ReplayResult>,
    /// With `all`, to be given as `cursor` to go on; null when there is no more.
    pub next_cursor: Option<String>,
}

/// What replaying one job came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplayResult {
    /// The id as it was given.
    pub job_id: String,
    /// What became of it.
    pub outcome: ReplayOutcome,
}

/// What became of a job that was to be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReplayOutcome {
    /// A new run began.
    Replayed,
    /// A new run would begin.
    WouldReplay,
    /// No such job.
    NotFound,
    /// The job is not dead.
    NotDead,
    /// Its write may have taken effect: only `force` replays it.
    NeedsForce,
    /// So many jobs of its account are pending, or wait for their app's budget, that no other may.
    TooManyPending,
}

/// `DELETE /v1/dlq/{job_id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiscardAnswer {
    /// The job that was taken off the list.
    pub job_id: String,
    /// Always true.
    pub discarded: bool,
}

//! Usage.

use serde::{Deserialize, Serialize};

use crate::bounded::at_most;

/// `GET /v1/usage`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct UsageQuery {
    /// The account whose pending jobs are counted.
    #[serde(default, deserialize_with = "at_most::<_, _, 100>")]
    #[cfg_attr(feature = "openapi", param(max_length = 100))]
    pub user_id: Option<String>,
    /// The `next_cursor` of the page before; none for the first page.
    #[serde(default, deserialize_with = "at_most::<_, _, 200>")]
    #[cfg_attr(feature = "openapi", param(max_length = 200))]
    pub cursor: Option<String>,
}

/// The answer to [`UsageQuery`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsageAnswer {
    /// One page of Flickr apps, by their ids.
    pub apps: Vec<AppUsageView>,
    /// To be given as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
    /// The pending jobs of the account that was asked for.
    pub pending: Option<PendingJobsView>,
    /// The cache statistics; null on all pages but the first.
    pub cache: Option<CacheUsageView>,
    /// The files that are stored; null on all pages but the first.
    pub storage: Option<StorageView>,
}

/// The budget of a Flickr app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AppUsageView {
    /// The app.
    pub app_id: String,
    /// How many calls may be made.
    pub limit: LimitView,
    /// Calls an hour, as learned from Flickr's refusals.
    pub learned_calls_per_hour: u32,
    /// Calls that could be made at once.
    pub remaining_calls: u32,
    /// When all of the burst is there again.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub full_at: String,
    /// About how many jobs wait in the app's fair queue.
    pub waiting_jobs: u64,
    /// Whether calls go through.
    pub circuit: CircuitView,
    /// Until when the circuit is open, or the app is stopped: then one call finds out whether Flickr takes calls again.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub open_until: Option<String>,
    /// Whether Flickr refuses the app.
    pub stopped: Option<StoppedAppView>,
}

/// Flickr refuses an app: its jobs wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoppedAppView {
    /// When the app was stopped.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub since: String,
    /// What Flickr said.
    pub message: String,
}

/// Whether calls go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CircuitView {
    /// They do.
    Closed,
    /// Flickr refused too often, or refuses the app.
    Open,
}

/// How many calls may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LimitView {
    /// Calls an hour, in the long run.
    pub calls_per_hour: u32,
    /// Calls at once, after a rest.
    pub burst_calls: u32,
}

/// How many jobs of an account are pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PendingJobsView {
    /// The account.
    pub user_id: String,
    /// How many could run today.
    pub jobs: u32,
    /// How many are scheduled for a later day of UTC.
    pub scheduled_jobs: u32,
}

/// The files of uploads that a tenant has stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StorageView {
    /// How many bytes are counted.
    pub stored_bytes: u64,
    /// How many may be.
    pub max_stored_bytes: u64,
}

/// A tenant's cache statistics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CacheUsageView {
    /// The first day that is counted, of UTC; today is the last.
    pub from: String,
    /// Calls to Flickr that were saved.
    pub calls_saved: u64,
    /// The share of lookups that saved a call, from 0 to 1; null when there was none.
    pub hit_rate: Option<f64>,
    /// By method.
    pub methods: Vec<MethodUsageView>,
}

/// The cache statistics of a method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MethodUsageView {
    /// The method.
    pub method: String,
    /// Jobs answered from the cache.
    pub hits: u64,
    /// Jobs answered by the call of another job that they waited for.
    pub shared: u64,
    /// Jobs that called Flickr.
    pub misses: u64,
    /// Jobs that called Flickr, as they had asked for.
    pub bypassed: u64,
    /// Jobs that called Flickr because the cache did not answer.
    pub unavailable: u64,
    /// Calls to Flickr that were saved.
    pub calls_saved: u64,
    /// The share of lookups that saved a call, from 0 to 1; null when there was none.
    pub hit_rate: Option<f64>,
}

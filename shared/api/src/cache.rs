//! The response cache.

use serde::{Deserialize, Serialize};

/// `POST /v1/cache/invalidate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InvalidateCacheRequest {
    /// Whose cached answers are invalidated.
    pub user_id: String,
    /// A method, or the beginning of some and `*`; all when it is left out.
    pub method: Option<String>,
}

/// The answer to [`InvalidateCacheRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvalidateCacheAnswer {
    /// Whose cached answers were invalidated.
    pub user_id: String,
    /// The tags of the answers that were invalidated: all methods with these tags.
    pub tags: Vec<String>,
}

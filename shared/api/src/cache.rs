//! The response cache.

use serde::{Deserialize, Serialize};

use crate::bounded::at_most;

/// `POST /v1/cache/invalidate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct InvalidateCacheRequest {
    /// Whose cached answers are invalidated.
    #[serde(deserialize_with = "at_most::<_, _, 100>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub user_id: String,
    /// A method, or the beginning of some and `*`; all when it is left out.
    #[serde(default, deserialize_with = "at_most::<_, _, 100>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
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

//! Whether FlickrHub is well.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `GET /v1/health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HealthAnswer {
    /// Always `ok`.
    pub status: String,
}

/// `GET /v1/health/ready`, where all is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReadinessAnswer {
    /// Always `ok`.
    pub status: String,
    /// Each dependency by name, each `ok`.
    pub dependencies: BTreeMap<String, String>,
}

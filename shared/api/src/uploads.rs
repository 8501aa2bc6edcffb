//! Files on their way to Flickr.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `POST /v1/uploads`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateUploadRequest {
    /// For which account.
    pub user_id: String,
    /// The file's name. Without a title, the photo is named after it.
    pub file_name: String,
    /// What it is: `image/*` or `video/*`.
    pub content_type: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal digits. Where it is not given, the file is read once more.
    pub sha256: Option<String>,
}

/// An upload that was made, and the one request that stores its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateUploadAnswer {
    /// Its id, for a job.
    pub upload_id: String,
    /// Where to send the file, with `PUT`.
    pub url: String,
    /// The headers that the request must have.
    pub headers: BTreeMap<String, String>,
    /// Until when that request is taken.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub expires_at: String,
}

/// `GET /v1/uploads/{upload_id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadView {
    /// Its id.
    pub upload_id: String,
    /// For which account.
    pub user_id: String,
    /// The file's name.
    pub file_name: String,
    /// What it is.
    pub content_type: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// The SHA-256 of its bytes, where it is known.
    pub sha256: Option<String>,
    /// Whether the file has arrived.
    pub state: UploadState,
    /// When it was asked for.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
    /// Until when it is kept, unless a job sends it to Flickr before.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub expires_at: String,
}

/// Whether a file has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Not yet.
    Pending,
    /// It has.
    Arrived,
}

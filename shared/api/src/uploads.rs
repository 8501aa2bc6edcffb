//! Files on their way to Flickr.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bounded::at_most;

/// `POST /v1/uploads`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateUploadRequest {
    /// For which account.
    #[serde(deserialize_with = "at_most::<_, _, 100>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub user_id: String,
    /// The file's name. Without a title, the photo is named after it.
    #[serde(deserialize_with = "at_most::<_, _, 255>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 255))]
    pub file_name: String,
    /// What it is: `image/*` or `video/*`.
    #[serde(deserialize_with = "at_most::<_, _, 255>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 255))]
    pub content_type: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal digits. Where it is not given, the file is read once more.
    #[serde(default, deserialize_with = "at_most::<_, _, 64>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 64))]
    pub sha256: Option<String>,
    /// Whether the file comes in parts, so that a client that stopped can go on with those that have not arrived.
    #[serde(default)]
    pub multipart: bool,
}

/// An upload that was made, and the one request that stores its file, or in which parts the file comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateUploadAnswer {
    /// Its id, for a job.
    pub upload_id: String,
    /// Where to send the file, with `PUT`; null of a file that comes in parts.
    pub url: Option<String>,
    /// The headers that the request must have; null of a file that comes in parts.
    pub headers: Option<BTreeMap<String, String>>,
    /// Until when that request is taken; null of a file that comes in parts.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub expires_at: Option<String>,
    /// The parts in which the file comes, where it does.
    pub multipart: Option<MultipartView>,
}

/// The parts in which a file comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MultipartView {
    /// How many bytes each part has, but the last, which has the rest.
    pub part_bytes: u64,
    /// How many parts there are; their numbers begin with 1.
    pub parts: u32,
}

/// `GET /v1/uploads/{upload_id}/parts`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct UploadPartsQuery {
    /// The number of the first part; 1 by default.
    pub from: Option<u32>,
    /// How many parts; 100, the most, by default.
    pub limit: Option<u32>,
}

/// The answer to [`UploadPartsQuery`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadPartsAnswer {
    /// The parts, by number.
    pub parts: Vec<UploadPartView>,
    /// To be given as `from` for the parts after these; null with the last.
    pub next_from: Option<u32>,
    /// Until when the requests are taken; they can be asked for again.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub expires_at: String,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadPartView {
    /// From 1 on.
    pub part_number: u32,
    /// How many bytes of the file come before it.
    pub offset: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// Whether it has arrived.
    pub state: UploadState,
    /// Where to send it, with `PUT`; null once it has arrived.
    pub url: Option<String>,
    /// The headers that the request must have; null once it has arrived.
    pub headers: Option<BTreeMap<String, String>>,
}

/// `GET /v1/uploads/{upload_id}`, and the answer to `POST /v1/uploads/{upload_id}/complete`.
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
    /// The SHA-256 of its bytes, where it is known or was given.
    pub sha256: Option<String>,
    /// Whether the file has arrived: in parts, whether they were put together.
    pub state: UploadState,
    /// The parts in which the file comes, where it does.
    pub multipart: Option<MultipartView>,
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

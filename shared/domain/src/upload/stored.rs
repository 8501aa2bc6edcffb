//! A file in our own keeping.

use serde::{Deserialize, Serialize};

use super::{MediaFile, Sha256};
use crate::{AccountRef, Timestamp, UploadId};

/// A file that a tenant uploads for an account, and that a job is to send to Flickr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    pub id: UploadId,
    /// For whom.
    pub account: AccountRef,
    /// What it is, as its owner describes it.
    pub file: MediaFile,
    /// The SHA-256 of its bytes, where it is known.
    pub sha256: Option<Sha256>,
    pub created_at: Timestamp,
}

/// Where a job's file comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileSource {
    /// Its owner handed it over.
    Upload(UploadId),
    /// FlickrHub fetches it from this URL, before it is first sent.
    Url(String),
}

/// What is stored of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    pub bytes: u64,
    /// Tells these bytes from any others stored under the same name.
    pub etag: String,
}

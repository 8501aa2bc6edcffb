//! A file in our own keeping.

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

/// What is stored of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    pub bytes: u64,
    /// Tells these bytes from any others stored under the same name.
    pub etag: String,
}

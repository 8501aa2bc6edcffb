//! A file in our own keeping.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{MediaFile, Sha256, parts::MultipartId};
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
    /// How it is stored in parts, where it is.
    pub multipart: Option<Multipart>,
    /// The bytes that its jobs send, by what S3 calls them ([`StoredFile::etag`]): those that a job was accepted with, or
    /// that FlickrHub fetched. Others are not sent.
    pub pinned_etag: Option<String>,
    pub created_at: Timestamp,
}

/// How a file is stored in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multipart {
    pub id: MultipartId,
    /// The SHA-256 that its owner says it has. S3 compares none with a file that comes in parts.
    pub declared_sha256: Option<Sha256>,
}

impl Upload {
    /// The SHA-256 that its owner says it has, and that its bytes were not yet compared with.
    pub fn unverified_sha256(&self) -> Option<&Sha256> {
        let multipart = self.multipart.as_ref().filter(|_| self.sha256.is_none());
        multipart.and_then(|multipart| multipart.declared_sha256.as_ref())
    }
}

/// Where a job's file comes from.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileSource {
    /// Its owner handed it over.
    Upload(UploadId),
    /// FlickrHub fetches it from this URL, before it is first sent.
    Url(String),
}

/// Without the URL: whoever has it may be allowed to read the file.
impl fmt::Debug for FileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileSource::Upload(id) => f.debug_tuple("Upload").field(id).finish(),
            FileSource::Url(_) => f.write_str("Url(..)"),
        }
    }
}

/// What is stored of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    pub bytes: u64,
    /// Tells these bytes from any others stored under the same name.
    pub etag: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_may_hold_a_signature_is_not_printed() {
        let source = FileSource::Url("https://a.example/b.jpg?signature=canary".to_owned());
        assert_eq!(format!("{source:?}"), "Url(..)");
        assert!(serde_json::to_string(&source).unwrap().contains("canary"), "it is stored whole");
    }
}

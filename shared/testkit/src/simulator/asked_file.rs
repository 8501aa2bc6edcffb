//! The files that callers ask to send: few different ones, so that the same bytes meet.

use bytes::Bytes;
use domain::{
    UploadId,
    job::{FileCall, Target, Work},
    upload::{FileSource, UploadFields},
};
use serde_json::json;

use crate::random::Random;

/// How many different files an account has.
pub(crate) const FILES: u64 = 4;

/// How many photos an account has whose files are replaced.
pub(crate) const REPLACED: u64 = 2;

/// A file that a caller asks to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedFile {
    /// What for.
    pub purpose: FilePurpose,
    /// Which of the account's files it is, from 0.
    pub content: u64,
    /// Whether the caller says which SHA-256 it has.
    pub sha256_is_given: bool,
}

/// What a file is sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilePurpose {
    /// A new photo, with the caller's word on duplicates.
    Upload { dedup_check: Option<&'static str>, is_async: bool },
    /// A new file of the account's photo with this number, from 0.
    Replace { photo: u64 },
}

impl AskedFile {
    /// Six in ten are uploads with deduplication, some of which bring deleted photos back.
    pub(crate) fn draw(random: &mut Random, number: u32) -> Self {
        let (kind, given) = (random.below(20), random.per_mille(500));
        let purpose = match kind {
            0..3 => FilePurpose::Replace { photo: kind % REPLACED },
            3..5 => FilePurpose::Upload { dedup_check: Some("0"), is_async: false },
            5..8 => FilePurpose::Upload { dedup_check: Some("0"), is_async: true },
            8..12 => FilePurpose::Upload { dedup_check: Some("2"), is_async: false },
            12..14 => FilePurpose::Upload { dedup_check: Some("1"), is_async: false },
            _ => FilePurpose::Upload { dedup_check: None, is_async: false },
        };
        let content = match purpose {
            FilePurpose::Upload { .. } => random.below(FILES),
            FilePurpose::Replace { .. } => FILES + u64::from(number),
        };
        Self { purpose, content, sha256_is_given: given }
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> Bytes {
        bytes_of(self.content)
    }

    /// The upload that the ask with this number names.
    pub(crate) fn upload_id(number: u32) -> UploadId {
        UploadId::from_bytes((u128::from(number) + 1).to_be_bytes())
    }

    /// What the job is to do, which Flickr is to know by `marker`.
    pub(crate) fn work(&self, number: u32, marker: &str) -> Option<Work> {
        let (target, params) = match self.purpose {
            FilePurpose::Upload { dedup_check: None, .. } => (Target::Upload, json!({"title": marker})),
            FilePurpose::Upload { dedup_check, is_async } => {
                (Target::Upload, json!({"title": marker, "dedup_check": dedup_check, "async": is_async}))
            }
            FilePurpose::Replace { .. } => (Target::Replace, json!({"photo_id": marker})),
        };
        let fields = UploadFields::from_json(&params.to_string(), target).ok()?;
        let call = FileCall { source: FileSource::Upload(Self::upload_id(number)), fields };
        Some(if target == Target::Replace { Work::Replace(call) } else { Work::Upload(call) })
    }
}

/// The account's photo with this number, whose files are replaced.
pub(crate) fn replaced_photo(account: usize, photo: u64) -> String {
    format!("7{account:03}{photo:03}")
}

/// The bytes of a file. They come in several chunks.
pub(crate) fn bytes_of(content: u64) -> Bytes {
    Bytes::from(format!("the photo with the number {content}"))
}

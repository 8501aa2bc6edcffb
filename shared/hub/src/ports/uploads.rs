//! Files on their way to Flickr.

use std::{collections::BTreeMap, fmt};

use domain::{
    AccountRef, TenantId, UploadId,
    upload::{LockHolder, MultipartId, Part, Sha256, StoredFile, StoredPart, Upload, UploadLock},
};

use super::{ByteStream, Result};

/// The one request that stores the file of an upload, or a part of it.
#[derive(Clone, PartialEq, Eq)]
pub struct UploadUrl {
    /// Where to `PUT` it, for [`domain::timing::UPLOAD_URL_LIFETIME`].
    pub url: String,
    /// The headers that it must have, name and value.
    pub headers: Vec<(String, String)>,
}

/// Without its values: whoever has them can store the file.
impl fmt::Debug for UploadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UploadUrl { .. }")
    }
}

/// Files on their way to Flickr. A file is stored once and never changes.
pub trait Uploads: Send + Sync {
    /// Stores what is known of a new upload, for [`domain::timing::UPLOAD_RETENTION`].
    fn create_upload(&self, upload: &Upload) -> impl Future<Output = Result<()>> + Send;

    /// The upload, if the tenant has it and its time is not over.
    fn upload(&self, tenant: &TenantId, id: &UploadId) -> impl Future<Output = Result<Option<Upload>>> + Send;

    /// The one request that stores its file: of the right length and type, with the right checksum where one is known,
    /// and only where none is stored. It asks nothing of the store.
    fn upload_url(&self, upload: &Upload) -> impl Future<Output = Result<UploadUrl>> + Send;

    /// Begins to store its file in parts, of which nothing is seen until they are put together.
    fn begin_multipart(&self, upload: &Upload) -> impl Future<Output = Result<MultipartId>> + Send;

    /// The request that stores a part, of the right length, in place of what was stored of it. It asks nothing of the
    /// store.
    fn part_url(
        &self,
        upload: &Upload,
        multipart: &MultipartId,
        part: Part,
    ) -> impl Future<Output = Result<UploadUrl>> + Send;

    /// The parts that have arrived, by number; `None` once they are put together, or removed.
    fn stored_parts(
        &self,
        upload: &Upload,
        multipart: &MultipartId,
    ) -> impl Future<Output = Result<Option<BTreeMap<u32, StoredPart>>>> + Send;

    /// Has these parts be the file, where none is stored; what they became. `None` where they were put together before,
    /// or are removed.
    fn complete_multipart(
        &self,
        upload: &Upload,
        multipart: &MultipartId,
        parts: &BTreeMap<u32, StoredPart>,
    ) -> impl Future<Output = Result<Option<StoredFile>>> + Send;

    /// Stores the bytes of the file of `id`, whose length nobody has promised, replacing what was there. What does not come
    /// whole is not stored. What S3 calls the bytes, as in [`StoredFile::etag`].
    fn store_file(
        &self,
        tenant: &TenantId,
        id: &UploadId,
        body: ByteStream,
    ) -> impl Future<Output = Result<String>> + Send;

    /// What is stored of it; `None` while the file has not arrived, and once it is removed.
    fn stored_file(&self, upload: &Upload) -> impl Future<Output = Result<Option<StoredFile>>> + Send;

    /// Notes which bytes its jobs send: those that are now stored.
    fn pin_file(&self, upload: &Upload, etag: &str) -> impl Future<Output = Result<()>> + Send;

    /// The bytes of its file, from the first; `None` where it is not stored, or others are than those that are pinned.
    fn read_file(&self, upload: &Upload) -> impl Future<Output = Result<Option<ByteStream>>> + Send;

    /// Notes the SHA-256 of its file.
    fn set_sha256(&self, upload: &Upload, sha256: &Sha256) -> impl Future<Output = Result<()>> + Send;

    /// Removes an upload's file, the parts of it, and what is known of it, if there is any. What was known, told to one
    /// who removes it alone.
    fn remove_upload(&self, tenant: &TenantId, id: &UploadId) -> impl Future<Output = Result<Option<Upload>>> + Send;

    /// Notes a photo that Flickr has just made for the account, for [`domain::timing::NEW_PHOTO_LAG`].
    fn note_photo(&self, account: &AccountRef, photo_id: &str) -> impl Future<Output = Result<()>> + Send;

    /// Whether one of these photos is noted. At most 20.
    fn is_noted_photo(&self, account: &AccountRef, photo_ids: &[&str]) -> impl Future<Output = Result<bool>> + Send;

    /// Has `holder` hold the lock of the account: where nobody does, a run of its own job does already, or `in_place_of`
    /// does. Else who does.
    fn acquire_upload_lock(
        &self,
        account: &AccountRef,
        lock: &UploadLock,
        holder: &LockHolder,
        in_place_of: Option<&LockHolder>,
    ) -> impl Future<Output = Result<Option<LockHolder>>> + Send;
}

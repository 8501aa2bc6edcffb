//! Files on their way to Flickr.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hasher},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use domain::{
    AccountRef, TenantId, Timestamp, UploadId,
    timing::{NEW_PHOTO_LAG, UPLOAD_RETENTION},
    upload::{LockHolder, MultipartId, Part, Sha256, StoredFile, StoredPart, Upload, UploadLock},
};
use futures_util::{StreamExt, stream};
use hub::ports::{ByteStream, Result, UploadUrl, Uploads};

use super::{
    keys::{Item, Partition},
    world::World,
};
use crate::{call::Call, mutation::Mutation};

/// The most bytes that come at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// In how many chunks a small file comes, if it has so many bytes.
const CHUNKS: usize = 8;

type Name = (TenantId, UploadId);

#[derive(Default)]
struct StoredUploads {
    uploads: BTreeMap<Name, Upload>,
    files: BTreeMap<Name, Bytes>,
    holders: BTreeMap<(AccountRef, UploadLock), LockHolder>,
    multiparts: BTreeMap<Name, BTreeMap<u32, Bytes>>,
    photos: BTreeMap<(AccountRef, String), Timestamp>,
}

impl StoredUploads {
    fn upload(&self, name: &Name, now: Timestamp) -> Option<Upload> {
        let upload = self.uploads.get(name)?;
        let expires_at = upload.created_at + UPLOAD_RETENTION;
        (expires_at.as_seconds() > now.as_seconds()).then(|| upload.clone())
    }

    /// Has the parts be the file, where none is stored.
    fn complete(&mut self, name: &Name, parts: &BTreeMap<u32, StoredPart>) -> Option<StoredFile> {
        if self.files.contains_key(name) {
            return None;
        }
        let stored = self.multiparts.remove(name)?;
        let parts: Vec<&[u8]> = parts.keys().filter_map(|number| stored.get(number)).map(|part| &part[..]).collect();
        self.files.insert(name.clone(), parts.concat().into());
        self.files.get(name).map(describe)
    }

    /// Has `holder` hold the lock, or says who does.
    fn acquire(
        &mut self,
        lock: (AccountRef, UploadLock),
        holder: &LockHolder,
        in_place_of: Option<&LockHolder>,
    ) -> Option<LockHolder> {
        let found = self.holders.entry(lock).or_insert_with(|| holder.clone());
        if found.job == holder.job || Some(&*found) == in_place_of {
            holder.clone_into(found);
            return None;
        }
        Some(found.clone())
    }
}

fn name(upload: &Upload) -> Name {
    (upload.account.tenant.clone(), upload.id.clone())
}

fn describe(file: &Bytes) -> StoredFile {
    let mut hasher = DefaultHasher::new();
    hasher.write(file);
    StoredFile { bytes: file.len() as u64, etag: format!("\"{:x}\"", hasher.finish()) }
}

/// What is stored of a part. Its first bytes stand for all of them.
fn describe_part(part: &Bytes) -> StoredPart {
    StoredPart { bytes: part.len() as u64, etag: format!("{:x?}", part.slice(..part.len().min(8))) }
}

/// The item of an upload.
fn item((tenant, id): &Name) -> Item {
    Partition::Upload(tenant.clone(), id.clone()).item("UPLOAD")
}

impl World {
    /// Stores the file of an upload, as its owner does, and what is known of the upload where it is not stored yet.
    pub fn store_file(&self, upload: &Upload, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        self.stores(|stores, _| {
            let stored = stores.part::<StoredUploads>();
            stored.uploads.entry(name(upload)).or_insert_with(|| upload.clone());
            stored.files.insert(name(upload), bytes);
        });
    }

    /// Stores a part of the file of an upload, as its owner does.
    ///
    /// # Errors
    /// When nothing more is taken of the file in parts.
    pub fn store_part(
        &self,
        upload: &Upload,
        part: Part,
        bytes: impl Into<Bytes>,
    ) -> std::result::Result<(), &'static str> {
        let bytes = bytes.into();
        self.stores(|stores, _| {
            let parts = stores.part::<StoredUploads>().multiparts.get_mut(&name(upload));
            parts.ok_or("no such multipart upload").map(|parts| parts.insert(part.number, bytes)).map(|_| ())
        })
    }

    /// How many files are stored.
    pub fn stored_files(&self) -> usize {
        self.stores(|stores, _| stores.part::<StoredUploads>().files.len())
    }
}

impl Uploads for World {
    async fn create_upload(&self, upload: &Upload) -> Result<()> {
        self.write(Call::CreateUpload, item(&name(upload)), |stores, _| {
            stores.part::<StoredUploads>().uploads.insert(name(upload), upload.clone());
        })
        .await
    }

    async fn upload(&self, tenant: &TenantId, id: &UploadId) -> Result<Option<Upload>> {
        let name = (tenant.clone(), id.clone());
        let partition = Partition::Upload(name.0.clone(), name.1.clone());
        self.read(Call::Upload, [partition], |stores, now| stores.part::<StoredUploads>().upload(&name, now)).await
    }

    async fn upload_url(&self, upload: &Upload) -> Result<UploadUrl> {
        let (tenant, id) = name(upload);
        let mut headers = vec![
            ("content-length".to_owned(), upload.file.bytes().to_string()),
            ("content-type".to_owned(), upload.file.media_type().as_str().to_owned()),
            ("if-none-match".to_owned(), "*".to_owned()),
        ];
        let checksum = upload.sha256.as_ref().map(|sha256| BASE64_STANDARD.encode(sha256.to_bytes()));
        headers.extend(checksum.map(|checksum| ("x-amz-checksum-sha256".to_owned(), checksum)));
        let url = UploadUrl { url: format!("https://objects.example/{tenant}/{id}"), headers };
        self.call(Call::UploadUrl, |_, _| url).await
    }

    async fn begin_multipart(&self, upload: &Upload) -> Result<MultipartId> {
        self.call(Call::BeginMultipart, |stores, _| {
            stores.part::<StoredUploads>().multiparts.entry(name(upload)).or_default();
            MultipartId::new(format!("multipart of {}", upload.id))
        })
        .await
    }

    async fn part_url(&self, upload: &Upload, multipart: &MultipartId, part: Part) -> Result<UploadUrl> {
        let (tenant, id) = name(upload);
        let url = format!("https://objects.example/{tenant}/{id}?part={}&of={}", part.number, multipart.as_str());
        let headers = vec![("content-length".to_owned(), part.bytes.to_string())];
        self.call(Call::PartUrl, |_, _| UploadUrl { url, headers }).await
    }

    async fn stored_parts(&self, upload: &Upload, _: &MultipartId) -> Result<Option<BTreeMap<u32, StoredPart>>> {
        self.call(Call::StoredParts, |stores, _| {
            let parts = stores.part::<StoredUploads>().multiparts.get(&name(upload))?;
            Some(parts.iter().map(|(number, part)| (*number, describe_part(part))).collect())
        })
        .await
    }

    async fn complete_multipart(
        &self,
        upload: &Upload,
        _: &MultipartId,
        parts: &BTreeMap<u32, StoredPart>,
    ) -> Result<Option<StoredFile>> {
        self.call(Call::CompleteMultipart, |stores, _| stores.part::<StoredUploads>().complete(&name(upload), parts))
            .await
    }

    async fn store_file(&self, tenant: &TenantId, id: &UploadId, mut body: ByteStream) -> Result<String> {
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk?);
        }
        let name = (tenant.clone(), id.clone());
        let file = Bytes::from(bytes);
        self.call(Call::StoreFile, |stores, _| {
            let etag = describe(&file).etag;
            stores.part::<StoredUploads>().files.insert(name, file);
            etag
        })
        .await
    }

    async fn stored_file(&self, upload: &Upload) -> Result<Option<StoredFile>> {
        self.call(Call::StoredFile, |stores, _| stores.part::<StoredUploads>().files.get(&name(upload)).map(describe))
            .await
    }

    async fn read_file(&self, upload: &Upload) -> Result<Option<ByteStream>> {
        let is_pinned = |file: &Bytes| upload.pinned_etag.as_ref().is_none_or(|pinned| *pinned == describe(file).etag);
        let file = self.call(Call::ReadFile, |stores, _| {
            stores.part::<StoredUploads>().files.get(&name(upload)).filter(|file| is_pinned(file)).cloned()
        });
        let file = file.await?;
        let chunks = |file: Bytes| {
            let length = file.len().div_ceil(CHUNKS).clamp(1, CHUNK_BYTES);
            let starts = (0..file.len()).step_by(length);
            let chunks: Vec<_> = starts.map(|start| Ok(file.slice(start..file.len().min(start + length)))).collect();
            Box::pin(stream::iter(chunks)) as ByteStream
        };
        Ok(file.map(chunks))
    }

    async fn pin_file(&self, upload: &Upload, etag: &str) -> Result<()> {
        self.write(Call::PinFile, item(&name(upload)), |stores, _| {
            if let Some(upload) = stores.part::<StoredUploads>().uploads.get_mut(&name(upload)) {
                upload.pinned_etag = Some(etag.to_owned());
            }
        })
        .await
    }

    async fn set_sha256(&self, upload: &Upload, sha256: &Sha256) -> Result<()> {
        self.write(Call::SetSha256, item(&name(upload)), |stores, _| {
            if let Some(upload) = stores.part::<StoredUploads>().uploads.get_mut(&name(upload)) {
                upload.sha256 = Some(sha256.clone());
            }
        })
        .await
    }

    async fn remove_upload(&self, tenant: &TenantId, id: &UploadId) -> Result<Option<Upload>> {
        let name = (tenant.clone(), id.clone());
        self.write(Call::RemoveUpload, item(&name), |stores, _| {
            let stored = stores.part::<StoredUploads>();
            stored.files.remove(&name);
            stored.multiparts.remove(&name);
            stored.uploads.remove(&name)
        })
        .await
    }

    async fn note_photo(&self, account: &AccountRef, photo_id: &str) -> Result<()> {
        let photo = (account.clone(), photo_id.to_owned());
        let item = Partition::Account(account.clone()).item(format!("PHOTO#{photo_id}"));
        self.write(Call::NotePhoto, item, |stores, now| {
            stores.part::<StoredUploads>().photos.insert(photo, now + NEW_PHOTO_LAG);
        })
        .await
    }

    async fn is_noted_photo(&self, account: &AccountRef, photo_ids: &[&str]) -> Result<bool> {
        self.read(Call::IsNotedPhoto, [Partition::Account(account.clone())], |stores, now| {
            let photos = &stores.part::<StoredUploads>().photos;
            let is_noted = |id: &&str| {
                let noted = photos.get(&(account.clone(), (*id).to_owned()));
                noted.is_some_and(|expires_at| expires_at.as_seconds() > now.as_seconds())
            };
            photo_ids.iter().any(is_noted)
        })
        .await
    }

    async fn acquire_upload_lock(
        &self,
        account: &AccountRef,
        lock: &UploadLock,
        holder: &LockHolder,
        in_place_of: Option<&LockHolder>,
    ) -> Result<Option<LockHolder>> {
        let (sort, ignored) = match lock {
            UploadLock::Bytes(sha256) => (format!("BYTES#{sha256}"), Mutation::SameBytesAtOnce),
            UploadLock::Photo(id) => (format!("REPLACE#{id}"), Mutation::SamePhotoAtOnce),
        };
        let item = Partition::Account(account.clone()).item(sort);
        self.write(Call::AcquireUploadLock, item, |stores, _| {
            let other = stores.part::<StoredUploads>().acquire((account.clone(), lock.clone()), holder, in_place_of);
            other.filter(|_| !stores.breaks(ignored))
        })
        .await
    }
}

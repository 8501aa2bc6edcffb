//! Files on their way to Flickr: what is known of each in the jobs table, its bytes in an object of the uploads bucket.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `tenant#upload` | `UPLOAD` | whose it is, what it is, when it was made |
//! | `tenant#user` | `BYTES#sha256` | the run of a job that sends these bytes to the account |
//! | `tenant#user` | `REPLACE#id` | the run of a job that replaces the file of this photo |
//! | `tenant#user` | `PHOTO#id` | a photo that Flickr has just made for the account |
//!
//! All expire. An upload's item is gone before its object can be, which the bucket's lifecycle rule deletes where
//! nobody did: a file without its item is not found.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use domain::{
    AccountRef, TenantId, UploadId,
    timing::{NEW_PHOTO_LAG, UPLOAD_RETENTION},
    upload::{LockHolder, MediaFile, Multipart, MultipartId, Part, Sha256, StoredFile, StoredPart, Upload, UploadLock},
};
use futures_util::future::try_join_all;
use hub::ports::{self, ByteStream, UploadUrl, Uploads};

use crate::{
    Cloud,
    item::{
        self, Attributes, EXPIRES_AT, PARTITION, Reader, expiry, live, named, number, text, time, unreadable, whole,
    },
    machine::now,
    table::{Written, written, written_if},
};

/// The attributes of an upload that are named twice.
const USER: &str = "user";
const FILE_NAME: &str = "file_name";
const CONTENT_TYPE: &str = "content_type";
const BYTES: &str = "bytes";
const SHA256: &str = "sha256";
const MULTIPART: &str = "multipart";
const DECLARED_SHA256: &str = "declared_sha256";
const CREATED_AT: &str = "created_at";
const PINNED_ETAG: &str = "pinned_etag";

/// The job that holds a lock, and the number of its run.
const HOLDER: &str = "holder";
const HOLDER_RUN: &str = "holder_run";

/// The run of a holder that the version before stored, which named no run.
const FIRST_RUN: u32 = 1;

/// The key of the item of an upload.
fn key(tenant: &TenantId, id: &UploadId) -> Attributes {
    item::key(format!("{tenant}#{id}"), "UPLOAD")
}

/// The key of the item that says who holds a lock of the account.
fn lock_key(account: &AccountRef, lock: &UploadLock) -> Attributes {
    let sort = match lock {
        UploadLock::Bytes(sha256) => format!("BYTES#{sha256}"),
        UploadLock::Photo(id) => format!("REPLACE#{id}"),
    };
    item::key(account.to_string(), sort)
}

/// The key of the item that notes a photo of the account.
fn photo_key(account: &AccountRef, photo_id: &str) -> Attributes {
    item::key(account.to_string(), format!("PHOTO#{photo_id}"))
}

fn record(upload: &Upload) -> Attributes {
    let Upload { id, account, file, sha256, multipart, pinned_etag, created_at } = upload;
    let mut record = key(&account.tenant, id);
    record.extend(named([
        (USER, text(account.user.as_str())),
        (FILE_NAME, text(file.name())),
        (CONTENT_TYPE, text(file.media_type().as_str())),
        (BYTES, whole(file.bytes())),
        (CREATED_AT, time(*created_at)),
        (EXPIRES_AT, expiry(*created_at + UPLOAD_RETENTION)),
    ]));
    record.extend(named(sha256.as_ref().map(|sha256| (SHA256, text(sha256.as_str())))));
    record.extend(named(pinned_etag.as_ref().map(|etag| (PINNED_ETAG, text(etag)))));
    if let Some(Multipart { id, declared_sha256 }) = multipart {
        record.extend(named([(MULTIPART, text(id.as_str()))]));
        record.extend(named(declared_sha256.as_ref().map(|sha256| (DECLARED_SHA256, text(sha256.as_str())))));
    }
    record
}

fn read(item: &Attributes, tenant: &TenantId, id: &UploadId) -> ports::Result<Upload> {
    let reader = Reader(item);
    let file = MediaFile::new(reader.text(FILE_NAME)?, reader.parsed(CONTENT_TYPE)?, reader.whole(BYTES)?);
    let multipart = match reader.optional_text(MULTIPART) {
        Some(id) => {
            let declared_sha256 = reader.optional_parsed(DECLARED_SHA256)?;
            Some(Multipart { id: MultipartId::new(id), declared_sha256 })
        }
        None => None,
    };
    Ok(Upload {
        id: id.clone(),
        account: AccountRef { tenant: tenant.clone(), user: reader.parsed(USER)? },
        file: file.map_err(|_| unreadable(FILE_NAME))?,
        sha256: reader.optional_parsed(SHA256)?,
        multipart,
        pinned_etag: reader.optional_text(PINNED_ETAG).map(str::to_owned),
        created_at: reader.time(CREATED_AT)?,
    })
}

impl Cloud {
    /// Has `attribute` of an upload's item be `value`. Where the upload is gone, there is nothing to note.
    async fn note(&self, upload: &Upload, attribute: &str, value: &str, what: &'static str) -> ports::Result<()> {
        let update = self
            .jobs
            .update(key(&upload.account.tenant, &upload.id))
            .condition_expression(format!("attribute_exists({PARTITION})"))
            .update_expression(format!("SET {attribute} = :value"))
            .expression_attribute_values(":value", text(value));
        written_if(update.send().await, what).map(|_| ())
    }
}

impl Uploads for Cloud {
    async fn create_upload(&self, upload: &Upload) -> ports::Result<()> {
        self.jobs.put(record(upload), "storing an upload").await
    }

    async fn upload(&self, tenant: &TenantId, id: &UploadId) -> ports::Result<Option<Upload>> {
        let found = live(self.jobs.get(key(tenant, id), "finding an upload").await?, now());
        found.map(|item| read(&item, tenant, id)).transpose()
    }

    async fn upload_url(&self, upload: &Upload) -> ports::Result<UploadUrl> {
        self.uploads.url(upload).await
    }

    async fn begin_multipart(&self, upload: &Upload) -> ports::Result<MultipartId> {
        self.uploads.begin(upload).await
    }

    async fn part_url(&self, upload: &Upload, multipart: &MultipartId, part: Part) -> ports::Result<UploadUrl> {
        self.uploads.part_url(upload, multipart, part).await
    }

    async fn stored_parts(
        &self,
        upload: &Upload,
        multipart: &MultipartId,
    ) -> ports::Result<Option<BTreeMap<u32, StoredPart>>> {
        self.uploads.parts(upload, multipart).await
    }

    async fn complete_multipart(
        &self,
        upload: &Upload,
        multipart: &MultipartId,
        parts: &BTreeMap<u32, StoredPart>,
    ) -> ports::Result<Option<StoredFile>> {
        self.uploads.complete(upload, multipart, parts).await
    }

    async fn store_file(&self, tenant: &TenantId, id: &UploadId, body: ByteStream) -> ports::Result<String> {
        self.uploads.store(tenant, id, body).await
    }

    async fn stored_file(&self, upload: &Upload) -> ports::Result<Option<StoredFile>> {
        self.uploads.describe(upload).await
    }

    async fn read_file(&self, upload: &Upload) -> ports::Result<Option<ByteStream>> {
        self.uploads.read(upload).await
    }

    async fn pin_file(&self, upload: &Upload, etag: &str) -> ports::Result<()> {
        self.note(upload, PINNED_ETAG, etag, "pinning the bytes of a file").await
    }

    async fn set_sha256(&self, upload: &Upload, sha256: &Sha256) -> ports::Result<()> {
        self.note(upload, SHA256, sha256.as_str(), "noting the checksum of a file").await
    }

    async fn remove_upload(&self, tenant: &TenantId, id: &UploadId) -> ports::Result<Option<Upload>> {
        self.uploads.remove(tenant, id).await?;
        let removed = self.jobs.take(key(tenant, id), "removing an upload").await?;
        let removed = removed.map(|item| read(&item, tenant, id)).transpose()?;
        if let Some((upload, multipart)) =
            removed.as_ref().and_then(|upload| Some((upload, upload.multipart.as_ref()?)))
        {
            self.uploads.give_up(upload, &multipart.id).await;
        }
        Ok(removed)
    }

    async fn note_photo(&self, account: &AccountRef, photo_id: &str) -> ports::Result<()> {
        let mut item = photo_key(account, photo_id);
        item.extend(named([(EXPIRES_AT, expiry(now() + NEW_PHOTO_LAG))]));
        self.jobs.put(item, "noting a new photo").await
    }

    async fn is_noted_photo(&self, account: &AccountRef, photo_ids: &[&str]) -> ports::Result<bool> {
        const WHAT: &str = "looking for new photos";
        let ids: BTreeSet<&str> = photo_ids.iter().copied().collect();
        let reads = ids.into_iter().map(|id| self.jobs.get(photo_key(account, id), WHAT));
        let found = try_join_all(reads).await?;
        let now = now();
        Ok(found.into_iter().any(|item| live(item, now).is_some()))
    }

    async fn acquire_upload_lock(
        &self,
        account: &AccountRef,
        lock: &UploadLock,
        holder: &LockHolder,
        in_place_of: Option<&LockHolder>,
    ) -> ports::Result<Option<LockHolder>> {
        let now = now();
        let replaced = match in_place_of {
            Some(LockHolder { run: FIRST_RUN, .. }) => format!(
                " OR ({HOLDER} = :in_place_of AND ({HOLDER_RUN} = :its_run OR attribute_not_exists({HOLDER_RUN})))"
            ),
            Some(_) => format!(" OR ({HOLDER} = :in_place_of AND {HOLDER_RUN} = :its_run)"),
            None => String::new(),
        };
        let mut update = self
            .jobs
            .update(lock_key(account, lock))
            .condition_expression(format!(
                "attribute_not_exists({HOLDER}) OR {EXPIRES_AT} <= :now OR {HOLDER} = :job{replaced}"
            ))
            .update_expression(format!("SET {HOLDER} = :job, {HOLDER_RUN} = :run, {EXPIRES_AT} = :expires_at"))
            .expression_attribute_values(":job", text(holder.job.as_str()))
            .expression_attribute_values(":run", number(holder.run))
            .expression_attribute_values(":now", expiry(now))
            // Longer than any job that holds it runs, and than Flickr takes to know the file.
            .expression_attribute_values(":expires_at", expiry(now + UPLOAD_RETENTION))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if let Some(other) = in_place_of {
            update = update
                .expression_attribute_values(":in_place_of", text(other.job.as_str()))
                .expression_attribute_values(":its_run", number(other.run));
        }
        match written(update.send().await, "locking what only one job may send")? {
            Written::Done(_) => Ok(None),
            Written::Refused(found) => {
                let found = found.ok_or_else(|| unreadable(HOLDER))?;
                let reader = Reader(&found);
                let run = if found.contains_key(HOLDER_RUN) { reader.count(HOLDER_RUN)? } else { FIRST_RUN };
                Ok(Some(LockHolder { job: reader.parsed(HOLDER)?, run }))
            }
        }
    }
}

#[cfg(test)]
mod tests;

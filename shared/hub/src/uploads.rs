//! Files that tenants hand over, for a job to send to Flickr.
//!
//! FlickrHub says where a file is to be put, and its owner puts it there, once. A job names the upload. A file may come
//! in parts: its owner puts each where FlickrHub says, asks again for those that have not arrived, and has them put
//! together.

use std::collections::BTreeMap;

use domain::{
    AccountRef, TenantId, Timestamp, UploadId, UserId,
    timing::{UPLOAD_RETENTION, UPLOAD_URL_LIFETIME},
    upload::{MAX_PARTS_AT_ONCE, MediaFile, Multipart, Part, Parts, Sha256, StoredFile, StoredPart, Upload},
};

use crate::{
    Error, Kind,
    ports::{Accounts, Clock, Entropy, StoredBytes, UploadUrl, Uploads},
    stored_bytes,
    tenants::Principal,
};

/// An upload that was made.
#[derive(Debug)]
pub struct NewUpload {
    pub upload: Upload,
    /// How its file is to come.
    pub way: UploadWay,
}

/// How the file of an upload is to come.
#[derive(Debug)]
pub enum UploadWay {
    /// By this request.
    Once {
        request: UploadUrl,
        /// Until when it is taken.
        expires_at: Timestamp,
    },
    /// In these parts, whose requests [`parts`] tells.
    InParts(Parts),
}

/// An upload, and what is stored of it.
#[derive(Debug)]
pub struct UploadStatus {
    pub upload: Upload,
    /// `None` while the file has not arrived.
    pub stored: Option<StoredFile>,
    /// Until when it is kept.
    pub expires_at: Timestamp,
}

/// Some of the parts of an upload.
#[derive(Debug)]
pub struct PartsPage {
    /// Those that were asked for.
    pub parts: Vec<PartStatus>,
    /// The number of the part after them.
    pub next: Option<u32>,
    /// Until when their requests are taken.
    pub urls_expire_at: Timestamp,
}

/// A part of an upload.
#[derive(Debug)]
pub struct PartStatus {
    pub part: Part,
    /// The request that stores it; `None` once it has arrived.
    pub request: Option<UploadUrl>,
}

/// Makes an upload of `file` for an account of the principal's, whose file comes in parts or by one request.
///
/// # Errors
/// A file that is longer than the tenant may upload, [`Kind::AccountNotFound`], [`Kind::TooManyBytes`], or a failure of
/// the ports.
pub async fn create(
    ports: &(impl Clock + Entropy + Accounts + Uploads + StoredBytes),
    principal: &Principal,
    user: &UserId,
    file: MediaFile,
    sha256: Option<Sha256>,
    in_parts: bool,
) -> Result<NewUpload, Error> {
    if let Some(most) = principal.tenant_limits().upload_bytes.filter(|most| file.bytes() > *most) {
        return Err(Error::invalid("bytes", format!("is more than the {most} bytes that this tenant may upload")));
    }
    let account = AccountRef::new(principal.tenant(), user);
    if ports.account(&account).await?.is_none() {
        return Err(Kind::AccountNotFound.into());
    }
    let now = ports.now();
    let id = UploadId::from_bytes(ports.random());
    let mut upload = Upload { id, account, file, sha256, multipart: None, pinned_etag: None, created_at: now };
    stored_bytes::count(ports, &upload, principal.limits().max_stored_bytes).await?;
    if in_parts {
        match ports.begin_multipart(&upload).await {
            Ok(id) => upload.multipart = Some(Multipart { id, declared_sha256: upload.sha256.take() }),
            Err(error) => {
                stored_bytes::discount(ports, &upload).await;
                return Err(error.into());
            }
        }
    }
    ports.create_upload(&upload).await?;
    let way = if in_parts {
        UploadWay::InParts(Parts::of(upload.file.bytes()))
    } else {
        UploadWay::Once { request: ports.upload_url(&upload).await?, expires_at: now + UPLOAD_URL_LIFETIME }
    };
    Ok(NewUpload { upload, way })
}

/// An upload of the principal's, and whether its file has arrived.
///
/// # Errors
/// [`Kind::UploadNotFound`], or a failure of the ports.
pub async fn status(ports: &impl Uploads, principal: &Principal, id: &UploadId) -> Result<UploadStatus, Error> {
    let upload = find(ports, principal.tenant(), id).await?;
    let stored = ports.stored_file(&upload).await?;
    Ok(describe(upload, stored))
}

/// Up to `limit` parts of an upload of the principal's from the one with the number `from` on: which have arrived, and
/// the requests that store the others.
///
/// # Errors
/// An invalid field, also for an upload whose file comes by one request; [`Kind::UploadNotFound`]; a failure of the
/// ports.
pub async fn parts(
    ports: &(impl Clock + Uploads),
    principal: &Principal,
    id: &UploadId,
    from: u32,
    limit: u32,
) -> Result<PartsPage, Error> {
    if !(1..=MAX_PARTS_AT_ONCE).contains(&limit) {
        return Err(Error::invalid("limit", format!("is a number from 1 to {MAX_PARTS_AT_ONCE}")));
    }
    let upload = find(ports, principal.tenant(), id).await?;
    let multipart = in_parts(&upload)?;
    let all = Parts::of(upload.file.bytes());
    if all.part(from).is_none() {
        return Err(Error::invalid("from", format!("is a number from 1 to {}", all.count())));
    }
    let urls_expire_at = ports.now() + UPLOAD_URL_LIFETIME;
    let stored = ports.stored_parts(&upload, &multipart.id).await?;
    if stored.is_none() {
        completed(ports, &upload).await?;
    }
    // Once they are put together, none is to come.
    let is_there = |part: Part| {
        let of_part = |stored: &BTreeMap<u32, StoredPart>| {
            stored.get(&part.number).is_some_and(|found: &StoredPart| found.bytes == part.bytes)
        };
        stored.as_ref().is_none_or(of_part)
    };
    let mut asked = all.from(from);
    let mut parts = Vec::new();
    for part in asked.by_ref().take(limit as usize) {
        let request = if is_there(part) { None } else { Some(ports.part_url(&upload, &multipart.id, part).await?) };
        parts.push(PartStatus { part, request });
    }
    Ok(PartsPage { parts, next: asked.next().map(|part| part.number), urls_expire_at })
}

/// Puts the parts of an upload of the principal's together. A repeat answers as the first time.
///
/// # Errors
/// [`Kind::UploadIncomplete`], an invalid field for an upload whose file comes by one request,
/// [`Kind::UploadNotFound`], or a failure of the ports.
pub async fn complete(ports: &impl Uploads, principal: &Principal, id: &UploadId) -> Result<UploadStatus, Error> {
    let upload = find(ports, principal.tenant(), id).await?;
    let multipart = in_parts(&upload)?;
    let all = Parts::of(upload.file.bytes());
    let stored = match ports.stored_parts(&upload, &multipart.id).await? {
        Some(mut parts) => {
            all.check(&parts).map_err(Kind::UploadIncomplete)?;
            parts.retain(|number, _| all.part(*number).is_some());
            ports.complete_multipart(&upload, &multipart.id, &parts).await?
        }
        None => None,
    };
    let stored = match stored {
        Some(stored) => stored,
        None => completed(ports, &upload).await?,
    };
    Ok(describe(upload, Some(stored)))
}

/// Whether a job of `account` can send the file. Then its bytes are pinned: the job sends these or none.
///
/// # Errors
/// [`Kind::UploadNotFound`], also for an upload of another account; [`Kind::UploadNotArrived`]; a failure of the ports.
pub(crate) async fn pin_arrived(ports: &impl Uploads, account: &AccountRef, id: &UploadId) -> Result<(), Error> {
    let upload = find(ports, &account.tenant, id).await?;
    if upload.account != *account {
        return Err(Kind::UploadNotFound.into());
    }
    let stored = ports.stored_file(&upload).await?.filter(|stored| stored.bytes == upload.file.bytes());
    let Some(StoredFile { etag, .. }) = stored else { return Err(Kind::UploadNotArrived.into()) };
    if upload.pinned_etag.is_none() {
        ports.pin_file(&upload, &etag).await?;
    }
    Ok(())
}

fn describe(upload: Upload, stored: Option<StoredFile>) -> UploadStatus {
    UploadStatus { expires_at: upload.created_at + UPLOAD_RETENTION, stored, upload }
}

/// How the file comes in parts.
fn in_parts(upload: &Upload) -> Result<&Multipart, Error> {
    let by_one_request =
        || Error::invalid("upload_id", "is an upload whose file comes by one request, and not in parts");
    upload.multipart.as_ref().ok_or_else(by_one_request)
}

/// The file of an upload whose parts are no more: they were put together, unless the upload was removed meanwhile.
async fn completed(ports: &impl Uploads, upload: &Upload) -> Result<StoredFile, Error> {
    ports.stored_file(upload).await?.ok_or_else(|| Kind::UploadNotFound.into())
}

async fn find(ports: &impl Uploads, tenant: &TenantId, id: &UploadId) -> Result<Upload, Error> {
    ports.upload(tenant, id).await?.ok_or_else(|| Kind::UploadNotFound.into())
}

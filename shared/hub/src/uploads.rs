//! Files that tenants hand over, for a job to send to Flickr.
//!
//! FlickrHub says where a file is to be put, and its owner puts it there, once. A job names the upload.

use domain::{
    AccountRef, TenantId, Timestamp, UploadId, UserId,
    timing::{UPLOAD_RETENTION, UPLOAD_URL_LIFETIME},
    upload::{MediaFile, Sha256, StoredFile, Upload},
};

use crate::{
    Error, Kind,
    ports::{Accounts, Clock, Entropy, UploadUrl, Uploads},
    tenants::Principal,
};

/// An upload that was made, and the request that stores its file.
#[derive(Debug)]
pub struct NewUpload {
    pub upload: Upload,
    pub request: UploadUrl,
    /// Until when that request is taken.
    pub url_expires_at: Timestamp,
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

/// Makes an upload of `file` for an account of the principal's.
///
/// # Errors
/// A file that is longer than the tenant may upload, [`Kind::AccountNotFound`], or a failure of the ports.
pub async fn create(
    ports: &(impl Clock + Entropy + Accounts + Uploads),
    principal: &Principal,
    user: &UserId,
    file: MediaFile,
    sha256: Option<Sha256>,
) -> Result<NewUpload, Error> {
    if let Some(most) = principal.tenant_limits().upload_bytes.filter(|most| file.bytes() > *most) {
        return Err(Error::invalid("bytes", format!("is more than the {most} bytes that this tenant may upload")));
    }
    let account = AccountRef::new(principal.tenant(), user);
    if ports.account(&account).await?.is_none() {
        return Err(Kind::AccountNotFound.into());
    }
    let now = ports.now();
    let upload = Upload { id: UploadId::from_bytes(ports.random()), account, file, sha256, created_at: now };
    ports.create_upload(&upload).await?;
    let request = ports.upload_url(&upload).await?;
    Ok(NewUpload { upload, request, url_expires_at: now + UPLOAD_URL_LIFETIME })
}

/// An upload of the principal's, and whether its file has arrived.
///
/// # Errors
/// [`Kind::UploadNotFound`], or a failure of the ports.
pub async fn status(ports: &impl Uploads, principal: &Principal, id: &UploadId) -> Result<UploadStatus, Error> {
    let upload = find(ports, principal.tenant(), id).await?;
    let stored = ports.stored_file(&upload).await?;
    let expires_at = upload.created_at + UPLOAD_RETENTION;
    Ok(UploadStatus { upload, stored, expires_at })
}

/// Whether a job of `account` can send the file.
///
/// # Errors
/// [`Kind::UploadNotFound`], also for an upload of another account; [`Kind::UploadNotArrived`]; a failure of the ports.
pub(crate) async fn check_arrived(ports: &impl Uploads, account: &AccountRef, id: &UploadId) -> Result<(), Error> {
    let upload = find(ports, &account.tenant, id).await?;
    if upload.account != *account {
        return Err(Kind::UploadNotFound.into());
    }
    match ports.stored_file(&upload).await? {
        Some(stored) if stored.bytes == upload.file.bytes() => Ok(()),
        Some(_) | None => Err(Kind::UploadNotArrived.into()),
    }
}

async fn find(ports: &impl Uploads, tenant: &TenantId, id: &UploadId) -> Result<Upload, Error> {
    ports.upload(tenant, id).await?.ok_or_else(|| Kind::UploadNotFound.into())
}

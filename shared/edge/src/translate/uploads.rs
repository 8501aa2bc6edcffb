//! Uploads, as clients see them.

use api::{ErrorDetail, MultipartView, UploadPartView, UploadPartsAnswer, UploadState, UploadView};
use domain::upload::{MissingPart, PART_BYTES, Parts};
use hub::uploads::{PartStatus, PartsPage, UploadStatus};

/// An upload.
pub fn upload(status: UploadStatus) -> UploadView {
    let UploadStatus { upload, stored, expires_at } = status;
    let file = &upload.file;
    let (sha256, multipart) = (upload.sha256, upload.multipart);
    let in_parts = multipart.is_some().then(|| parts_of(Parts::of(file.bytes())));
    UploadView {
        user_id: upload.account.user.to_string(),
        file_name: file.name().to_owned(),
        content_type: file.media_type().as_str().to_owned(),
        bytes: file.bytes(),
        sha256: sha256.or_else(|| multipart.and_then(|multipart| multipart.declared_sha256)).map(Into::into),
        state: state(stored.is_some()),
        multipart: in_parts,
        created_at: upload.created_at.to_string(),
        expires_at: expires_at.to_string(),
        upload_id: upload.id.into(),
    }
}

/// In which parts a file comes.
pub fn parts_of(parts: Parts) -> MultipartView {
    MultipartView { part_bytes: PART_BYTES, parts: parts.count() }
}

/// Some of the parts of an upload.
pub fn parts(page: PartsPage) -> UploadPartsAnswer {
    let PartsPage { parts, next, urls_expire_at } = page;
    let parts = parts.into_iter().map(|PartStatus { part, request }| {
        let has_arrived = request.is_none();
        let (url, headers) = request.map(|request| (request.url, request.headers.into_iter().collect())).unzip();
        UploadPartView {
            part_number: part.number,
            offset: part.offset(),
            bytes: part.bytes,
            state: state(has_arrived),
            url,
            headers,
        }
    });
    UploadPartsAnswer { parts: parts.collect(), next_from: next, expires_at: urls_expire_at.to_string() }
}

/// What an error says of a part that has not arrived as it should.
pub(crate) fn missing_part(missing: &MissingPart) -> ErrorDetail {
    ErrorDetail { field: format!("parts.{}", missing.part.number), message: missing.to_string() }
}

const fn state(has_arrived: bool) -> UploadState {
    if has_arrived { UploadState::Arrived } else { UploadState::Pending }
}

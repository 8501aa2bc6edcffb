//! `GET /v1/uploads/{upload_id}`.

use std::sync::Arc;

use api::{UploadState, UploadView};
use axum::extract::{Path, State};
use edge::{Authenticated, Envelope, Problem};
use hub::{
    Kind,
    ports::Uploads,
    uploads::{self, UploadStatus},
};

pub(crate) async fn get<P: Uploads>(
    State(ports): State<Arc<P>>,
    Authenticated(principal): Authenticated,
    Path(upload_id): Path<String>,
) -> Result<Envelope<UploadView>, Problem> {
    // What is no id is unknown as an unknown one is.
    let id = upload_id.parse().map_err(|_| hub::Error::from(Kind::UploadNotFound))?;
    let UploadStatus { upload, stored, expires_at } = uploads::status(&*ports, &principal, &id).await?;
    let file = &upload.file;
    Ok(Envelope::ok(UploadView {
        user_id: upload.account.user.to_string(),
        file_name: file.name().to_owned(),
        content_type: file.media_type().as_str().to_owned(),
        bytes: file.bytes(),
        sha256: upload.sha256.map(Into::into),
        state: if stored.is_some() { UploadState::Arrived } else { UploadState::Pending },
        created_at: upload.created_at.to_string(),
        expires_at: expires_at.to_string(),
        upload_id: upload.id.into(),
    }))
}

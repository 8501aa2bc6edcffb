//! `POST /v1/uploads`.

use std::sync::Arc;

use api::{CreateUploadAnswer, CreateUploadRequest};
use axum::extract::State;
use domain::upload::{FileRefused, MediaFile, Sha256};
use edge::{Authenticated, Envelope, Json, Problem};
use http::StatusCode;
use hub::{
    ports::{Accounts, Clock, Entropy, Uploads},
    submit::Submit,
    uploads::{self, NewUpload},
};

pub(crate) async fn post<P: Clock + Entropy + Accounts + Uploads>(
    State(submit): State<Arc<Submit<P>>>,
    Authenticated(principal): Authenticated,
    Json(request): Json<CreateUploadRequest>,
) -> Result<Envelope<CreateUploadAnswer>, Problem> {
    let CreateUploadRequest { user_id, file_name, content_type, bytes, sha256 } = request;
    let user = edge::parse("user_id", &user_id)?;
    let content_type = content_type.parse().map_err(refused)?;
    let file = MediaFile::new(&file_name, content_type, bytes).map_err(refused)?;
    let sha256: Option<Sha256> = sha256.map(|sha256| sha256.parse()).transpose().map_err(refused)?;
    let NewUpload { upload, request, url_expires_at } =
        uploads::create(&submit.ports, &principal, &user, file, sha256).await?;
    let data = CreateUploadAnswer {
        upload_id: upload.id.into(),
        url: request.url,
        headers: request.headers.into_iter().collect(),
        expires_at: url_expires_at.to_string(),
    };
    Ok(Envelope { status: StatusCode::CREATED, data })
}

fn refused(reason: FileRefused) -> Problem {
    let field = match reason {
        FileRefused::Name => "file_name",
        FileRefused::ContentType => "content_type",
        FileRefused::Empty | FileRefused::PhotoTooLarge | FileRefused::VideoTooLarge => "bytes",
        FileRefused::Sha256 => "sha256",
    };
    Problem::field(field, reason.to_string())
}

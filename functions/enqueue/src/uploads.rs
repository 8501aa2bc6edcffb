//! `POST /v1/uploads`, and files that come in parts: `GET /v1/uploads/{upload_id}/parts` and
//! `POST /v1/uploads/{upload_id}/complete`.

use std::sync::Arc;

use api::{CreateUploadAnswer, CreateUploadRequest, UploadPartsAnswer, UploadPartsQuery, UploadView};
use axum::extract::State;
use domain::{
    UploadId,
    upload::{FileRefused, MAX_PARTS_AT_ONCE, MediaFile, Sha256},
};
use edge::{Authenticated, Envelope, Json, PathText, Problem, Query, Touched, translate};
use http::StatusCode;
use hub::{
    Kind,
    ports::{Accounts, Clock, Entropy, StoredBytes, Uploads},
    submit::Submit,
    uploads::{self, NewUpload, UploadWay},
};

pub(crate) async fn post<P: Clock + Entropy + Accounts + Uploads + StoredBytes>(
    State(submit): State<Arc<Submit<P>>>,
    Authenticated(principal): Authenticated,
    Json(request): Json<CreateUploadRequest>,
) -> Result<(Touched, Envelope<CreateUploadAnswer>), Problem> {
    let CreateUploadRequest { user_id, file_name, content_type, bytes, sha256, multipart } = request;
    let user = edge::parse("user_id", &user_id)?;
    let content_type = content_type.parse().map_err(refused)?;
    let file = MediaFile::new(&file_name, content_type, bytes).map_err(refused)?;
    let sha256: Option<Sha256> = sha256.map(|sha256| sha256.parse()).transpose().map_err(refused)?;
    let NewUpload { upload, way } = uploads::create(&submit.ports, &principal, &user, file, sha256, multipart).await?;
    let touched = Touched::ids([upload.id.as_str(), user.as_str()]);
    let upload_id = upload.id.into();
    let data = match way {
        UploadWay::Once { request, expires_at } => CreateUploadAnswer {
            upload_id,
            url: Some(request.url),
            headers: Some(request.headers.into_iter().collect()),
            expires_at: Some(expires_at.to_string()),
            multipart: None,
        },
        UploadWay::InParts(parts) => CreateUploadAnswer {
            upload_id,
            url: None,
            headers: None,
            expires_at: None,
            multipart: Some(translate::uploads::parts_of(parts)),
        },
    };
    Ok((touched, Envelope { status: StatusCode::CREATED, data }))
}

pub(crate) async fn parts<P: Clock + Uploads>(
    State(submit): State<Arc<Submit<P>>>,
    Authenticated(principal): Authenticated,
    PathText(upload_id): PathText,
    Query(query): Query<UploadPartsQuery>,
) -> Result<Envelope<UploadPartsAnswer>, Problem> {
    let (from, limit) = (query.from.unwrap_or(1), query.limit.unwrap_or(MAX_PARTS_AT_ONCE));
    let page = uploads::parts(&submit.ports, &principal, &id(&upload_id)?, from, limit).await?;
    Ok(Envelope::ok(translate::uploads::parts(page)))
}

pub(crate) async fn complete<P: Uploads>(
    State(submit): State<Arc<Submit<P>>>,
    Authenticated(principal): Authenticated,
    PathText(upload_id): PathText,
) -> Result<Envelope<UploadView>, Problem> {
    let status = uploads::complete(&submit.ports, &principal, &id(&upload_id)?).await?;
    Ok(Envelope::ok(translate::uploads::upload(status)))
}

/// What is no id is unknown as an unknown one is.
fn id(text: &str) -> Result<UploadId, Problem> {
    text.parse().map_err(|_| hub::Error::from(Kind::UploadNotFound).into())
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

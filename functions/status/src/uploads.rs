//! `GET /v1/uploads/{upload_id}`.

use std::sync::Arc;

use api::UploadView;
use axum::extract::{Path, State};
use edge::{Authenticated, Envelope, Problem, translate};
use hub::{Kind, ports::Uploads, uploads};

pub(crate) async fn get<P: Uploads>(
    State(ports): State<Arc<P>>,
    Authenticated(principal): Authenticated,
    Path(upload_id): Path<String>,
) -> Result<Envelope<UploadView>, Problem> {
    // What is no id is unknown as an unknown one is.
    let id = upload_id.parse().map_err(|_| hub::Error::from(Kind::UploadNotFound))?;
    let status = uploads::status(&*ports, &principal, &id).await?;
    Ok(Envelope::ok(translate::uploads::upload(status)))
}

//! `POST /v1/flickr/jobs/status`, `GET /v1/flickr/jobs/{job_id}`.

use std::sync::Arc;

use api::{JobQuery, JobStatusRequest, JobView};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{JobId, UserId, job::ResultForm};
use edge::{Authenticated, EntityTag, Envelope, Json, PathText, Problem, Query, translate};
use http::HeaderMap;
use hub::{
    ports::{Clock, FairQueues, Jobs, Results},
    read::{self, Reading, ResultSource},
};

pub(crate) async fn of_user<P: Clock + Jobs + Results + FairQueues>(
    State(ports): State<Arc<P>>,
    Authenticated(principal): Authenticated,
    Json(request): Json<JobStatusRequest>,
) -> Result<Envelope<JobView>, Problem> {
    let (Ok(id), Ok(user)) = (request.job_id.parse::<JobId>(), request.user_id.parse::<UserId>()) else {
        return Err(unknown());
    };
    let Reading { job, source, estimated_start, stopped } = read::job(&*ports, &principal, &id, Some(&user)).await?;
    let view = translate::jobs::without_result(job, estimated_start, stopped.as_ref())?;
    with_result(&*ports, view, source.as_ref(), translate::jobs::result_form(request.result)).await
}

pub(crate) async fn of_tenant<P: Clock + Jobs + Results + FairQueues>(
    State(ports): State<Arc<P>>,
    Authenticated(principal): Authenticated,
    PathText(id): PathText,
    Query(query): Query<JobQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id: JobId = id.parse().map_err(|_| unknown())?;
    let form = translate::jobs::result_form(query.result);
    let Reading { job, source, estimated_start, stopped } = read::job(&*ports, &principal, &id, None).await?;
    // A URL is another each time, and works for a while only.
    let has_tag = job.state.is_terminal() && !source.as_ref().is_some_and(|source| source.has_url(form));
    let revision = job.state.revision;
    let view = translate::jobs::without_result(job, estimated_start, stopped.as_ref())?;
    if !has_tag {
        return Ok(with_result(&*ports, view, source.as_ref(), form).await?.into_response());
    }
    // The result need not be read for it: a revision of a job has one, which never changes.
    let tag = EntityTag::of(&(revision, &view))?;
    if tag.is_known(&headers) {
        return Ok(tag.not_modified());
    }
    Ok(tag.on(with_result(&*ports, view, source.as_ref(), form).await?))
}

async fn with_result(
    ports: &impl Results,
    view: JobView,
    source: Option<&ResultSource>,
    form: ResultForm,
) -> Result<Envelope<JobView>, Problem> {
    let Some(source) = source else { return Ok(Envelope::ok(view)) };
    let result = read::result(ports, source, form).await?;
    Ok(Envelope::ok(translate::jobs::with_result(view, result)?))
}

/// What is no id names no job: it answers as an unknown one.
fn unknown() -> Problem {
    hub::Error::from(hub::Kind::JobNotFound).into()
}

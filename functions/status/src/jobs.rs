//! `POST /v1/flickr/jobs/status`, `GET /v1/flickr/jobs/{job_id}`.

use std::sync::Arc;

use api::{JobQuery, JobStatusRequest, JobView};
use axum::extract::State;
use domain::{JobId, UserId, job::ResultForm};
use edge::{Authenticated, Envelope, Json, PathText, Problem, Query, translate};
use hub::{
    ports::{Clock, FairQueues, Jobs, Results},
    read::{self, Reading},
    tenants::Principal,
};

pub(crate) async fn of_user<P: Clock + Jobs + Results + FairQueues>(
    State(ports): State<Arc<P>>,
    Authenticated(principal): Authenticated,
    Json(request): Json<JobStatusRequest>,
) -> Result<Envelope<JobView>, Problem> {
    let (Ok(id), Ok(user)) = (request.job_id.parse::<JobId>(), request.user_id.parse::<UserId>()) else {
        return Err(unknown());
    };
    read(&*ports, &principal, &id, Some(&user), translate::jobs::result_form(request.result)).await
}

pub(crate) async fn of_tenant<P: Clock + Jobs + Results + FairQueues>(
    State(ports): State<Arc<P>>,
    Authenticated(principal): Authenticated,
    PathText(id): PathText,
    Query(query): Query<JobQuery>,
) -> Result<Envelope<JobView>, Problem> {
    let id: JobId = id.parse().map_err(|_| unknown())?;
    read(&*ports, &principal, &id, None, translate::jobs::result_form(query.result)).await
}

async fn read(
    ports: &(impl Clock + Jobs + Results + FairQueues),
    principal: &Principal,
    id: &JobId,
    user: Option<&UserId>,
    form: ResultForm,
) -> Result<Envelope<JobView>, Problem> {
    let Reading { job, source, estimated_start } = read::job(ports, principal, id, user).await?;
    let result = match source {
        Some(source) => Some(read::result(ports, &source, form).await?),
        None => None,
    };
    Ok(Envelope::ok(translate::jobs::job(job, result, estimated_start)?))
}

/// What is no id names no job: it answers as an unknown one.
fn unknown() -> Problem {
    hub::Error::from(hub::Kind::JobNotFound).into()
}

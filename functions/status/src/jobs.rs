//! `POST /v1/flickr/jobs/status`, `GET /v1/flickr/jobs/{job_id}`, `GET /v1/flickr/jobs`.

use std::{fmt::Display, str::FromStr, sync::Arc, time::Duration};

use api::{JobList, JobListQuery, JobQuery, JobStatusRequest, JobView};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{
    JobId, UserId,
    call::MethodName,
    job::{Job, ResultForm},
};
use edge::{Authenticated, EntityTag, Envelope, Json, PathText, Problem, Query, translate};
use http::{HeaderMap, HeaderValue, header};
use hub::{
    job_history::{self, HistoryRequest},
    ports::{Clock, FairQueues, JobHistory, Jobs, Results},
    read::{self, Reading, ResultSource},
};

pub(crate) async fn of_user<P: Clock + Jobs + Results + FairQueues>(
    State(ports): State<Arc<P>>,
    Authenticated(principal): Authenticated,
    Json(request): Json<JobStatusRequest>,
) -> Result<Response, Problem> {
    let (Ok(id), Ok(user)) = (request.job_id.parse::<JobId>(), request.user_id.parse::<UserId>()) else {
        return Err(unknown());
    };
    let reading = read::job(&*ports, &principal, &id, Some(&user)).await?;
    let Reading { job, source, estimated_start, stopped, ask_again_after } = reading;
    let view = translate::jobs::without_result(job, estimated_start, stopped.as_ref())?;
    let answer = with_result(&*ports, view, source.as_ref(), translate::jobs::result_form(request.result)).await?;
    Ok(ask_again(answer.into_response(), ask_again_after))
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
    let reading = read::job(&*ports, &principal, &id, None).await?;
    let Reading { job, source, estimated_start, stopped, ask_again_after } = reading;
    // A URL is another each time, and works for a while only.
    let has_tag = job.state.is_terminal() && !source.as_ref().is_some_and(|source| source.has_url(form));
    let revision = job.state.revision;
    let view = translate::jobs::without_result(job, estimated_start, stopped.as_ref())?;
    if !has_tag {
        let answer = with_result(&*ports, view, source.as_ref(), form).await?;
        return Ok(ask_again(answer.into_response(), ask_again_after));
    }
    // The result need not be read for it: a revision of a job has one, which never changes.
    let tag = EntityTag::of(&(revision, &view))?;
    if tag.is_known(&headers) {
        return Ok(tag.not_modified());
    }
    Ok(tag.on(with_result(&*ports, view, source.as_ref(), form).await?))
}

/// The answer, which says when to ask again for a job that is open.
fn ask_again(mut answer: Response, after: Option<Duration>) -> Response {
    if let Some(after) = after {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs()));
    }
    answer
}

/// How many jobs a page looks at where nothing is said.
const PAGE_JOBS: u16 = 50;

pub(crate) async fn list<P: Clock + JobHistory>(
    State(ports): State<Arc<P>>,
    Authenticated(principal): Authenticated,
    Query(query): Query<JobListQuery>,
) -> Result<Envelope<JobList>, Problem> {
    let JobListQuery { user_id, accepted_from, accepted_until, method, state, limit, cursor } = query;
    let request = HistoryRequest {
        user: edge::parse("user_id", &user_id)?,
        from: optional("accepted_from", accepted_from.as_deref())?,
        until: optional("accepted_until", accepted_until.as_deref())?,
        cursor: optional("cursor", cursor.as_deref())?,
        limit: limit.unwrap_or(PAGE_JOBS),
    };
    let method: Option<MethodName> = optional("method", method.as_deref())?;
    let is_wanted = |job: &Job| {
        method.as_ref().is_none_or(|method| job.spec.work.method() == Some(method))
            && state.is_none_or(|state| translate::jobs::state(job) == state)
    };
    let page = job_history::list(&*ports, &principal, &request, is_wanted).await?;
    let jobs = page.items.into_iter().map(translate::jobs::listed).collect::<Result<_, _>>()?;
    Ok(Envelope::ok(JobList { jobs, next_cursor: page.next.map(|cursor| cursor.to_string()) }))
}

/// What an optional field of the query says.
fn optional<T>(field: &str, text: Option<&str>) -> Result<Option<T>, Problem>
where
    T: FromStr,
    T::Err: Display,
{
    text.map(|text| edge::parse(field, text)).transpose()
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

//! `GET /v1/dlq`, `POST /v1/dlq/replay`, `DELETE /v1/dlq/{job_id}`.

use std::sync::Arc;

use api::{DeadJobList, DiscardAnswer, PageQuery, ReplayAnswer, ReplayOutcome, ReplayRequest, ReplayResult};
use axum::{
    Router,
    extract::State,
    middleware::from_fn_with_state,
    routing::{delete, get, post},
};
use domain::{JobId, job::Job};
use edge::{Authenticated, Authenticator, Envelope, Json, PathText, Problem, Query, require_key, translate};
use hub::{
    Kind,
    dead_jobs::{self, PAGE_JOBS, ReplayOptions, Replayed},
    page::Page,
    ports::{DeadJobs, FairQueues, Jobs, Tenants},
    tenants::Principal,
    transition,
};

/// The longest cursor, in bytes; those that are given out are shorter.
const MAX_CURSOR_BYTES: usize = 200;

/// The routes.
pub fn routes<P>(ports: Arc<P>, authenticator: Arc<Authenticator<P>>) -> Router
where
    P: transition::Ports + Tenants + DeadJobs + FairQueues + 'static,
{
    Router::new()
        .route("/v1/dlq", get(list::<P>))
        .route("/v1/dlq/replay", post(replay::<P>))
        .route("/v1/dlq/{job_id}", delete(discard::<P>))
        .with_state(ports)
        .layer(from_fn_with_state(authenticator, require_key::<P>))
}

async fn list<P: DeadJobs + Jobs>(
    State(ports): State<Arc<P>>,
    Authenticated(principal): Authenticated,
    Query(query): Query<PageQuery>,
) -> Result<Envelope<DeadJobList>, Problem> {
    let Page { items, next } = page(&*ports, &principal, query.cursor).await?;
    let view = |job| translate::jobs::without_result(job, None);
    let jobs = items.into_iter().map(view).collect::<Result<_, _>>()?;
    Ok(Envelope::ok(DeadJobList { jobs, next_cursor: next }))
}

async fn page(
    ports: &(impl DeadJobs + Jobs),
    principal: &Principal,
    cursor: Option<String>,
) -> Result<Page<Job, String>, Problem> {
    let cursor = cursor.filter(|cursor| !cursor.is_empty());
    if cursor.as_ref().is_some_and(|cursor| cursor.len() > MAX_CURSOR_BYTES || cursor.chars().any(char::is_control)) {
        return Err(Problem::field("cursor", "give the `next_cursor` of the page before"));
    }
    Ok(dead_jobs::list(ports, principal, cursor.as_deref()).await?)
}

/// What to replay.
enum Selection {
    /// These.
    Ids(Vec<String>),
    /// The page that begins here.
    Page(Option<String>),
}

/// # Errors
/// Names the field that cannot be accepted.
fn selection(request: &ReplayRequest) -> Result<Selection, Problem> {
    match (&request.job_ids, request.all) {
        (Some(_), true) => Err(Problem::field("all", "cannot be given together with `job_ids`")),
        (None, false) => Err(Problem::field("job_ids", "give some, or `all`")),
        (Some(ids), false) if ids.is_empty() || ids.len() > usize::from(PAGE_JOBS) => {
            Err(Problem::field("job_ids", format!("give 1 to {PAGE_JOBS}")))
        }
        (Some(_), false) if request.cursor.is_some() => Err(Problem::field("cursor", "is only for `all`")),
        (Some(ids), false) => Ok(Selection::Ids(ids.clone())),
        (None, true) => Ok(Selection::Page(request.cursor.clone())),
    }
}

/// A failure halfway leaves the rest as it was: asked again, what was replayed is `not_dead`.
async fn replay<P: transition::Ports + DeadJobs + FairQueues>(
    State(ports): State<Arc<P>>,
    Authenticated(principal): Authenticated,
    Json(request): Json<ReplayRequest>,
) -> Result<Envelope<ReplayAnswer>, Problem> {
    let (ids, next_cursor) = match selection(&request)? {
        Selection::Ids(ids) => (ids, None),
        Selection::Page(cursor) => {
            let Page { items, next } = page(&*ports, &principal, cursor).await?;
            (items.into_iter().map(|job| job.id.into()).collect(), next)
        }
    };
    let ReplayRequest { force, dry_run, .. } = request;
    let mut results = Vec::with_capacity(ids.len());
    for job_id in ids {
        // What is no id names no job.
        let replayed = match job_id.parse::<JobId>() {
            Ok(id) => dead_jobs::replay(&*ports, &principal, &id, ReplayOptions { force, dry_run }).await?,
            Err(_) => Replayed::Unknown,
        };
        let outcome = match replayed {
            Replayed::Yes if dry_run => ReplayOutcome::WouldReplay,
            Replayed::Yes => ReplayOutcome::Replayed,
            Replayed::Unknown => ReplayOutcome::NotFound,
            Replayed::NotDead => ReplayOutcome::NotDead,
            Replayed::NeedsForce => ReplayOutcome::NeedsForce,
            Replayed::TooManyPending => ReplayOutcome::TooManyPending,
        };
        results.push(ReplayResult { job_id, outcome });
    }
    Ok(Envelope::ok(ReplayAnswer { dry_run, results, next_cursor }))
}

async fn discard<P: Jobs + DeadJobs>(
    State(ports): State<Arc<P>>,
    Authenticated(principal): Authenticated,
    PathText(job_id): PathText,
) -> Result<Envelope<DiscardAnswer>, Problem> {
    let id: JobId = job_id.parse().map_err(|_| hub::Error::from(Kind::JobNotFound))?;
    dead_jobs::discard(&*ports, &principal, &id).await?;
    Ok(Envelope::ok(DiscardAnswer { job_id, discarded: true }))
}

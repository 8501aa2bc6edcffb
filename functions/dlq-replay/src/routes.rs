//! `GET /v1/dlq`, `POST /v1/dlq/replay`, `DELETE /v1/dlq/{job_id}`.

use std::sync::Arc;

use api::{DeadJobList, DiscardAnswer, PageQuery, ReplayAnswer, ReplayOutcome, ReplayRequest, ReplayResult};
use axum::{
    Router,
    extract::State,
    middleware::from_fn_with_state,
    routing::{delete, get, post},
};
use domain::{JobId, job::DeadJob};
use edge::{
    AuthPorts, Authenticated, Authenticator, Envelope, Json, PathText, Problem, Query, Touched, require_key, translate,
};
use hub::{
    Kind,
    dead_jobs::{self, PAGE_JOBS, Replayed, would_replay, would_replay_listed},
    page::Page,
    ports::{Clock, DeadJobs, FairQueues, Jobs},
    tenants::Principal,
    transition,
};
use vault::DataKeys;

/// The longest cursor, in bytes; those that are given out are shorter.
const MAX_CURSOR_BYTES: usize = 200;

/// The routes.
pub fn routes<P, K>(ports: Arc<P>, authenticator: Arc<Authenticator<P, K>>) -> Router
where
    P: transition::Ports + AuthPorts + DeadJobs + FairQueues + 'static,
    K: DataKeys + 'static,
{
    Router::new()
        .route("/v1/dlq", get(list::<P>))
        .route("/v1/dlq/replay", post(replay::<P>))
        .route("/v1/dlq/{job_id}", delete(discard::<P>))
        .with_state(ports)
        .layer(from_fn_with_state(authenticator, require_key::<P, K>))
}

async fn list<P: Clock + DeadJobs>(
    State(ports): State<Arc<P>>,
    Authenticated(principal): Authenticated,
    Query(query): Query<PageQuery>,
) -> Result<Envelope<DeadJobList>, Problem> {
    let Page { items, next } = page(&*ports, &principal, query.cursor).await?;
    let jobs = items.into_iter().map(translate::jobs::dead).collect::<Result<_, _>>()?;
    Ok(Envelope::ok(DeadJobList { jobs, next_cursor: next }))
}

async fn page(
    ports: &(impl Clock + DeadJobs),
    principal: &Principal,
    cursor: Option<String>,
) -> Result<Page<DeadJob, String>, Problem> {
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
) -> Result<(Touched, Envelope<ReplayAnswer>), Problem> {
    let ReplayRequest { force, dry_run, .. } = request;
    let (ids, next_cursor) = match selection(&request)? {
        Selection::Ids(ids) => (ids, None),
        Selection::Page(cursor) => {
            let Page { items, next } = page(&*ports, &principal, cursor).await?;
            if dry_run {
                // The list knows what would happen: no job is read.
                let would = |job: DeadJob| result(job.id.as_str(), would_replay_listed(&job, force), dry_run);
                let results = items.into_iter().map(would).collect();
                let answer = ReplayAnswer { dry_run, results, next_cursor: next };
                return Ok((Touched::default(), Envelope::ok(answer)));
            }
            (items.into_iter().map(|job| job.id.into()).collect(), next)
        }
    };
    let mut results = Vec::with_capacity(ids.len());
    for job_id in ids {
        // What is no id names no job.
        let replayed = match job_id.parse::<JobId>() {
            Ok(id) if dry_run => would_replay(&*ports, &principal, &id, force).await?,
            Ok(id) => dead_jobs::replay(&*ports, &principal, &id, force).await?,
            Err(_) => Replayed::Unknown,
        };
        results.push(result(&job_id, replayed, dry_run));
    }
    let replayed = results.iter().filter(|result| result.outcome == ReplayOutcome::Replayed);
    let touched = Touched::ids(replayed.map(|result| &result.job_id));
    Ok((touched, Envelope::ok(ReplayAnswer { dry_run, results, next_cursor })))
}

fn result(job_id: &str, replayed: Replayed, dry_run: bool) -> ReplayResult {
    let outcome = match replayed {
        Replayed::Yes if dry_run => ReplayOutcome::WouldReplay,
        Replayed::Yes => ReplayOutcome::Replayed,
        Replayed::Unknown => ReplayOutcome::NotFound,
        Replayed::NotDead => ReplayOutcome::NotDead,
        Replayed::NeedsForce => ReplayOutcome::NeedsForce,
        Replayed::TooManyPending => ReplayOutcome::TooManyPending,
    };
    ReplayResult { job_id: job_id.to_owned(), outcome }
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

//! `GET /v1/dlq`, `POST /v1/dlq/replay`, `DELETE /v1/dlq/{job_id}`.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    middleware::from_fn_with_state,
    routing::{delete, get, post},
};
use domain::{JobId, TenantId};
use edge::{Authenticator, Envelope, Json, Problem, Query, Tenant, require_key, views::JobView};
use hub::{
    Kind,
    dead::{self, PAGE_JOBS, Page, Replayed},
    ports::{Clock, DiscardDead, FindJob, FindTenant, ListDead, SaveJob, SendDispatch, SettleJob},
};
use serde::{Deserialize, Serialize};

/// The longest cursor, in bytes; the desk's own are shorter.
const MAX_CURSOR_BYTES: usize = 200;

/// The routes.
pub fn routes<P>(ports: Arc<P>, authenticator: Arc<Authenticator<P>>) -> Router
where
    P: Clock + FindTenant + FindJob + SaveJob + SettleJob + SendDispatch + ListDead + DiscardDead + 'static,
{
    Router::new()
        .route("/v1/dlq", get(list::<P>))
        .route("/v1/dlq/replay", post(replay::<P>))
        .route("/v1/dlq/{job_id}", delete(discard::<P>))
        .with_state(ports)
        .layer(from_fn_with_state(authenticator, require_key::<P>))
}

/// Where a page of dead jobs begins.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct ListAnswer {
    /// The longest dead first.
    jobs: Vec<JobView>,
    /// To be given as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

async fn list<P: ListDead + FindJob>(
    State(ports): State<Arc<P>>,
    Tenant(tenant): Tenant,
    Query(query): Query<ListQuery>,
) -> Result<Envelope<ListAnswer>, Problem> {
    let Page { jobs, next } = page(&*ports, &tenant, query.cursor).await?;
    let jobs = jobs.into_iter().map(|job| JobView::of(job, None, None)).collect::<Result<_, _>>()?;
    Ok(Envelope::ok(ListAnswer { jobs, next_cursor: next }))
}

async fn page(ports: &(impl ListDead + FindJob), tenant: &TenantId, cursor: Option<String>) -> Result<Page, Problem> {
    let cursor = cursor.filter(|cursor| !cursor.is_empty());
    if cursor.as_ref().is_some_and(|cursor| cursor.len() > MAX_CURSOR_BYTES || cursor.chars().any(char::is_control)) {
        return Err(Problem::field("cursor", "give the `next_cursor` of the page before"));
    }
    Ok(dead::list(ports, tenant, cursor.as_deref()).await?)
}

/// `POST /v1/dlq/replay`: the jobs of `job_ids`, or with `all` those of one page of the desk.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplayRequest {
    job_ids: Option<Vec<String>>,
    #[serde(default)]
    all: bool,
    /// With `all`: where the page begins.
    cursor: Option<String>,
    /// Also what may have taken effect.
    #[serde(default)]
    force: bool,
    /// Only say what would happen.
    #[serde(default)]
    dry_run: bool,
}

/// What to replay.
enum Wanted {
    /// These.
    Ids(Vec<String>),
    /// The page that begins here.
    Page(Option<String>),
}

impl ReplayRequest {
    /// # Errors
    /// Names the field that cannot be accepted.
    fn wanted(&mut self) -> Result<Wanted, Problem> {
        match (self.job_ids.take(), self.all) {
            (Some(_), true) => Err(Problem::field("all", "cannot be given together with `job_ids`")),
            (None, false) => Err(Problem::field("job_ids", "give some, or `all`")),
            (Some(ids), false) if ids.is_empty() || ids.len() > usize::from(PAGE_JOBS) => {
                Err(Problem::field("job_ids", format!("give 1 to {PAGE_JOBS}")))
            }
            (Some(_), false) if self.cursor.is_some() => Err(Problem::field("cursor", "is only for `all`")),
            (Some(ids), false) => Ok(Wanted::Ids(ids)),
            (None, true) => Ok(Wanted::Page(self.cursor.take())),
        }
    }
}

#[derive(Serialize)]
struct ReplayAnswer {
    dry_run: bool,
    /// In the order asked for; with `all` the longest dead first.
    results: Vec<Outcome>,
    /// With `all`, to be given as `cursor` to go on; null when there is no more.
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct Outcome {
    job_id: String,
    outcome: &'static str,
}

/// A failure halfway leaves the rest as it was: asked again, what was replayed is `not_dead`.
async fn replay<P: Clock + ListDead + FindJob + SaveJob + SettleJob + SendDispatch>(
    State(ports): State<Arc<P>>,
    Tenant(tenant): Tenant,
    Json(mut request): Json<ReplayRequest>,
) -> Result<Envelope<ReplayAnswer>, Problem> {
    let (ids, next_cursor) = match request.wanted()? {
        Wanted::Ids(ids) => (ids, None),
        Wanted::Page(cursor) => {
            let Page { jobs, next } = page(&*ports, &tenant, cursor).await?;
            (jobs.into_iter().map(|job| job.id.into()).collect(), next)
        }
    };
    let ReplayRequest { force, dry_run, .. } = request;
    let mut results = Vec::with_capacity(ids.len());
    for job_id in ids {
        // What is no id names no job.
        let replayed = match job_id.parse::<JobId>() {
            Ok(id) => dead::replay(&*ports, &tenant, &id, force, dry_run).await?,
            Err(_) => Replayed::Unknown,
        };
        let outcome = match replayed {
            Replayed::Yes if dry_run => "would_replay",
            Replayed::Yes => "replayed",
            Replayed::Unknown => "not_found",
            Replayed::NotDead => "not_dead",
            Replayed::NeedsForce => "needs_force",
        };
        results.push(Outcome { job_id, outcome });
    }
    Ok(Envelope::ok(ReplayAnswer { dry_run, results, next_cursor }))
}

#[derive(Serialize)]
struct Discarded {
    job_id: String,
    discarded: bool,
}

async fn discard<P: FindJob + SettleJob + DiscardDead>(
    State(ports): State<Arc<P>>,
    Tenant(tenant): Tenant,
    Path(job_id): Path<String>,
) -> Result<Envelope<Discarded>, Problem> {
    let id: JobId = job_id.parse().map_err(|_| hub::Error::from(Kind::JobNotFound))?;
    dead::discard(&*ports, &tenant, &id).await?;
    Ok(Envelope::ok(Discarded { job_id, discarded: true }))
}

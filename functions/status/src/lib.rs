//! Reads jobs and budgets, and says whether the hub is well.

mod usage;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::{JobId, TenantId, UserId};
use edge::{Authenticator, Code, Envelope, Json, Problem, Tenant, require_key, views::JobView};
use hub::{
    budget::Limits,
    ports::{
        Clock, CountPending, FindAccount, FindJob, FindLine, FindObject, FindResult, FindTenant, ListApps, ListUses,
        Probe,
    },
    read::{self, Reading},
};
use serde::Deserialize;
use serde_json::{Map, json};

/// What the routes need.
struct Service<P> {
    ports: Arc<P>,
    limits: Limits,
}

/// The routes; `limits` are those of calls to Flickr.
pub fn routes<P>(ports: Arc<P>, limits: Limits, authenticator: Arc<Authenticator<P>>) -> Router
where
    P: Clock + FindTenant + FindJob + FindResult + FindObject + FindLine + Probe + 'static,
    P: ListApps + FindAccount + CountPending + ListUses,
{
    Router::new()
        .route("/v1/usage", get(usage::get::<P>))
        .route("/v1/flickr/jobs/status", post(of_user::<P>))
        .route("/v1/flickr/jobs/{job_id}", get(of_tenant::<P>))
        .route("/v1/health/ready", get(ready::<P>))
        .with_state(Arc::new(Service { ports, limits }))
        .layer(from_fn_with_state(authenticator, require_key::<P>))
        .route("/v1/health", get(alive))
}

/// `POST /v1/flickr/jobs/status`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    job_id: String,
    user_id: String,
}

async fn of_user<P: Clock + FindJob + FindResult + FindObject + FindLine>(
    State(service): State<Arc<Service<P>>>,
    Tenant(tenant): Tenant,
    Json(request): Json<Request>,
) -> Result<Envelope<JobView>, Problem> {
    let (Ok(id), Ok(user)) = (request.job_id.parse::<JobId>(), request.user_id.parse::<UserId>()) else {
        return Err(unknown());
    };
    service.read(&tenant, &id, Some(&user)).await
}

async fn of_tenant<P: Clock + FindJob + FindResult + FindObject + FindLine>(
    State(service): State<Arc<Service<P>>>,
    Tenant(tenant): Tenant,
    Path(id): Path<String>,
) -> Result<Envelope<JobView>, Problem> {
    let id: JobId = id.parse().map_err(|_| unknown())?;
    service.read(&tenant, &id, None).await
}

impl<P: Clock + FindJob + FindResult + FindObject + FindLine> Service<P> {
    async fn read(&self, tenant: &TenantId, id: &JobId, user: Option<&UserId>) -> Result<Envelope<JobView>, Problem> {
        let Reading { job, result, estimated_start } =
            read::job(&*self.ports, &self.limits.app, tenant, id, user).await?;
        Ok(Envelope::ok(JobView::of(job, result, estimated_start)?))
    }
}

/// What is no id names no job: it answers as an unknown one.
fn unknown() -> Problem {
    hub::Error::from(hub::Kind::JobNotFound).into()
}

async fn alive() -> impl IntoResponse {
    Envelope::ok(json!({ "status": "ok" }))
}

async fn ready<P: Probe>(State(service): State<Arc<Service<P>>>) -> Response {
    let probes = service.ports.probe().await;
    let down: Vec<&str> = probes.iter().filter(|(_, answers)| !answers).map(|(name, _)| *name).collect();
    if down.is_empty() {
        let dependencies: Map<_, _> = probes.into_iter().map(|(name, _)| (name.to_owned(), json!("ok"))).collect();
        return Envelope::ok(json!({ "status": "ok", "dependencies": dependencies })).into_response();
    }
    let details = down.iter().map(|name| json!({ "dependency": name, "status": "down" })).collect();
    let detail = format!("These do not answer: {}", down.join(", "));
    Problem::new(Code::Unavailable, detail).with_details(details).into_response()
}

//! Reads jobs and budgets, says whether FlickrHub is well, and describes the API.

mod documentation;
mod health;
mod jobs;
mod uploads;
mod usage;

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use edge::{AuthPorts, Authenticator, require_key};
use hub::ports::{
    Accounts, Apps, FairQueues, Health, JobHistory, Jobs, PendingJobs, ResponseCache, Results, StoredBytes, Uploads,
};
use vault::DataKeys;

/// The routes.
pub fn routes<P, K>(ports: Arc<P>, authenticator: Arc<Authenticator<P, K>>) -> Router
where
    P: AuthPorts
        + Jobs
        + JobHistory
        + PendingJobs
        + Results
        + FairQueues
        + Apps
        + Accounts
        + ResponseCache
        + Health
        + Uploads
        + StoredBytes
        + 'static,
    K: DataKeys + 'static,
{
    Router::new()
        .route("/v1/usage", get(usage::get::<P>))
        .route("/v1/flickr/jobs", get(jobs::list::<P>))
        .route("/v1/flickr/jobs/status", post(jobs::of_user::<P>))
        .route("/v1/flickr/jobs/{job_id}", get(jobs::of_tenant::<P>))
        .route("/v1/uploads/{upload_id}", get(uploads::get::<P>))
        .route("/v1/health/ready", get(health::ready::<P>))
        .with_state(ports)
        .layer(from_fn_with_state(authenticator, require_key::<P, K>))
        .route("/v1/health", get(health::alive))
        .route("/v1/openapi.json", get(documentation::openapi))
        .route("/v1/docs", get(documentation::page))
        .route("/v1/docs/{file}", get(documentation::file))
}

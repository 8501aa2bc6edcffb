//! Reads jobs and budgets, and says whether FlickrHub is well.

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
use edge::{Authenticator, require_key};
use hub::ports::{
    Accounts, Apps, Clock, FairQueues, Health, Jobs, KeyUses, PendingJobs, ResponseCache, Results, Tenants, Uploads,
};

/// The routes.
pub fn routes<P>(ports: Arc<P>, authenticator: Arc<Authenticator<P>>) -> Router
where
    P: Clock
        + Tenants
        + KeyUses
        + Jobs
        + PendingJobs
        + Results
        + FairQueues
        + Apps
        + Accounts
        + ResponseCache
        + Health
        + Uploads
        + 'static,
{
    Router::new()
        .route("/v1/usage", get(usage::get::<P>))
        .route("/v1/flickr/jobs/status", post(jobs::of_user::<P>))
        .route("/v1/flickr/jobs/{job_id}", get(jobs::of_tenant::<P>))
        .route("/v1/uploads/{upload_id}", get(uploads::get::<P>))
        .route("/v1/health/ready", get(health::ready::<P>))
        .with_state(ports)
        .layer(from_fn_with_state(authenticator, require_key::<P>))
        .route("/v1/health", get(health::alive))
}

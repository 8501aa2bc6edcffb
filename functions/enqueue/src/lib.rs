//! Accepts jobs, `POST /v1/flickr/rest`, and uploads for them, `POST /v1/uploads`, whose files may come in parts, `GET
//! /v1/uploads/{upload_id}/parts` and `POST /v1/uploads/{upload_id}/complete`; invalidates cached answers, `POST
//! /v1/cache/invalidate`.
//!
//! A job is validated, written once and sent; 202 says that FlickrHub will see it through. One with `run_at` or
//! `delay_seconds` waits for its time first. One that the app's budget has no call for waits in the app's fair queue,
//! by its priority. One of an account with too many pending jobs is refused, with the time to come back. The answer
//! says about when the job will start, and how the budget stands.

mod accept;
mod invalidate;
mod request;
mod uploads;

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use edge::{AuthPorts, Authenticator, require_key};
use hub::{
    ports::{Accounts, Entropy, FairQueues, JobCounts, StoredBytes, Uploads},
    submit::Submit,
    transition,
};
use vault::DataKeys;

/// The routes.
pub fn routes<P, K>(submit: Arc<Submit<P>>, authenticator: Arc<Authenticator<P, K>>) -> Router
where
    P: transition::Ports + AuthPorts + Entropy + Accounts + FairQueues + JobCounts + Uploads + StoredBytes + 'static,
    K: DataKeys + 'static,
{
    Router::new()
        .route("/v1/flickr/rest", post(accept::post::<P>))
        .route("/v1/uploads", post(uploads::post::<P>))
        .route("/v1/uploads/{upload_id}/parts", get(uploads::parts::<P>))
        .route("/v1/uploads/{upload_id}/complete", post(uploads::complete::<P>))
        .route("/v1/cache/invalidate", post(invalidate::post::<P>))
        .with_state(submit)
        .layer(from_fn_with_state(authenticator, require_key::<P, K>))
}

//! The control API: JSON under `/_fake`, by which tests arrange and inspect the world.

mod logins;
mod people;
mod photos;
mod reply;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::reply::{bad_request, respond, with_body};
use crate::faults::{self, NewFault};
use crate::state::ServerState;

pub(crate) fn router() -> Router<ServerState> {
    Router::new()
        .route("/_fake/health", get(|| async { respond(Ok(json!({"status": "ok"}))) }))
        .route("/_fake/reset", post(reset))
        .route("/_fake/approve", post(logins::approve))
        .route("/_fake/revoke", post(logins::revoke))
        .route("/_fake/calls", get(calls))
        .route("/_fake/config", get(get_config).post(set_config))
        .route("/_fake/faults", get(get_faults).post(add_fault).delete(clear_faults))
        .route("/_fake/apps", get(people::get_apps).post(people::add_app))
        .route("/_fake/users", get(people::get_users).post(people::add_user))
        .route("/_fake/tokens", get(logins::get_tokens).post(logins::add_token))
        .route("/_fake/photos", get(photos::get_photos).post(photos::seed_photos).delete(photos::delete_photo))
}

async fn reset(State(state): State<ServerState>) -> Response {
    state.world().reset();
    respond(Ok(json!({})))
}

#[derive(Deserialize)]
struct CallsQuery {
    #[serde(default)]
    since: u64,
}

async fn calls(State(state): State<ServerState>, Query(CallsQuery { since }): Query<CallsQuery>) -> Response {
    let world = state.world();
    respond(Ok(json!({"calls": world.journal.since(since), "last_seq": world.journal.last_seq()})))
}

async fn get_config(State(state): State<ServerState>) -> Response {
    respond(Ok(json!(state.world().config)))
}

async fn set_config(State(state): State<ServerState>, body: Bytes) -> Response {
    with_body(&state, &body, |world, patch: Map<String, Value>, _| {
        world.config = world.config.patched(patch).map_err(|error| bad_request(error.to_string()))?;
        Ok(json!(world.config))
    })
}

async fn get_faults(State(state): State<ServerState>) -> Response {
    respond(Ok(json!({"faults": state.world().faults.rules(), "known": faults::names()})))
}

async fn add_fault(State(state): State<ServerState>, body: Bytes) -> Response {
    with_body(&state, &body, |world, fault: NewFault, _| {
        let id = world.faults.add(fault);
        let id = id.ok_or_else(|| bad_request(format!("no such fault; known are {}", faults::names().join(", "))))?;
        Ok(json!({"id": id}))
    })
}

async fn clear_faults(State(state): State<ServerState>) -> Response {
    respond(Ok(json!({"deleted": state.world().faults.clear()})))
}

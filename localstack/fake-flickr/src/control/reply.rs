//! What the requests of the control API have in common: how they are read, answered and refused.

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::clock;
use crate::state::ServerState;
use crate::world::World;

/// Why a control request is refused.
pub(super) struct ControlError {
    status: StatusCode,
    message: String,
}

pub(super) type ControlResult = Result<Value, ControlError>;

pub(super) fn bad_request(message: impl Into<String>) -> ControlError {
    ControlError { status: StatusCode::BAD_REQUEST, message: message.into() }
}

pub(super) fn not_found(message: impl Into<String>) -> ControlError {
    ControlError { status: StatusCode::NOT_FOUND, message: message.into() }
}

pub(super) fn conflict(message: impl Into<String>) -> ControlError {
    ControlError { status: StatusCode::CONFLICT, message: message.into() }
}

pub(super) fn respond(result: ControlResult) -> Response {
    let (status, value) = match result {
        Ok(value) => (StatusCode::OK, value),
        Err(ControlError { status, message }) => (status, json!({"error": message})),
    };
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// Parses the JSON body, where an empty body means an empty object, and runs `handler` on the world.
pub(super) fn with_body<T: DeserializeOwned>(
    state: &ServerState,
    body: &Bytes,
    handler: impl FnOnce(&mut World, T, Timestamp) -> ControlResult,
) -> Response {
    let text: &[u8] = if body.is_empty() { b"{}" } else { body };
    respond(match serde_json::from_slice(text) {
        Ok(input) => handler(&mut state.world(), input, clock::now()),
        Err(error) => Err(bad_request(format!("the body is not what is expected here: {error}"))),
    })
}

pub(super) fn require_user(world: &World, name: &str) -> Result<String, ControlError> {
    let user = world.find_user(name).ok_or_else(|| not_found(format!("no user {name:?}")))?;
    Ok(user.nsid.clone())
}

/// The user that a query names.
#[derive(Deserialize)]
pub(super) struct UserQuery {
    user: Option<String>,
}

impl UserQuery {
    /// The id of the named user, if one is named.
    pub(super) fn owner(&self, world: &World) -> Result<Option<String>, ControlError> {
        self.user.as_deref().map(|name| require_user(world, name)).transpose()
    }
}

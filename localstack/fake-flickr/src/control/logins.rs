//! Logins and access tokens.

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::reply::{ControlError, UserQuery, bad_request, not_found, require_user, respond, with_body};
use crate::oauth::consent::{self, Approval};
use crate::perms::Perms;
use crate::state::ServerState;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approve {
    oauth_token: String,
    perms: Option<Perms>,
    user: Option<String>,
}

pub(super) async fn approve(State(state): State<ServerState>, body: Bytes) -> Response {
    with_body(&state, &body, |world, input: Approve, now| {
        consent::pending(world, &input.oauth_token, now).map_err(consent_error)?;
        let perms = input.perms.unwrap_or(Perms::Delete);
        if perms == Perms::None {
            return Err(bad_request("perms must be read, write or delete"));
        }
        let user = world.find_or_create_user(input.user.as_deref());
        let Approval { verifier, redirect_to } =
            consent::approve(world, &input.oauth_token, user, perms, now).map_err(consent_error)?;
        Ok(json!({"oauth_verifier": verifier, "redirect_to": redirect_to}))
    })
}

fn consent_error(error: consent::Error) -> ControlError {
    match error {
        consent::Error::InvalidToken => {
            not_found("no such request token: it is unknown, too old, or was approved before")
        }
        consent::Error::DisabledApp => not_found("the app of this request token is turned off"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    oauth_token: Option<String>,
    user: Option<String>,
}

pub(super) async fn revoke(State(state): State<ServerState>, body: Bytes) -> Response {
    with_body(&state, &body, |world, input: Revoke, _| {
        if input.oauth_token.is_none() && input.user.is_none() {
            return Err(bad_request("name an oauth_token or a user"));
        }
        let user = match input.user.as_deref() {
            Some(name) => Some(require_user(world, name)?),
            None => None,
        };
        let before = world.access_tokens.len();
        world.access_tokens.retain(|token, access| {
            let is_named = input.oauth_token.as_ref().is_none_or(|named| named == token)
                && user.as_ref().is_none_or(|user| *user == access.user);
            !is_named
        });
        Ok(json!({"revoked": before - world.access_tokens.len()}))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    key: Option<String>,
    user: Option<String>,
    perms: Option<Perms>,
}

/// Issues an access token without the login.
pub(super) async fn add_token(State(state): State<ServerState>, body: Bytes) -> Response {
    with_body(&state, &body, |world, input: NewToken, _| {
        let key = input.key.unwrap_or_else(|| world.default_app.key.clone());
        if !world.apps.contains_key(&key) {
            return Err(not_found(format!("no app {key:?}")));
        }
        let perms = input.perms.unwrap_or(Perms::Delete);
        let user = world.find_or_create_user(input.user.as_deref());
        let (token, secret) = world.issue_token(&key, &user, perms);
        let username = world.users.get(&user).map(|user| user.username.clone());
        Ok(json!({
            "key": key,
            "oauth_token": token,
            "oauth_token_secret": secret,
            "perms": perms,
            "user_nsid": user,
            "username": username,
        }))
    })
}

/// Lists the access tokens with their secrets, so that a test can search its logs and tables for them.
pub(super) async fn get_tokens(State(state): State<ServerState>, Query(query): Query<UserQuery>) -> Response {
    let world = state.world();
    let owner = match query.owner(&world) {
        Ok(owner) => owner,
        Err(error) => return respond(Err(error)),
    };
    let wanted = world.access_tokens.iter().filter(|(_, access)| owner.as_ref().is_none_or(|o| *o == access.user));
    let tokens: Vec<_> = wanted
        .map(|(token, access)| json!({"oauth_token": token, "oauth_token_secret": access.secret, "user_nsid": access.user}))
        .collect();
    respond(Ok(json!({"tokens": tokens})))
}

//! Apps and users.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::reply::{conflict, respond, with_body};
use crate::ids;
use crate::state::ServerState;
use crate::world::User;
use crate::world::app::RegisteredApp;

pub(super) async fn get_apps(State(state): State<ServerState>) -> Response {
    let world = state.world();
    let apps: Vec<_> = world.apps.iter().map(|(key, app)| json!({"key": key, "disabled": app.disabled})).collect();
    respond(Ok(json!({"apps": apps, "default": world.default_app.key})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewApp {
    key: Option<String>,
    secret: Option<String>,
    #[serde(default)]
    disabled: bool,
}

/// Creates an app, or changes the one with this key.
pub(super) async fn add_app(State(state): State<ServerState>, body: Bytes) -> Response {
    with_body(&state, &body, |world, input: NewApp, _| {
        let key = input.key.unwrap_or_else(ids::consumer_key);
        let known = world.apps.get(&key).map(|app| app.secret.clone());
        let secret = input.secret.or(known).unwrap_or_else(ids::secret);
        let disabled = input.disabled;
        world.apps.insert(key.clone(), RegisteredApp { secret: secret.clone(), disabled });
        Ok(json!({"key": key, "secret": secret, "disabled": disabled}))
    })
}

pub(super) async fn get_users(State(state): State<ServerState>) -> Response {
    let world = state.world();
    let users: Vec<_> = world.users.values().collect();
    respond(Ok(json!({"users": users, "default": world.default_user})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    nsid: Option<String>,
    username: Option<String>,
    fullname: Option<String>,
    pro: Option<bool>,
}

pub(super) async fn add_user(State(state): State<ServerState>, body: Bytes) -> Response {
    with_body(&state, &body, |world, input: NewUser, _| {
        let nsid = input.nsid.unwrap_or_else(ids::nsid);
        let username = input.username.unwrap_or_else(|| format!("user-{}", nsid.replace('@', "-")));
        if world.find_user(&nsid).or_else(|| world.find_user(&username)).is_some() {
            return Err(conflict("there is a user of this nsid or username"));
        }
        let fullname = input.fullname.unwrap_or_else(|| username.clone());
        let user = User { nsid, username, fullname, pro: input.pro.unwrap_or(true) };
        world.add_user(user.clone());
        Ok(json!(user))
    })
}

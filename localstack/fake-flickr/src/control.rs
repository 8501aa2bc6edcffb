//! The control API: JSON under `/_fake`, by which tests arrange and inspect the world.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::faults::{self, NewFault};
use crate::oauth::consent::{self, Approval};
use crate::perms::Perms;
use crate::state::ServerState;
use crate::world::app::RegisteredApp;
use crate::world::photo::{FileKind, Photo, Privacy, StoredFile};
use crate::world::{User, World, tags};
use crate::{clock, ids};

/// The most photos that one request can seed.
const MAX_SEEDED: u32 = 100_000;

pub(crate) fn router() -> Router<ServerState> {
    Router::new()
        .route("/_fake/health", get(|| async { respond(Ok(json!({"status": "ok"}))) }))
        .route("/_fake/reset", post(reset))
        .route("/_fake/approve", post(approve))
        .route("/_fake/revoke", post(revoke))
        .route("/_fake/calls", get(calls))
        .route("/_fake/config", get(get_config).post(set_config))
        .route("/_fake/faults", get(get_faults).post(add_fault).delete(clear_faults))
        .route("/_fake/apps", get(get_apps).post(add_app))
        .route("/_fake/users", get(get_users).post(add_user))
        .route("/_fake/tokens", get(get_tokens).post(add_token))
        .route("/_fake/photos", get(get_photos).post(seed_photos))
}

/// Why a control request is refused.
struct ControlError {
    status: StatusCode,
    message: String,
}

type ControlResult = Result<Value, ControlError>;

fn bad_request(message: impl Into<String>) -> ControlError {
    ControlError { status: StatusCode::BAD_REQUEST, message: message.into() }
}

fn not_found(message: impl Into<String>) -> ControlError {
    ControlError { status: StatusCode::NOT_FOUND, message: message.into() }
}

fn conflict(message: impl Into<String>) -> ControlError {
    ControlError { status: StatusCode::CONFLICT, message: message.into() }
}

fn respond(result: ControlResult) -> Response {
    let (status, value) = match result {
        Ok(value) => (StatusCode::OK, value),
        Err(ControlError { status, message }) => (status, json!({"error": message})),
    };
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// Parses the JSON body, where an empty body means an empty object, and runs `handler` on the world.
fn with_body<T: DeserializeOwned>(
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

async fn reset(State(state): State<ServerState>) -> Response {
    state.world().reset();
    respond(Ok(json!({})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approve {
    oauth_token: String,
    perms: Option<Perms>,
    user: Option<String>,
}

async fn approve(State(state): State<ServerState>, body: Bytes) -> Response {
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

async fn revoke(State(state): State<ServerState>, body: Bytes) -> Response {
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

fn require_user(world: &World, name: &str) -> Result<String, ControlError> {
    let user = world.find_user(name).ok_or_else(|| not_found(format!("no user {name:?}")))?;
    Ok(user.nsid.clone())
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

async fn get_apps(State(state): State<ServerState>) -> Response {
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
async fn add_app(State(state): State<ServerState>, body: Bytes) -> Response {
    with_body(&state, &body, |world, input: NewApp, _| {
        let key = input.key.unwrap_or_else(ids::consumer_key);
        let known = world.apps.get(&key).map(|app| app.secret.clone());
        let secret = input.secret.or(known).unwrap_or_else(ids::secret);
        let disabled = input.disabled;
        world.apps.insert(key.clone(), RegisteredApp { secret: secret.clone(), disabled });
        Ok(json!({"key": key, "secret": secret, "disabled": disabled}))
    })
}

async fn get_users(State(state): State<ServerState>) -> Response {
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

async fn add_user(State(state): State<ServerState>, body: Bytes) -> Response {
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    key: Option<String>,
    user: Option<String>,
    perms: Option<Perms>,
}

/// Issues an access token without the login.
async fn add_token(State(state): State<ServerState>, body: Bytes) -> Response {
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

#[derive(Deserialize)]
struct UserQuery {
    user: Option<String>,
}

/// Lists the access tokens with their secrets, so that a test can search its logs and tables for them.
async fn get_tokens(State(state): State<ServerState>, Query(UserQuery { user }): Query<UserQuery>) -> Response {
    let world = state.world();
    let owner = match user.map(|name| require_user(&world, &name)).transpose() {
        Ok(owner) => owner,
        Err(error) => return respond(Err(error)),
    };
    let wanted = world.access_tokens.iter().filter(|(_, access)| owner.as_ref().is_none_or(|o| *o == access.user));
    let tokens: Vec<_> = wanted
        .map(|(token, access)| json!({"oauth_token": token, "oauth_token_secret": access.secret, "user_nsid": access.user}))
        .collect();
    respond(Ok(json!({"tokens": tokens})))
}

async fn get_photos(State(state): State<ServerState>, Query(UserQuery { user }): Query<UserQuery>) -> Response {
    let world = state.world();
    let owner = match user.map(|name| require_user(&world, &name)).transpose() {
        Ok(owner) => owner,
        Err(error) => return respond(Err(error)),
    };
    let wanted = world.photos.values().filter(|photo| owner.as_ref().is_none_or(|owner| *owner == photo.owner));
    let photos: Vec<_> = wanted.map(describe).collect();
    respond(Ok(json!({"photos": photos})))
}

fn describe(photo: &Photo) -> Value {
    json!({
        "id": photo.id.to_string(),
        "owner": photo.owner,
        "title": photo.title,
        "description": photo.description,
        "tags": photo.tags.iter().map(|tag| &tag.raw).collect::<Vec<_>>(),
        "sha256": photo.file.sha256,
        "bytes": photo.file.bytes,
        "filename": photo.file.name,
        "media": photo.file.kind.media(),
        "is_public": photo.privacy.is_public,
        "is_friend": photo.privacy.is_friend,
        "is_family": photo.privacy.is_family,
        "license": photo.license,
        "safety_level": photo.safety_level,
        "content_type": photo.content_type,
        "hidden": photo.hidden,
        "replacements": photo.replacements,
        "uploaded_at": clock::rfc3339(photo.uploaded),
        "indexed_at": clock::rfc3339(photo.indexed),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    user: Option<String>,
    #[serde(default = "one")]
    count: u32,
    title: Option<String>,
    #[serde(default)]
    description: String,
    /// The description is padded to this many bytes.
    #[serde(default)]
    description_bytes: usize,
    #[serde(default)]
    tags: String,
    #[serde(default = "yes")]
    is_public: bool,
    #[serde(default)]
    age_seconds: u32,
    #[serde(default)]
    bytes: u64,
    #[serde(default)]
    sha256: String,
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

/// Creates photos that searches find at once.
async fn seed_photos(State(state): State<ServerState>, body: Bytes) -> Response {
    with_body(&state, &body, |world, seed: Seed, now| {
        if seed.count > MAX_SEEDED {
            return Err(bad_request(format!("count is at most {MAX_SEEDED}")));
        }
        let owner = world.find_or_create_user(seed.user.as_deref());
        let then = now.saturating_sub(SignedDuration::from_secs(seed.age_seconds.into())).unwrap_or(now);
        let ids: Vec<_> = (1..=seed.count)
            .map(|number| world.add_photo(seed_photo(&seed, number, owner.clone(), then)).to_string())
            .collect();
        Ok(json!({"ids": ids, "user_nsid": owner}))
    })
}

fn seed_photo(seed: &Seed, number: u32, owner: String, then: Timestamp) -> Photo {
    let title = seed.title.clone().unwrap_or_else(|| format!("Photo {number}"));
    let file = StoredFile {
        name: format!("{number}.jpg"),
        bytes: seed.bytes,
        sha256: seed.sha256.clone(),
        kind: FileKind::Photo("jpg"),
    };
    let filler = "lorem ipsum ".chars().cycle().take(seed.description_bytes.saturating_sub(seed.description.len()));
    Photo {
        description: seed.description.chars().chain(filler).collect(),
        tags: tags::parse_list(&seed.tags),
        privacy: Privacy { is_public: seed.is_public, is_friend: false, is_family: false },
        ..Photo::new(owner, title, file, 0, then)
    }
}

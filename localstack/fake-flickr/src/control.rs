//! The control API: JSON under `/_fake`, for tests to arrange and to look.

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

use crate::faults::{self, Order};
use crate::oauth::consent::{self, Approval, Refused};
use crate::perms::Perms;
use crate::world::photo::{FileKind, Photo, Privacy, StoredFile};
use crate::world::{KnownApp, User, World, tags};
use crate::{Fake, clock, ids};

/// Photos one request can seed.
const MOST_SEEDED: u32 = 100_000;

pub(crate) fn router() -> Router<Fake> {
    Router::new()
        .route("/_fake/health", get(|| async { reply(Ok(json!({"status": "ok"}))) }))
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

/// Why a control request is refused: a status and a sentence.
struct Refusal(StatusCode, String);

type Outcome = Result<Value, Refusal>;

fn bad_request(sentence: impl Into<String>) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, sentence.into())
}

fn not_found(sentence: impl Into<String>) -> Refusal {
    Refusal(StatusCode::NOT_FOUND, sentence.into())
}

fn conflict(sentence: impl Into<String>) -> Refusal {
    Refusal(StatusCode::CONFLICT, sentence.into())
}

fn reply(outcome: Outcome) -> Response {
    let (status, value) = match outcome {
        Ok(value) => (StatusCode::OK, value),
        Err(Refusal(status, sentence)) => (status, json!({"error": sentence})),
    };
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// Reads the JSON body, where none stands for an empty object, and runs `rule` on the world.
fn with_body<T: DeserializeOwned>(
    fake: &Fake,
    body: &Bytes,
    rule: impl FnOnce(&mut World, T, Timestamp) -> Outcome,
) -> Response {
    let text: &[u8] = if body.is_empty() { b"{}" } else { body };
    reply(match serde_json::from_slice(text) {
        Ok(input) => rule(&mut fake.world(), input, clock::now()),
        Err(error) => Err(bad_request(format!("the body is not what is expected here: {error}"))),
    })
}

async fn reset(State(fake): State<Fake>) -> Response {
    fake.world().reset();
    reply(Ok(json!({})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approve {
    oauth_token: String,
    perms: Option<Perms>,
    user: Option<String>,
}

async fn approve(State(fake): State<Fake>, body: Bytes) -> Response {
    with_body(&fake, &body, |world, input: Approve, now| {
        consent::pending(world, &input.oauth_token, now).map_err(refused)?;
        let perms = input.perms.unwrap_or(Perms::Delete);
        if perms == Perms::None {
            return Err(bad_request("perms must be read, write or delete"));
        }
        let user = world.user_or_new(input.user.as_deref());
        let Approval { verifier, redirect_to } =
            consent::approve(world, &input.oauth_token, user, perms, now).map_err(refused)?;
        Ok(json!({"oauth_verifier": verifier, "redirect_to": redirect_to}))
    })
}

fn refused(refused: Refused) -> Refusal {
    match refused {
        Refused::Token => not_found("no such request token: it is unknown, too old, or was approved before"),
        Refused::Key => not_found("the app of this request token is turned off"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    oauth_token: Option<String>,
    user: Option<String>,
}

async fn revoke(State(fake): State<Fake>, body: Bytes) -> Response {
    with_body(&fake, &body, |world, input: Revoke, _| {
        if input.oauth_token.is_none() && input.user.is_none() {
            return Err(bad_request("name an oauth_token or a user"));
        }
        let user = match input.user.as_deref() {
            Some(name) => Some(known_user(world, name)?),
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

fn known_user(world: &World, name: &str) -> Result<String, Refusal> {
    let user = world.find_user(name).ok_or_else(|| not_found(format!("no user {name:?}")))?;
    Ok(user.nsid.clone())
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    since: u64,
}

async fn calls(State(fake): State<Fake>, Query(Since { since }): Query<Since>) -> Response {
    let world = fake.world();
    reply(Ok(json!({"calls": world.journal.since(since), "last_seq": world.journal.last()})))
}

async fn get_config(State(fake): State<Fake>) -> Response {
    reply(Ok(json!(fake.world().config)))
}

async fn set_config(State(fake): State<Fake>, body: Bytes) -> Response {
    with_body(&fake, &body, |world, patch: Map<String, Value>, _| {
        world.config = world.config.patched(patch).map_err(|error| bad_request(error.to_string()))?;
        Ok(json!(world.config))
    })
}

async fn get_faults(State(fake): State<Fake>) -> Response {
    reply(Ok(json!({"faults": fake.world().faults.rules(), "known": faults::names()})))
}

async fn add_fault(State(fake): State<Fake>, body: Bytes) -> Response {
    with_body(&fake, &body, |world, order: Order, _| {
        let id = world.faults.add(order);
        let id = id.ok_or_else(|| bad_request(format!("no such fault; known are {}", faults::names().join(", "))))?;
        Ok(json!({"id": id}))
    })
}

async fn clear_faults(State(fake): State<Fake>) -> Response {
    reply(Ok(json!({"deleted": fake.world().faults.clear()})))
}

async fn get_apps(State(fake): State<Fake>) -> Response {
    let world = fake.world();
    let apps: Vec<_> = world.apps.iter().map(|(key, app)| json!({"key": key, "disabled": app.disabled})).collect();
    reply(Ok(json!({"apps": apps, "default": world.default_app.key})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewApp {
    key: Option<String>,
    secret: Option<String>,
    #[serde(default)]
    disabled: bool,
}

/// Makes an app, or changes the one of this key.
async fn add_app(State(fake): State<Fake>, body: Bytes) -> Response {
    with_body(&fake, &body, |world, input: NewApp, _| {
        let key = input.key.unwrap_or_else(ids::consumer_key);
        let known = world.apps.get(&key).map(|app| app.secret.clone());
        let secret = input.secret.or(known).unwrap_or_else(ids::secret);
        let disabled = input.disabled;
        world.apps.insert(key.clone(), KnownApp { secret: secret.clone(), disabled });
        Ok(json!({"key": key, "secret": secret, "disabled": disabled}))
    })
}

async fn get_users(State(fake): State<Fake>) -> Response {
    let world = fake.world();
    let users: Vec<_> = world.users.values().collect();
    reply(Ok(json!({"users": users, "default": world.default_user})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    nsid: Option<String>,
    username: Option<String>,
    fullname: Option<String>,
    pro: Option<bool>,
}

async fn add_user(State(fake): State<Fake>, body: Bytes) -> Response {
    with_body(&fake, &body, |world, input: NewUser, _| {
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

/// Issues an access token as if its user had gone through the login.
async fn add_token(State(fake): State<Fake>, body: Bytes) -> Response {
    with_body(&fake, &body, |world, input: NewToken, _| {
        let key = input.key.unwrap_or_else(|| world.default_app.key.clone());
        if !world.apps.contains_key(&key) {
            return Err(not_found(format!("no app {key:?}")));
        }
        let perms = input.perms.unwrap_or(Perms::Delete);
        let user = world.user_or_new(input.user.as_deref());
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
struct OfUser {
    user: Option<String>,
}

/// The tokens issued, with their secrets: a test that searches for them must know them.
async fn get_tokens(State(fake): State<Fake>, Query(OfUser { user }): Query<OfUser>) -> Response {
    let world = fake.world();
    let owner = match user.map(|name| known_user(&world, &name)).transpose() {
        Ok(owner) => owner,
        Err(refusal) => return reply(Err(refusal)),
    };
    let wanted = world.access_tokens.iter().filter(|(_, access)| owner.as_ref().is_none_or(|o| *o == access.user));
    let tokens: Vec<_> = wanted
        .map(|(token, access)| json!({"oauth_token": token, "oauth_token_secret": access.secret, "user_nsid": access.user}))
        .collect();
    reply(Ok(json!({"tokens": tokens})))
}

async fn get_photos(State(fake): State<Fake>, Query(OfUser { user }): Query<OfUser>) -> Response {
    let world = fake.world();
    let owner = match user.map(|name| known_user(&world, &name)).transpose() {
        Ok(owner) => owner,
        Err(refusal) => return reply(Err(refusal)),
    };
    let wanted = world.photos.values().filter(|photo| owner.as_ref().is_none_or(|owner| *owner == photo.owner));
    let photos: Vec<_> = wanted.map(describe).collect();
    reply(Ok(json!({"photos": photos})))
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
    /// The description is filled up to this many bytes.
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

/// Makes photos that a search finds at once.
async fn seed_photos(State(fake): State<Fake>, body: Bytes) -> Response {
    with_body(&fake, &body, |world, seed: Seed, now| {
        if seed.count > MOST_SEEDED {
            return Err(bad_request(format!("count is at most {MOST_SEEDED}")));
        }
        let owner = world.user_or_new(seed.user.as_deref());
        let then = now.saturating_sub(SignedDuration::from_secs(seed.age_seconds.into())).unwrap_or(now);
        let ids: Vec<_> = (1..=seed.count)
            .map(|number| world.add_photo(seeded(&seed, number, owner.clone(), then)).to_string())
            .collect();
        Ok(json!({"ids": ids, "user_nsid": owner}))
    })
}

fn seeded(seed: &Seed, number: u32, owner: String, then: Timestamp) -> Photo {
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

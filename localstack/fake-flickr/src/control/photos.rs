//! Photos: what an account holds, and what was deleted.

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::reply::{UserQuery, bad_request, not_found, respond, with_body};
use crate::clock;
use crate::state::ServerState;
use crate::world::file_kind::FileKind;
use crate::world::lags::KnownFrom;
use crate::world::photo::{Photo, Privacy, StoredFile};
use crate::world::tags;

/// The most photos that one request can seed.
const MAX_SEEDED: u32 = 100_000;

pub(super) async fn get_photos(State(state): State<ServerState>, Query(query): Query<UserQuery>) -> Response {
    let (world, now) = (state.world(), clock::now());
    let owner = match query.owner(&world) {
        Ok(owner) => owner,
        Err(error) => return respond(Err(error)),
    };
    let is_wanted = |photo: &&Photo| owner.as_ref().is_none_or(|owner| *owner == photo.owner);
    let described = |photos: &mut dyn Iterator<Item = &Photo>| -> Vec<_> {
        photos.filter(is_wanted).map(|photo| describe(photo, now)).collect()
    };
    let photos = described(&mut world.photos.values());
    let deleted = described(&mut world.deleted_photos.values());
    respond(Ok(json!({"photos": photos, "deleted": deleted})))
}

fn describe(photo: &Photo, now: Timestamp) -> Value {
    json!({
        "id": photo.id.to_string(),
        "owner": photo.owner,
        "secret": photo.secret,
        "original_secret": photo.original_secret,
        "title": photo.title,
        "description": photo.description,
        "tags": photo.tags.iter().map(|tag| &tag.raw).collect::<Vec<_>>(),
        "sha256": photo.file.sha256,
        "bytes": photo.file.bytes,
        "filename": photo.file.name,
        "file_content_type": photo.file.content_type,
        "file_kind": photo.file.kind.extension(),
        "media": photo.file.kind.media(),
        "media_status": photo.media_status(now),
        "is_public": photo.privacy.is_public,
        "is_friend": photo.privacy.is_friend,
        "is_family": photo.privacy.is_family,
        "license": photo.license,
        "safety_level": photo.safety_level,
        "content_type": photo.content_type,
        "hidden": photo.hidden,
        "replacements": photo.replacements,
        "uploaded_at": clock::rfc3339(photo.uploaded),
        "updated_at": clock::rfc3339(photo.updated),
        "known_at": clock::rfc3339(photo.known.by_id),
        "indexed_at": clock::rfc3339(photo.known.in_lists),
        "tags_indexed_at": clock::rfc3339(photo.known.by_tag),
        "deduplicated_at": clock::rfc3339(photo.known.as_original),
    })
}

#[derive(Deserialize)]
pub(super) struct PhotoQuery {
    id: Option<String>,
}

/// Deletes a photo as its owner would.
pub(super) async fn delete_photo(State(state): State<ServerState>, Query(query): Query<PhotoQuery>) -> Response {
    let Some(id) = query.id else { return respond(Err(bad_request("name the id of a photo"))) };
    let is_deleted = id.parse().is_ok_and(|id| state.world().delete_photo(id));
    respond(if is_deleted { Ok(json!({})) } else { Err(not_found(format!("no photo {id:?}"))) })
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
pub(super) async fn seed_photos(State(state): State<ServerState>, body: Bytes) -> Response {
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
        content_type: None,
        kind: FileKind::Photo("jpg"),
    };
    let filler = "lorem ipsum ".chars().cycle().take(seed.description_bytes.saturating_sub(seed.description.len()));
    Photo {
        description: seed.description.chars().chain(filler).collect(),
        tags: tags::parse_list(&seed.tags),
        privacy: Privacy::new(seed.is_public, false, false),
        ..Photo::new(owner, title, file, KnownFrom::at_once(then), then)
    }
}

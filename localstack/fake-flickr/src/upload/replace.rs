//! A replacement: another file under the same id.

use super::codes;
use super::transfer::Transfer;
use crate::envelope::ApiError;
use crate::ids;
use crate::request::Endpoint;
use crate::world::World;
use crate::world::file_kind::FileKind;
use crate::world::lags::KnownFrom;

/// Replaces the file of a photo, and returns its id. Its texts and tags stay, and its secrets change.
pub(super) fn replace(world: &mut World, transfer: &Transfer<'_>) -> Result<u64, ApiError> {
    let refused = |code| Err(codes::error(Endpoint::Replace, code));
    if world.users.get(&transfer.user).is_none_or(|user| !user.pro) {
        return refused(1);
    }
    let not_found = world.config.replace_not_found_code;
    let known = KnownFrom::with_lags(&world.config, transfer.stored_at(world));
    let id = transfer.params.get("photo_id").and_then(|id| id.parse().ok());
    let id = id.and_then(|id| world.known_photo(id, transfer.now)).filter(|photo| photo.owner == transfer.user);
    let id = id.map(|photo| photo.id);
    let photo = id.and_then(|id| world.photos.get_mut(&id));
    let photo = photo.ok_or_else(|| ApiError::new(not_found, "Photo not found"))?;
    if [photo.file.kind, transfer.file.kind].iter().any(|kind| matches!(kind, FileKind::Video(_))) {
        return refused(8);
    }
    photo.file = transfer.file.clone();
    photo.known.as_original = known.as_original;
    photo.secret = ids::photo_secret();
    photo.original_secret = ids::photo_secret();
    photo.replacements += 1;
    photo.touch(transfer.now);
    Ok(photo.id)
}

//! Methods that change a photo.

use super::call::Call;
use super::info::tags_element;
use crate::envelope::{ApiError, Element, MethodResult};
use crate::world::photo::{MAX_TAGS, Photo, Privacy};
use crate::world::tags;
use crate::world::text;

/// License ids run from 0 to this.
const LAST_LICENSE: u8 = 16;

pub(super) fn set_meta(call: &mut Call<'_>) -> MethodResult {
    let now = call.now;
    let (title, description) = (call.params.get("title"), call.params.get("description"));
    if title.is_none() && description.is_none() {
        return Err(ApiError::new(2, "Required arguments missing"));
    }
    let photo = own_photo(call)?;
    if let Some(title) = title {
        photo.title = text::stored(title);
    }
    if let Some(description) = description {
        photo.description = text::stored(description);
    }
    photo.touch(now);
    Ok(Vec::new())
}

pub(super) fn add_tags(call: &mut Call<'_>) -> MethodResult {
    let now = call.now;
    let tags = tags::parse_list(call.params.get("tags").unwrap_or_default());
    let photo = own_photo(call)?;
    if photo.tags.len() + tags.len() > MAX_TAGS {
        return Err(ApiError::new(2, "Maximum number of tags reached"));
    }
    let added = photo.add_tags(tags);
    photo.touch(now);
    Ok(vec![tags_element(photo, &added)])
}

pub(super) fn set_license(call: &mut Call<'_>) -> MethodResult {
    let now = call.now;
    let license: Option<u8> = call.params.get("license_id").and_then(|id| id.parse().ok());
    let photo = own_photo(call)?;
    photo.license = license.filter(|id| *id <= LAST_LICENSE).ok_or_else(|| ApiError::new(2, "License not found"))?;
    photo.touch(now);
    Ok(Vec::new())
}

/// A video in processing keeps its permissions.
pub(super) fn set_perms(call: &mut Call<'_>) -> MethodResult {
    let now = call.now;
    let flag = |name| match call.params.get(name) {
        Some("0") => Ok(false),
        Some("1") => Ok(true),
        _ => Err(ApiError::new(2, "Required arguments missing")),
    };
    let privacy = Privacy::new(flag("is_public")?, flag("is_friend")?, flag("is_family")?);
    let photo = own_photo(call)?;
    if photo.is_pending_video(now) {
        return Err(not_found());
    }
    photo.privacy = privacy;
    photo.touch(now);
    let element = Element::with_text("photoid", photo.id.to_string());
    Ok(vec![element.attr("secret", photo.secret.as_str()).attr("originalsecret", photo.original_secret.as_str())])
}

pub(super) fn delete(call: &mut Call<'_>) -> MethodResult {
    let id = call.own_photo("photo_id").ok_or_else(not_found)?;
    call.world.delete_photo(id);
    Ok(Vec::new())
}

fn own_photo<'a>(call: &'a mut Call<'_>) -> Result<&'a mut Photo, ApiError> {
    let id = call.own_photo("photo_id").ok_or_else(not_found)?;
    call.world.photos.get_mut(&id).ok_or_else(not_found)
}

fn not_found() -> ApiError {
    ApiError::new(1, "Photo not found")
}

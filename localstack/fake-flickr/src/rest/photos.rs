//! `flickr.photos.*`, except the search and the tickets of uploads.

use super::call::Call;
use crate::clock;
use crate::envelope::{ApiError, Element, MethodResult};
use crate::world::photo::Photo;
use crate::world::tags::{self, Tag};
use crate::world::text;
use crate::world::{User, World};

const MAX_TAGS_PER_PHOTO: usize = 75;
/// License ids run from 0 to this.
const LAST_LICENSE: u8 = 16;

pub(super) fn get_info(call: &mut Call<'_>) -> MethodResult {
    let id = call.params.get("photo_id").unwrap_or_default();
    let photo = call.id("photo_id").and_then(|id| call.world.photos.get(&id));
    let photo = photo.ok_or_else(|| ApiError::new(1, format!("Photo \"{id}\" not found (invalid ID)")))?;
    // As at Flickr, a viewer who knows the photo's secret may see it.
    let knows_secret = call.params.get("secret") == Some(&photo.secret);
    if !photo.is_visible_to(call.viewer()) && !knows_secret {
        return Err(ApiError::new(2, "Permission denied"));
    }
    Ok(vec![info(call.world, photo, call.viewer())])
}

fn info(world: &World, photo: &Photo, viewer: Option<&str>) -> Element {
    let posted = photo.uploaded.as_second().to_string();
    let owner = world.users.get(&photo.owner);
    let is_owner = viewer == Some(photo.owner.as_str());
    let element = Element::new("photo")
        .attr("id", photo.id.to_string())
        .attr("secret", photo.secret.as_str())
        .attr("server", "65535")
        .attr("farm", 66_u64)
        .attr("dateuploaded", posted.as_str())
        .attr("isfavorite", is_favorite(world, photo.id, viewer))
        .attr("license", photo.license.to_string())
        .attr("safety_level", photo.safety_level.to_string())
        .attr("rotation", 0_u64)
        .attr("originalsecret", photo.original_secret.as_str())
        .attr("originalformat", photo.file.kind.extension())
        .attr("views", "0")
        .attr("media", photo.file.kind.media());
    let visibility = Element::new("visibility")
        .attr("ispublic", photo.privacy.is_public)
        .attr("isfriend", photo.privacy.is_friend)
        .attr("isfamily", photo.privacy.is_family);
    let dates = Element::new("dates")
        .attr("posted", posted)
        .attr("taken", clock::mysql(photo.uploaded))
        .attr("takengranularity", 0_u64)
        .attr("takenunknown", "1")
        .attr("lastupdate", photo.updated.as_second().to_string());
    let page = Element::with_text("url", format!("https://www.flickr.com/photos/{}/{}/", photo.owner, photo.id));
    element
        .child(owner_element(&photo.owner, owner))
        .text("title", photo.title.as_str())
        .text("description", text::shown(&photo.description))
        .child(visibility)
        .child(dates)
        .child(rights("editability", "cancomment", "canaddmeta", is_owner))
        .child(rights("publiceditability", "cancomment", "canaddmeta", true))
        .child(rights("usage", "candownload", "canblog", is_owner).attr("canprint", is_owner).attr("canshare", true))
        .text("comments", "0")
        .child(Element::new("notes").many("note", Vec::new()))
        .child(Element::new("people").attr("haspeople", 0_u64))
        .child(tags_element(photo, &photo.tags))
        .child(Element::new("urls").many("url", vec![page.attr("type", "photopage")]))
}

fn rights(name: &'static str, one: &'static str, other: &'static str, granted: bool) -> Element {
    Element::new(name).attr(one, granted).attr(other, granted)
}

fn owner_element(nsid: &str, user: Option<&User>) -> Element {
    let of = |field: fn(&User) -> &str| user.map(field).unwrap_or_default();
    Element::new("owner")
        .attr("nsid", nsid)
        .attr("username", of(|user| &user.username))
        .attr("realname", of(|user| &user.fullname))
        .attr("location", "")
}

fn tags_element(photo: &Photo, tags: &[Tag]) -> Element {
    let tags = tags.iter().map(|tag| {
        Element::with_text("tag", tag.clean.as_str())
            .attr("id", format!("{}-{}", photo.id, tag.clean))
            .attr("author", photo.owner.as_str())
            .attr("raw", tag.raw.as_str())
            .attr("machine_tag", tag.machine.is_some())
    });
    Element::new("tags").many("tag", tags.collect())
}

fn is_favorite(world: &World, photo: u64, viewer: Option<&str>) -> bool {
    let favorites = viewer.and_then(|viewer| world.favorites.get(viewer));
    favorites.is_some_and(|favorites| favorites.iter().any(|(id, _)| *id == photo))
}

pub(super) fn set_meta(call: &mut Call<'_>) -> MethodResult {
    let now = call.now;
    let (title, description) = (call.params.get("title"), call.params.get("description"));
    let photo = own_photo(call)?;
    if let Some(title) = title {
        photo.title = text::stored(title);
    }
    if let Some(description) = description {
        photo.description = text::stored(description);
    }
    photo.updated = now;
    Ok(Vec::new())
}

pub(super) fn add_tags(call: &mut Call<'_>) -> MethodResult {
    let now = call.now;
    let tags = tags::parse_list(call.params.get("tags").unwrap_or_default());
    let photo = own_photo(call)?;
    if photo.tags.len() + tags.len() > MAX_TAGS_PER_PHOTO {
        return Err(ApiError::new(2, "Maximum number of tags reached"));
    }
    let added = photo.add_tags(tags);
    photo.updated = now;
    Ok(vec![tags_element(photo, &added)])
}

pub(super) fn set_license(call: &mut Call<'_>) -> MethodResult {
    let now = call.now;
    let license: Option<u8> = call.params.get("license_id").and_then(|id| id.parse().ok());
    let photo = own_photo(call)?;
    photo.license = license.filter(|id| *id <= LAST_LICENSE).ok_or_else(|| ApiError::new(2, "License not found"))?;
    photo.updated = now;
    Ok(Vec::new())
}

pub(super) fn delete(call: &mut Call<'_>) -> MethodResult {
    let id = call.own_photo("photo_id").ok_or_else(not_found)?;
    call.world.remove_photo(id);
    Ok(Vec::new())
}

fn own_photo<'a>(call: &'a mut Call<'_>) -> Result<&'a mut Photo, ApiError> {
    let id = call.own_photo("photo_id").ok_or_else(not_found)?;
    call.world.photos.get_mut(&id).ok_or_else(not_found)
}

fn not_found() -> ApiError {
    ApiError::new(1, "Photo not found")
}

//! `flickr.photos.getInfo`.

use super::call::Call;
use crate::clock;
use crate::envelope::{ApiError, Element, MethodResult};
use crate::world::photo::Photo;
use crate::world::tags::Tag;
use crate::world::text;
use crate::world::video::VideoState;
use crate::world::{User, World};

pub(super) fn get_info(call: &mut Call<'_>) -> MethodResult {
    let id = call.params.get("photo_id").unwrap_or_default();
    let is_shown = |photo: &&Photo| call.world.config.pending_videos_have_info || !photo.is_pending_video(call.now);
    let photo = call.photo("photo_id").filter(is_shown);
    let photo = photo.ok_or_else(|| ApiError::new(1, format!("Photo \"{id}\" not found (invalid ID)")))?;
    // As at Flickr, a viewer who knows the photo's secret may see it.
    let knows_secret = call.params.get("secret") == Some(&photo.secret);
    if !photo.is_visible_to(call.viewer()) && !knows_secret {
        return Err(ApiError::new(2, "Permission denied"));
    }
    let element = info(call.world, photo, call.viewer());
    Ok(vec![match photo.video {
        Some(video) => element.child(video_element(call, video.state(call.now))),
        None => element,
    }])
}

/// The state of a video. Its measures are known once it plays.
fn video_element(call: &Call<'_>, state: VideoState) -> Element {
    let is = |wanted| call.number(u64::from(state == wanted));
    let measure = |number| call.number(if state == VideoState::Ready { number } else { 0 });
    Element::new("video")
        .attr("ready", is(VideoState::Ready))
        .attr("failed", is(VideoState::Failed))
        .attr("pending", is(VideoState::Pending))
        .attr("duration", measure(10))
        .attr("width", measure(1280))
        .attr("height", measure(720))
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

fn is_favorite(world: &World, photo: u64, viewer: Option<&str>) -> bool {
    let favorites = viewer.and_then(|viewer| world.favorites.get(viewer));
    favorites.is_some_and(|favorites| favorites.iter().any(|(id, _)| *id == photo))
}

pub(super) fn tags_element(photo: &Photo, tags: &[Tag]) -> Element {
    let tags = tags.iter().map(|tag| {
        Element::with_text("tag", tag.clean.as_str())
            .attr("id", format!("{}-{}", photo.id, tag.clean))
            .attr("author", photo.owner.as_str())
            .attr("raw", tag.raw.as_str())
            .attr("machine_tag", tag.machine.is_some())
    });
    Element::new("tags").many("tag", tags.collect())
}

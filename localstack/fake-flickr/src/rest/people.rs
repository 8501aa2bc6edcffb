//! `flickr.people.*`.

use super::call::Call;
use super::listing::{self, Page};
use crate::envelope::{ApiError, Element, MethodResult, Scalar};
use crate::world::photo::Photo;

pub(super) fn get_info(call: &mut Call<'_>) -> MethodResult {
    let user = call.params.non_empty("user_id").and_then(|user_id| call.user_named(user_id));
    let user = user.and_then(|nsid| call.world.users.get(&nsid)).ok_or_else(|| ApiError::new(1, "User not found"))?;
    let count = call.world.photos.values().filter(|photo| photo.owner == user.nsid && photo.privacy.is_public).count();
    let person = Element::new("person")
        .attr("id", user.nsid.as_str())
        .attr("nsid", user.nsid.as_str())
        .attr("ispro", user.pro)
        .attr("path_alias", Scalar::Null)
        .text("username", user.username.as_str())
        .text("realname", user.fullname.as_str())
        .text("photosurl", format!("https://www.flickr.com/photos/{}/", user.nsid))
        .text("profileurl", format!("https://www.flickr.com/people/{}/", user.nsid))
        .child(Element::new("photos").text("count", count.to_string()));
    Ok(vec![person])
}

pub(super) fn get_photos(call: &mut Call<'_>) -> MethodResult {
    let user_id = call.params.non_empty("user_id").ok_or_else(|| ApiError::new(1, "Required arguments missing"))?;
    let owner = call.user_named(user_id).ok_or_else(|| ApiError::new(2, "Unknown user"))?;
    let is_listed =
        |photo: &&Photo| photo.owner == owner && photo.indexed <= call.now && photo.is_visible_to(call.viewer());
    let photos: Vec<&Photo> = call.world.photos.values().rev().filter(is_listed).collect();
    let page = Page::from_params(call.params);
    let entries = listing::entries(call.world, &photos, page.offset(), page.size, call.params);
    Ok(vec![page.envelope("photos", photos.len()).many("photo", entries)])
}

pub(super) fn get_upload_status(call: &mut Call<'_>) -> MethodResult {
    let user = call.viewer().and_then(|nsid| call.world.users.get(nsid));
    let user = user.ok_or_else(|| ApiError::new(99, "User not logged in"))?;
    let mine = call.world.photos.values().filter(|photo| photo.owner == user.nsid);
    let (videos, photos): (Vec<_>, Vec<_>) = mine.partition(|photo| photo.file.kind.media() == "video");
    let bytes: u64 = photos.iter().map(|photo| photo.file.bytes).sum();
    let sets = call.world.photosets.values().filter(|set| set.owner == user.nsid).count();
    let config = &call.world.config;
    let element = Element::new("user")
        .attr("id", user.nsid.as_str())
        .attr("ispro", user.pro)
        .text("username", user.username.as_str())
        .child(
            Element::new("bandwidth")
                .attr("max", 0_u64)
                .attr("used", bytes / 1024)
                .attr("maxbytes", 0_u64)
                .attr("usedbytes", bytes)
                .attr("unlimited", 1_u64),
        )
        .child(size("filesize", config.max_photo_bytes))
        .child(Element::new("sets").attr("created", sets).attr("remaining", "lots"))
        .child(size("videosize", config.max_video_bytes))
        .child(Element::new("videos").attr("uploaded", videos.len()).attr("remaining", "lots"));
    Ok(vec![element])
}

fn size(name: &'static str, bytes: u64) -> Element {
    Element::new(name).attr("max", bytes).attr("maxbytes", bytes).attr("maxkb", bytes >> 10).attr("maxmb", bytes >> 20)
}

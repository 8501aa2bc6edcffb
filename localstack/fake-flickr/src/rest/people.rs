//! `flickr.people.*`.

use super::call::Call;
use super::listing::{self, Page};
use crate::envelope::{ApiError, Element, MethodResult, Scalar};
use crate::world::photo::Photo;

/// The monthly bandwidth, which nobody uses up. It passes 2^32, as some of Flickr's numbers do.
const BANDWIDTH_BYTES: u64 = 1 << 40;

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
    let is_visible = |photo: &&Photo| photo.owner == owner && photo.is_visible_to(call.viewer());
    let visible: Vec<&Photo> = call.world.photos.values().rev().filter(is_visible).collect();
    let listed: Vec<&Photo> = visible.iter().copied().filter(|photo| photo.known.in_lists <= call.now).collect();
    let total = if call.world.config.total_counts_unlisted { visible.len() } else { listed.len() };
    let page = Page::from_params(call.params);
    let entries = listing::entries(call, &listed, page.offset(), page.size);
    Ok(vec![page.envelope("photos", total).many("photo", entries)])
}

pub(super) fn get_upload_status(call: &mut Call<'_>) -> MethodResult {
    let user = call.viewer().and_then(|nsid| call.world.users.get(nsid));
    let user = user.ok_or_else(|| ApiError::new(99, "User not logged in"))?;
    let mine = call.world.photos.values().filter(|photo| photo.owner == user.nsid);
    let (videos, photos): (Vec<_>, Vec<_>) = mine.partition(|photo| photo.file.kind.media() == "video");
    let bytes: u64 = photos.iter().map(|photo| photo.file.bytes).sum();
    let sets = call.world.photosets.values().filter(|set| set.owner == user.nsid).count();
    let config = &call.world.config;
    let created = if sets == 0 { Scalar::Null } else { call.number(sets as u64) };
    let remaining = BANDWIDTH_BYTES.saturating_sub(bytes);
    let bandwidth = Element::new("bandwidth")
        .attr("max", call.number(BANDWIDTH_BYTES))
        .attr("used", call.number(bytes))
        .attr("maxbytes", call.number(BANDWIDTH_BYTES))
        .attr("usedbytes", call.number(bytes))
        .attr("remainingbytes", call.number(remaining))
        .attr("maxkb", call.number(BANDWIDTH_BYTES >> 10))
        .attr("usedkb", call.number(bytes >> 10))
        .attr("remainingkb", call.number(remaining >> 10))
        .attr("unlimited", call.number(1));
    let element = Element::new("user")
        .attr("id", user.nsid.as_str())
        .attr("ispro", call.number(u64::from(user.pro)))
        .text("username", user.username.as_str())
        .child(bandwidth)
        .child(size(call, "filesize", config.max_photo_bytes))
        .child(Element::new("sets").attr("created", created).attr("remaining", "lots"))
        .child(size(call, "videosize", config.max_video_bytes))
        .child(Element::new("videos").attr("uploaded", call.number(videos.len() as u64)).attr("remaining", "lots"));
    Ok(vec![element])
}

fn size(call: &Call<'_>, name: &'static str, bytes: u64) -> Element {
    Element::new(name)
        .attr("max", call.number(bytes))
        .attr("maxbytes", call.number(bytes))
        .attr("maxkb", call.number(bytes >> 10))
        .attr("maxmb", call.number(bytes >> 20))
}

/// What the caller may upload. Only here does Flickr tell how long a video may be.
pub(super) fn get_limits(call: &mut Call<'_>) -> MethodResult {
    let user = call.viewer().and_then(|nsid| call.world.users.get(nsid));
    let user = user.ok_or_else(|| ApiError::new(99, "User not logged in"))?;
    let config = &call.world.config;
    let (pixels, seconds) = if user.pro { (6144, 600) } else { (1024, 180) };
    let photos = Element::new("photos")
        .attr("maxdisplaypx", call.number(pixels))
        .attr("maxupload", call.number(config.max_photo_bytes));
    let videos = Element::new("videos")
        .attr("maxduration", call.number(seconds))
        .attr("maxupload", call.number(config.max_video_bytes));
    Ok(vec![Element::new("person").attr("nsid", user.nsid.as_str()).child(photos).child(videos)])
}

//! `flickr.photosets.*`.

use super::call::Call;
use super::listing::{self, Page};
use crate::envelope::{ApiError, Element, MethodResult};
use crate::world::Photoset;
use crate::world::photo::Photo;
use crate::world::text;

const MAX_PHOTOS_PER_SET: usize = 500;

pub(super) fn create(call: &mut Call<'_>) -> MethodResult {
    let title = call.params.non_empty("title").ok_or_else(|| ApiError::new(1, "No title specified"))?;
    let primary = call.own_photo("primary_photo_id").ok_or_else(|| {
        let is_fresh = call.id("primary_photo_id").is_some_and(|id| call.world.photos.contains_key(&id));
        ApiError::new(2, if is_fresh { "Invalid primary photo id" } else { "Photo not found" })
    })?;
    let owner = call.viewer().unwrap_or_default().to_owned();
    let url = |id: u64| format!("https://www.flickr.com/photos/{owner}/sets/{id}/");
    let id = call.world.add_photoset(Photoset {
        owner: owner.clone(),
        title: text::stored(title),
        description: text::stored(call.params.get("description").unwrap_or_default()),
        primary,
        photos: vec![primary],
        created: call.now,
    });
    Ok(vec![Element::new("photoset").attr("id", id.to_string()).attr("url", url(id))])
}

pub(super) fn add_photo(call: &mut Call<'_>) -> MethodResult {
    let photo = call.own_photo("photo_id");
    let viewer = call.viewer().map(str::to_owned);
    let set = call.id("photoset_id").and_then(|id| call.world.photosets.get_mut(&id));
    let set = set.filter(|set| viewer.as_ref() == Some(&set.owner)).ok_or_else(not_found)?;
    let photo = photo.ok_or_else(|| ApiError::new(2, "Photo not found"))?;
    if set.photos.contains(&photo) {
        return Err(ApiError::new(3, "Photo already in set"));
    }
    if set.photos.len() >= MAX_PHOTOS_PER_SET {
        return Err(ApiError::new(10, "Maximum number of photos in set"));
    }
    set.photos.push(photo);
    Ok(Vec::new())
}

pub(super) fn get_list(call: &mut Call<'_>) -> MethodResult {
    let owner = call.user_or_caller().ok_or_else(|| ApiError::new(1, "User not found"))?;
    let sets: Vec<_> = call.world.photosets.iter().rev().filter(|(_, set)| set.owner == owner).collect();
    let page = Page::from_params(call.params);
    let entries = sets.iter().skip(page.offset()).take(page.size).map(|(id, set)| {
        Element::new("photoset")
            .attr("id", id.to_string())
            .attr("owner", set.owner.as_str())
            .attr("primary", set.primary.to_string())
            .attr("count_photos", set.photos.len())
            .attr("count_videos", 0_u64)
            .attr("date_create", set.created.as_second().to_string())
            .text("title", set.title.as_str())
            .text("description", text::shown(&set.description))
    });
    let envelope = page.envelope("photosets", sets.len()).attr("cancreate", call.viewer() == Some(&owner));
    Ok(vec![envelope.many("photoset", entries.collect())])
}

pub(super) fn get_photos(call: &mut Call<'_>) -> MethodResult {
    let id = call.id("photoset_id").ok_or_else(not_found)?;
    let set = call.world.photosets.get(&id).ok_or_else(not_found)?;
    let is_listed = |photo: &&Photo| photo.is_visible_to(call.viewer());
    let photos: Vec<&Photo> = set.photos.iter().filter_map(|id| call.world.photos.get(id)).filter(is_listed).collect();
    let page = Page::from_params(call.params);
    let entries = listing::entries(call, &photos, page.offset(), page.size);
    let envelope = page
        .envelope("photoset", photos.len())
        .attr("id", id.to_string())
        .attr("primary", set.primary.to_string())
        .attr("owner", set.owner.as_str())
        .attr("title", set.title.as_str());
    Ok(vec![envelope.many("photo", entries)])
}

fn not_found() -> ApiError {
    ApiError::new(1, "Photoset not found")
}

//! `flickr.favorites.*`.

use super::call::Call;
use super::listing::{self, Page};
use crate::envelope::{ApiError, MethodResult};
use crate::world::photo::Photo;

pub(super) fn add(call: &mut Call<'_>) -> MethodResult {
    let viewer = call.viewer().unwrap_or_default().to_owned();
    let photo = call.photo("photo_id").ok_or_else(|| ApiError::new(1, "Photo not found"))?;
    let (id, owner, is_visible) = (photo.id, photo.owner.as_str(), photo.is_visible_to(Some(&viewer)));
    if owner == viewer {
        return Err(ApiError::new(2, "Photo is owned by you"));
    }
    if !is_visible {
        return Err(ApiError::new(4, "User cannot see photo"));
    }
    let favorites = call.world.favorites.entry(viewer).or_default();
    if favorites.iter().any(|(known, _)| *known == id) {
        return Err(ApiError::new(3, "Photo is already in favorites"));
    }
    favorites.push((id, call.now));
    Ok(Vec::new())
}

pub(super) fn remove(call: &mut Call<'_>) -> MethodResult {
    let id = call.id("photo_id");
    let viewer = call.viewer().unwrap_or_default().to_owned();
    let favorites = call.world.favorites.entry(viewer).or_default();
    let index = favorites.iter().position(|(known, _)| Some(*known) == id);
    favorites.remove(index.ok_or_else(|| ApiError::new(1, "Photo not in favorites"))?);
    Ok(Vec::new())
}

pub(super) fn get_list(call: &mut Call<'_>) -> MethodResult {
    let user = call.user_or_caller().ok_or_else(|| ApiError::new(1, "User not found"))?;
    let is_listed = |photo: &&Photo| photo.is_visible_to(call.viewer());
    let favorites = call.world.favorites.get(&user).into_iter().flatten().rev();
    let photos: Vec<&Photo> = favorites.filter_map(|(id, _)| call.world.photos.get(id)).filter(is_listed).collect();
    let page = Page::from_params(call.params);
    let entries = listing::entries(call, &photos, page.offset(), page.size);
    Ok(vec![page.envelope("photos", photos.len()).many("photo", entries)])
}

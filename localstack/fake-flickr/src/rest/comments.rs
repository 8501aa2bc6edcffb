//! `flickr.photos.comments.*`.

use super::call::Call;
use crate::envelope::{ApiError, Element, MethodResult};
use crate::world::Comment;
use crate::world::photo::Photo;
use crate::world::text;

/// Adds a comment. A second one of the same author and text is the first.
pub(super) fn add(call: &mut Call<'_>) -> MethodResult {
    let photo = visible_photo(call).ok_or_else(|| ApiError::new(1, "Photo not found."))?.id;
    let author = call.viewer().unwrap_or_default().to_owned();
    let text = text::stored(call.params.get("comment_text").unwrap_or_default());
    if text.is_empty() {
        return Err(ApiError::new(8, "Blank comment."));
    }
    let comments = call.world.comments.entry(photo).or_default();
    let known = comments.iter().position(|comment| comment.author == author && comment.text == text);
    let index = known.unwrap_or(comments.len());
    if known.is_none() {
        comments.push(Comment { author, text, created: call.now });
    }
    Ok(vec![Element::new("comment").attr("id", id(photo, index))])
}

pub(super) fn get_list(call: &mut Call<'_>) -> MethodResult {
    let photo = visible_photo(call).ok_or_else(|| ApiError::new(1, "Photo not found"))?.id;
    let comments = call.world.comments.get(&photo).into_iter().flatten().enumerate().map(|(index, comment)| {
        let author = call.world.users.get(&comment.author).map_or("", |user| &user.username);
        Element::with_text("comment", text::shown(&comment.text))
            .attr("id", id(photo, index))
            .attr("author", comment.author.as_str())
            .attr("authorname", author)
            .attr("datecreate", comment.created.as_second().to_string())
    });
    let list = Element::new("comments").attr("photo_id", photo.to_string());
    Ok(vec![list.many("comment", comments.collect())])
}

fn visible_photo<'a>(call: &'a Call<'_>) -> Option<&'a Photo> {
    let photo = call.photo("photo_id")?;
    photo.is_visible_to(call.viewer()).then_some(photo)
}

fn id(photo: u64, index: usize) -> String {
    format!("{photo}-{index}")
}

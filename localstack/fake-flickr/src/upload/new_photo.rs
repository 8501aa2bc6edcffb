//! The photo that an upload becomes.

use jiff::Timestamp;

use super::codes;
use super::transfer::Transfer;
use crate::envelope::ApiError;
use crate::faults::Kind;
use crate::params::Params;
use crate::request::Endpoint;
use crate::world::World;
use crate::world::file_kind::FileKind;
use crate::world::lags::{KnownFrom, later};
use crate::world::photo::{MAX_TAGS, Photo, Privacy};
use crate::world::tags;
use crate::world::text;
use crate::world::video::Video;

/// Builds the photo of an upload.
///
/// # Errors
/// If the account may not hold it.
pub(super) fn build(world: &World, transfer: &Transfer<'_>) -> Result<Photo, ApiError> {
    let (params, file) = (transfer.params, transfer.file.clone());
    let refused = |code| Err(codes::error(Endpoint::Upload, code));
    let safety_level = level(params, "safety_level", 3).unwrap_or(1);
    let is_pro = world.users.get(&transfer.user).is_some_and(|user| user.pro);
    let items = world.photos.values().filter(|photo| photo.owner == transfer.user).count() as u64;
    if !is_pro && items >= world.config.free_account_items {
        return refused(6);
    }
    if !is_pro && safety_level > 1 {
        return refused(15);
    }
    let mut tags = tags::parse_list(params.get("tags").unwrap_or_default());
    if tags.len() > MAX_TAGS && world.config.refuse_excess_tags {
        return refused(3);
    }
    tags.truncate(MAX_TAGS);
    let title = params.non_empty("title").map_or_else(|| title_of(&file.name), text::stored);
    let video = matches!(file.kind, FileKind::Video(_)).then(|| video(world, transfer));
    let known = KnownFrom::with_lags(&world.config, transfer.stored_at(world));
    Ok(Photo {
        description: text::stored(params.get("description").unwrap_or_default()),
        tags,
        privacy: privacy(params),
        safety_level,
        content_type: level(params, "content_type", 4).unwrap_or(1),
        hidden: level(params, "hidden", 2).unwrap_or(1),
        video,
        ..Photo::new(transfer.user.clone(), title, file, known, transfer.now)
    })
}

fn video(world: &World, transfer: &Transfer<'_>) -> Video {
    let fault = transfer.fault.map(|fault| fault.kind);
    let processed = later(transfer.stored_at(world), world.config.video_processing_ms);
    Video {
        processed: if fault == Some(Kind::VideoStuck) { Timestamp::MAX } else { processed },
        is_broken: fault == Some(Kind::VideoFailed),
    }
}

/// The title of a photo that is uploaded without one: its file's name without the extension.
fn title_of(file_name: &str) -> String {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

fn privacy(params: &Params) -> Privacy {
    let flag = |name, default| match params.get(name) {
        Some("0") => false,
        Some("1") => true,
        _ => default,
    };
    Privacy::new(flag("is_public", true), flag("is_friend", false), flag("is_family", false))
}

/// A level from 1 to `last`. Any other value, such as Flickr's 9 for the user's default, counts as absent.
fn level(params: &Params, name: &str, last: u8) -> Option<u8> {
    params.get(name)?.parse().ok().filter(|number| (1..=last).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_come_from_file_names() {
        for (name, expected) in [
            ("sea.jpg", "sea"),
            ("/home/a/sea.2024.jpg", "sea.2024"),
            (r"C:\a\b.png", "b"),
            ("dummy name", "dummy name"),
        ] {
            assert_eq!(title_of(name), expected);
        }
    }
}

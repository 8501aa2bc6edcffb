//! Upload and replace. The answer is always XML, whatever format the client asks for, and an error has status 200 too.

use jiff::Timestamp;

use crate::answer::Answer;
use crate::envelope::{ApiError, Element, Format};
use crate::faults::Kind;
use crate::ids;
use crate::oauth::{self, AuthError};
use crate::params::Params;
use crate::perms::Perms;
use crate::request::{ApiRequest, Endpoint, FilePart};
use crate::world::photo::{FileKind, Photo, Privacy, StoredFile};
use crate::world::tags;
use crate::world::text;
use crate::world::{Ticket, World};

/// Whether the call is an asynchronous upload or replacement, which is answered with a ticket.
pub(crate) fn is_async(request: &ApiRequest) -> bool {
    matches!(request.endpoint, Endpoint::Upload | Endpoint::Replace) && request.params.get("async") == Some("1")
}

pub(crate) fn answer(world: &mut World, request: &ApiRequest, fault: Option<Kind>, now: Timestamp) -> Answer {
    match transfer(world, request, fault, now) {
        Ok(elements) => Format::Xml.render(&Ok(elements)),
        Err(AuthError::Api(error)) => Format::Xml.render(&Err(error)),
        Err(AuthError::Problem(problem)) => problem.answer(&world.config),
    }
}

fn transfer(
    world: &mut World,
    request: &ApiRequest,
    fault: Option<Kind>,
    now: Timestamp,
) -> Result<Vec<Element>, AuthError> {
    let caller = oauth::authenticate(world, request, now)?;
    caller.require(Perms::Write)?;
    let user = caller.user.unwrap_or_default();
    let file = validate_file(world, request.file.as_ref())?;
    if fault == Some(Kind::TicketFailed) {
        return Ok(ticket(world, Ticket::Failed));
    }
    let replaces = request.endpoint == Endpoint::Replace;
    let id = if replaces {
        replace(world, &user, &request.params, file, now)?
    } else {
        upload(world, user, &request.params, file, now)?
    };
    if is_async(request) {
        let pending_polls = world.config.ticket_pending_polls;
        return Ok(ticket(world, Ticket::Stored { pending_polls, photo: id }));
    }
    let answer = Element::with_text("photoid", id.to_string());
    Ok(vec![match world.photos.get(&id).filter(|_| replaces) {
        Some(photo) => {
            answer.attr("secret", photo.secret.as_str()).attr("originalsecret", photo.original_secret.as_str())
        }
        None => answer,
    }])
}

fn ticket(world: &mut World, ticket: Ticket) -> Vec<Element> {
    let id = ids::ticket();
    world.tickets.insert(id.clone(), ticket);
    vec![Element::with_text("ticketid", id)]
}

fn validate_file(world: &World, file: Option<&FilePart>) -> Result<StoredFile, ApiError> {
    let file = file.ok_or_else(|| upload_error(2))?;
    if file.bytes == 0 {
        return Err(upload_error(4));
    }
    let kind = match FileKind::detect(&file.head) {
        Some(kind) => kind,
        None if world.config.check_file_type => return Err(upload_error(5)),
        None => FileKind::Photo("jpg"),
    };
    let max_bytes = match kind {
        FileKind::Photo(_) => world.config.max_photo_bytes,
        FileKind::Video(_) => world.config.max_video_bytes,
    };
    if file.bytes > max_bytes {
        return Err(upload_error(8));
    }
    Ok(StoredFile { name: file.name.clone(), bytes: file.bytes, sha256: file.sha256.clone(), kind })
}

fn upload(world: &mut World, user: String, params: &Params, file: StoredFile, now: Timestamp) -> Result<u64, ApiError> {
    if matches!(params.get("dedup_check"), Some("1" | "2"))
        && let Some(original) = duplicate_of(world, &user, &file.sha256)
    {
        return Err(duplicate(Some(original)));
    }
    let title = params.non_empty("title").map_or_else(|| title_of(&file.name), text::stored);
    let mut photo = Photo::new(user, title, file, world.config.index_lag_ms, now);
    photo.description = text::stored(params.get("description").unwrap_or_default());
    photo.tags = tags::parse_list(params.get("tags").unwrap_or_default());
    photo.privacy = privacy(params);
    photo.safety_level = level(params, "safety_level").unwrap_or(1);
    photo.content_type = level(params, "content_type").unwrap_or(1);
    photo.hidden = level(params, "hidden").unwrap_or(1);
    Ok(world.add_photo(photo))
}

fn replace(world: &mut World, user: &str, params: &Params, file: StoredFile, now: Timestamp) -> Result<u64, ApiError> {
    if world.users.get(user).is_none_or(|user| !user.pro) {
        return Err(ApiError::new(1, "Not a pro account"));
    }
    let id = params.get("photo_id").and_then(|id| id.parse().ok());
    let photo = id.and_then(|id: u64| world.photos.get_mut(&id)).filter(|photo| photo.owner == user);
    let photo = photo.ok_or_else(|| ApiError::new(2, "Photo not found"))?;
    photo.file = file;
    photo.secret = ids::photo_secret();
    photo.original_secret = ids::photo_secret();
    photo.updated = now;
    photo.replacements += 1;
    Ok(photo.id)
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
    let is_public = flag("is_public", true);
    Privacy {
        is_public,
        is_friend: !is_public && flag("is_friend", false),
        is_family: !is_public && flag("is_family", false),
    }
}

/// A level from 1 to 3. Any other value, such as Flickr's 9 for the user's default, counts as absent.
fn level(params: &Params, name: &str) -> Option<u8> {
    params.get(name)?.parse().ok().filter(|number| (1..=3).contains(number))
}

fn duplicate_of(world: &World, user: &str, sha256: &str) -> Option<u64> {
    world.photos.values().find(|photo| photo.owner == user && photo.file.sha256 == sha256).map(|photo| photo.id)
}

fn duplicate(original: Option<u64>) -> ApiError {
    let extra_elements = original.into_iter().flat_map(|id| {
        [Element::with_text("duplicate_photo_id", id.to_string()), Element::with_text("duplicate_photo_status", "0")]
    });
    ApiError { extra_elements: extra_elements.collect(), ..upload_error(9) }
}

/// Builds the error `code` for an injected fault. Error 9 names the same photo if the account has it, else the newest.
pub(crate) fn injected_error(world: &World, request: &ApiRequest, code: i64, wait_seconds: Option<u32>) -> ApiError {
    let user = request.params.get("oauth_token").and_then(|token| world.access_tokens.get(token));
    let user = user.map(|access| access.user.as_str()).unwrap_or_default();
    let same = || duplicate_of(world, user, &request.file.as_ref()?.sha256);
    let newest = || world.photos.values().rev().find(|photo| photo.owner == user).map(|photo| photo.id);
    match code {
        9 => duplicate(same().or_else(newest)),
        14 => {
            let wait = wait_seconds.unwrap_or(60).to_string();
            ApiError {
                extra_elements: vec![Element::with_text("non_pro_desktop_upload_wait_time", wait)],
                ..upload_error(14)
            }
        }
        _ => upload_error(code),
    }
}

fn upload_error(code: i64) -> ApiError {
    let message = match code {
        2 => "No photo specified",
        4 => "Filesize was zero",
        5 => "Filetype was not recognised",
        6 => "Upload limit reached. For more info, visit flickr.com/pro",
        7 => "User exceeded video upload limit",
        8 => "Filesize was too large",
        9 => "Duplicate photo/video detected",
        14 => "Server at capacity",
        _ => "General upload failure",
    };
    ApiError::new(code, message)
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

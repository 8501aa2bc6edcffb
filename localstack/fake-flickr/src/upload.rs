//! Upload and replace. The answer is XML whatever format was asked, with HTTP 200 also for a failure.

use jiff::Timestamp;

use crate::answer::Answer;
use crate::envelope::{Element, Fail, Format, Reply, Scalar};
use crate::faults::Kind;
use crate::ids;
use crate::incoming::{Endpoint, FilePart, Incoming};
use crate::oauth::{self, Refusal};
use crate::params::Params;
use crate::perms::Perms;
use crate::rest;
use crate::world::photo::{FileKind, Photo, Privacy, StoredFile};
use crate::world::tags;
use crate::world::{Ticket, World};

/// Whether the call is an upload or a replacement that is to be answered with a ticket.
pub(crate) fn is_async(incoming: &Incoming) -> bool {
    matches!(incoming.endpoint, Endpoint::Upload | Endpoint::Replace) && incoming.params.get("async") == Some("1")
}

pub(crate) fn answer(world: &mut World, incoming: &Incoming, fault: Option<Kind>, now: Timestamp) -> Answer {
    match transfer(world, incoming, fault, now) {
        Ok(elements) => Format::Xml.render(&Ok(elements)),
        Err(Refusal::Fail(fail)) => Format::Xml.render(&Err(fail)),
        Err(Refusal::Problem(problem)) => problem.answer(&world.config),
    }
}

fn transfer(
    world: &mut World,
    incoming: &Incoming,
    fault: Option<Kind>,
    now: Timestamp,
) -> Result<Vec<Element>, Refusal> {
    let caller = oauth::identify(world, incoming, now)?;
    rest::require(&caller, Perms::Write)?;
    let user = caller.user.unwrap_or_default();
    let file = accept_file(world, incoming.file.as_ref())?;
    if fault == Some(Kind::TicketFailed) {
        return Ok(ticket(world, Ticket::Failed));
    }
    let replaces = incoming.endpoint == Endpoint::Replace;
    let id = if replaces {
        replace(world, &user, &incoming.params, file, now)?
    } else {
        upload(world, user, &incoming.params, file, now)?
    };
    if is_async(incoming) {
        let polls = world.config.ticket_pending_polls;
        return Ok(ticket(world, Ticket::Stored { polls, photo: id }));
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

fn accept_file(world: &World, file: Option<&FilePart>) -> Result<StoredFile, Fail> {
    let file = file.ok_or_else(|| fail(2))?;
    if file.bytes == 0 {
        return Err(fail(4));
    }
    let kind = match FileKind::recognise(&file.head) {
        Some(kind) => kind,
        None if world.config.check_file_type => return Err(fail(5)),
        None => FileKind::Photo("jpg"),
    };
    let most = match kind {
        FileKind::Photo(_) => world.config.max_photo_bytes,
        FileKind::Video(_) => world.config.max_video_bytes,
    };
    if file.bytes > most {
        return Err(fail(8));
    }
    Ok(StoredFile { name: file.name.clone(), bytes: file.bytes, sha256: file.sha256.clone(), kind })
}

fn upload(world: &mut World, user: String, params: &Params, file: StoredFile, now: Timestamp) -> Result<u64, Fail> {
    if matches!(params.get("dedup_check"), Some("1" | "2"))
        && let Some(original) = duplicate_of(world, &user, &file.sha256)
    {
        return Err(duplicate(Some(original)));
    }
    let title = params.filled("title").map_or_else(|| title_of(&file.name), str::to_owned);
    let mut photo = Photo::new(user, title, file, world.config.index_lag_ms, now);
    photo.description = params.get("description").unwrap_or_default().to_owned();
    photo.tags = tags::parse_list(params.get("tags").unwrap_or_default());
    photo.privacy = privacy(params);
    photo.safety_level = number(params, "safety_level").unwrap_or(1);
    photo.content_type = number(params, "content_type").unwrap_or(1);
    photo.hidden = number(params, "hidden").unwrap_or(1);
    Ok(world.add_photo(photo))
}

fn replace(world: &mut World, user: &str, params: &Params, file: StoredFile, now: Timestamp) -> Result<u64, Fail> {
    if world.users.get(user).is_none_or(|user| !user.pro) {
        return Err(Fail::new(1, "Not a pro account"));
    }
    let id = params.get("photo_id").and_then(|id| id.parse().ok());
    let photo = id.and_then(|id: u64| world.photos.get_mut(&id)).filter(|photo| photo.owner == user);
    let photo = photo.ok_or_else(|| Fail::new(2, "Photo not found"))?;
    photo.file = file;
    photo.secret = ids::photo_secret();
    photo.original_secret = ids::photo_secret();
    photo.updated = now;
    photo.replacements += 1;
    Ok(photo.id)
}

/// Flickr titles a photo by its file's name, without the type, if it is given no other.
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

/// A small number; 9 stands for the user's default.
fn number(params: &Params, name: &str) -> Option<u8> {
    params.get(name)?.parse().ok().filter(|number| (1..=3).contains(number))
}

fn duplicate_of(world: &World, user: &str, sha256: &str) -> Option<u64> {
    world.photos.values().find(|photo| photo.owner == user && photo.file.sha256 == sha256).map(|photo| photo.id)
}

fn duplicate(original: Option<u64>) -> Fail {
    let beside = original.into_iter().flat_map(|id| {
        [Element::with_text("duplicate_photo_id", id.to_string()), Element::with_text("duplicate_photo_status", "0")]
    });
    Fail { beside: beside.collect(), ..fail(9) }
}

/// The failure `code` as a fault gives it: 9 names a photo of the account, the same one if it is there.
pub(crate) fn failure(world: &World, incoming: &Incoming, code: i64, wait_seconds: Option<u32>) -> Fail {
    let user = incoming.params.get("oauth_token").and_then(|token| world.access_tokens.get(token));
    let user = user.map(|access| access.user.as_str()).unwrap_or_default();
    let same = || duplicate_of(world, user, &incoming.file.as_ref()?.sha256);
    let newest = || world.photos.values().rev().find(|photo| photo.owner == user).map(|photo| photo.id);
    match code {
        9 => duplicate(same().or_else(newest)),
        14 => {
            let wait = wait_seconds.unwrap_or(60).to_string();
            Fail { beside: vec![Element::with_text("non_pro_desktop_upload_wait_time", wait)], ..fail(14) }
        }
        _ => fail(code),
    }
}

fn fail(code: i64) -> Fail {
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
    Fail::new(code, message)
}

/// What `photos.upload.checkTickets` says of the named tickets. Each poll brings a pending one nearer to its end.
pub(crate) fn check_tickets(world: &mut World, tickets: &str, fault: Option<Kind>) -> Reply {
    let ids = tickets.split(',').map(str::trim).filter(|id| !id.is_empty());
    let tickets = ids.map(|id| poll(world, id, fault)).collect();
    Ok(vec![Element::new("uploader").many("ticket", tickets)])
}

fn poll(world: &mut World, id: &str, fault: Option<Kind>) -> Element {
    let element = Element::new("ticket").attr("id", id);
    let ticket = match fault {
        Some(Kind::TicketInvalid) => None,
        _ => world.tickets.get(id).cloned(),
    };
    match ticket {
        None => element.attr("invalid", 1_u64),
        Some(Ticket::Stored { photo, .. }) if fault == Some(Kind::TicketFailed) => {
            world.remove_photo(photo);
            world.tickets.insert(id.to_owned(), Ticket::Failed);
            element.attr("complete", 2_u64)
        }
        Some(Ticket::Failed) => element.attr("complete", 2_u64),
        Some(Ticket::Stored { .. }) if fault == Some(Kind::TicketPending) => element.attr("complete", 0_u64),
        Some(Ticket::Stored { polls: 0, photo }) => {
            element.attr("complete", 1_u64).attr("photoid", photo.to_string()).attr("imported", Scalar::Null)
        }
        Some(Ticket::Stored { polls, photo }) => {
            world.tickets.insert(id.to_owned(), Ticket::Stored { polls: polls - 1, photo });
            element.attr("complete", 0_u64)
        }
    }
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

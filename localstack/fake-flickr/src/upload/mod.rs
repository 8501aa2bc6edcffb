//! Upload and replace. The answer is always XML, whatever format the client asks for, and an error has status 200 too.

pub(crate) mod codes;
mod dedup;
mod details;
mod file;
mod new_photo;
mod replace;
mod transfer;

use jiff::Timestamp;

use self::dedup::{Dedup, Original};
use self::transfer::Transfer;
use crate::answer::Answer;
use crate::envelope::{ApiError, Element, Format};
use crate::faults::{Fault, Kind};
use crate::ids;
use crate::oauth::{self, AuthError};
use crate::params::Params;
use crate::perms::Perms;
use crate::request::{ApiRequest, Endpoint};
use crate::world::World;
use crate::world::photo::Photo;
use crate::world::ticket::Outcome;

/// Whether the call is an asynchronous upload or replacement, which is answered with a ticket.
pub(crate) fn is_async(endpoint: Endpoint, params: &Params) -> bool {
    endpoint.is_transfer() && params.get("async") == Some("1")
}

pub(crate) fn answer(world: &mut World, request: &ApiRequest, fault: Option<Fault>, now: Timestamp) -> Answer {
    let is_foreign = fault.is_some_and(|fault| fault.kind == Kind::ForeignFormat);
    let format = if is_foreign { Format::Json } else { Format::Xml };
    match run(world, request, fault, now) {
        Ok(element) => format.render(&Ok(vec![element])),
        Err(AuthError::Api(error)) => format.render(&Err(error)),
        Err(AuthError::Problem(problem)) => problem.answer(&world.config),
    }
}

fn run(world: &mut World, request: &ApiRequest, fault: Option<Fault>, now: Timestamp) -> Result<Element, AuthError> {
    let caller = oauth::authenticate(world, request, now)?;
    caller.require(Perms::Write)?;
    let file = file::accepted(&world.config, request.endpoint, request.file.as_ref())?;
    let is_async = is_async(request.endpoint, &request.params);
    let user = caller.user.unwrap_or_default();
    let transfer = Transfer { user, params: &request.params, file, is_async, fault, now };
    if transfer.has_fault(Kind::TicketFailed) {
        return Ok(ticket(world, &transfer, Outcome::Failed));
    }
    let replaces = request.endpoint == Endpoint::Replace;
    let stored = if replaces { replace::replace(world, &transfer) } else { upload(world, &transfer) };
    match stored {
        Err(error) if error.code == 9 && is_async && world.config.duplicates_get_tickets => {
            Ok(ticket(world, &transfer, Outcome::Failed))
        }
        Err(error) => Err(error.into()),
        Ok(id) if is_async && replaces => Ok(ticket(world, &transfer, Outcome::Replaced(id))),
        Ok(id) if is_async => Ok(ticket(world, &transfer, Outcome::Stored(id))),
        Ok(id) => Ok(photo_id(id, world.photos.get(&id).filter(|_| replaces))),
    }
}

fn ticket(world: &mut World, transfer: &Transfer<'_>, outcome: Outcome) -> Element {
    let id = ids::ticket();
    let ticket = transfer.ticket(world, outcome);
    world.tickets.insert(id.clone(), ticket);
    Element::with_text("ticketid", id)
}

/// The answer: the photo's id, and the new secrets of a photo that was replaced.
fn photo_id(id: u64, replaced: Option<&Photo>) -> Element {
    let element = Element::with_text("photoid", id.to_string());
    match replaced {
        Some(photo) => {
            element.attr("secret", photo.secret.as_str()).attr("originalsecret", photo.original_secret.as_str())
        }
        None => element,
    }
}

fn upload(world: &mut World, transfer: &Transfer<'_>) -> Result<u64, ApiError> {
    let original = dedup::original_of(world, &transfer.user, &transfer.file.sha256, transfer.now);
    match dedup::decide(transfer.params, original) {
        Dedup::Refuse(original) => Err(dedup::error(&world.config, Some(original))),
        Dedup::Store => {
            let photo = new_photo::build(world, transfer)?;
            Ok(world.add_photo(photo))
        }
        Dedup::Revive(id) => {
            let renewed = new_photo::build(world, transfer)?;
            let original = world.deleted_photos.remove(&id).filter(|_| !world.config.revival_renews);
            let mut photo = match original {
                Some(original) => Photo { known: renewed.known, ..original },
                None => Photo { id, ..renewed },
            };
            photo.touch(transfer.now);
            world.photos.insert(id, photo);
            Ok(id)
        }
    }
}

/// Builds the error `code` for an injected fault. Error 9 names the same photo if the account has it, else the newest.
pub(crate) fn injected_error(
    world: &World,
    request: &ApiRequest,
    code: i64,
    wait_seconds: Option<u32>,
    now: Timestamp,
) -> ApiError {
    let user = request.params.get("oauth_token").and_then(|token| world.access_tokens.get(token));
    let user = user.map(|access| access.user.as_str()).unwrap_or_default();
    let same = || dedup::original_of(world, user, &request.file.as_ref()?.sha256, now);
    let newest = || {
        let photo = world.photos.values().rev().find(|photo| photo.owner == user)?;
        Some(Original::Living(photo.id))
    };
    let config = &world.config;
    match code {
        9 => dedup::error(config, same().or_else(newest)),
        14 => {
            let wait = wait_seconds.unwrap_or(60).to_string();
            let error = codes::error(request.endpoint, 14);
            details::with(config, error, &[("non_pro_desktop_upload_wait_time", wait)])
        }
        _ => codes::error(request.endpoint, code),
    }
}

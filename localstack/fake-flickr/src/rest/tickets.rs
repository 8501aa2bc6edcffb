//! `flickr.photos.upload.checkTickets`: how asynchronous uploads stand.

use super::call::Call;
use crate::envelope::{Element, MethodResult, Scalar};
use crate::faults::Kind;
use crate::world::{Ticket, World};

/// Reports on the listed tickets. Each poll counts: a pending ticket completes after the configured number of polls.
pub(super) fn check(call: &mut Call<'_>) -> MethodResult {
    let ids = call.params.get("tickets").unwrap_or_default().split(',').map(str::trim).filter(|id| !id.is_empty());
    let tickets = ids.map(|id| poll(call.world, id, call.fault)).collect();
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
        Some(Ticket::Stored { pending_polls: 0, photo }) => {
            element.attr("complete", 1_u64).attr("photoid", photo.to_string()).attr("imported", Scalar::Null)
        }
        Some(Ticket::Stored { pending_polls, photo }) => {
            world.tickets.insert(id.to_owned(), Ticket::Stored { pending_polls: pending_polls - 1, photo });
            element.attr("complete", 0_u64)
        }
    }
}

//! `flickr.photos.upload.checkTickets`: how asynchronous uploads stand.

use super::call::Call;
use crate::envelope::{Element, MethodResult, Scalar};
use crate::faults::Kind;
use crate::world::ticket::{Outcome, Polled};

/// Reports on the listed tickets. Each poll counts: a pending ticket completes after the configured number of polls.
pub(super) fn check(call: &mut Call<'_>) -> MethodResult {
    let ids = call.params.get("tickets").unwrap_or_default().split(',').map(str::trim).filter(|id| !id.is_empty());
    let tickets = ids.map(|id| ticket(call, id)).collect();
    Ok(vec![Element::new("uploader").many("ticket", tickets)])
}

fn ticket(call: &mut Call<'_>, id: &str) -> Element {
    let polled = poll(call, id);
    let element = Element::new("ticket").attr("id", id);
    match polled {
        Polled::Unknown => element.attr("invalid", call.number(1)),
        Polled::Pending => element.attr("complete", call.number(0)),
        Polled::Complete(photo) => {
            element.attr("complete", call.number(1)).attr("photoid", photo.to_string()).attr("imported", Scalar::Null)
        }
        Polled::Failed => element.attr("complete", call.number(2)),
    }
}

fn poll(call: &mut Call<'_>, id: &str) -> Polled {
    if call.has_fault(Kind::TicketInvalid) {
        return Polled::Unknown;
    }
    let (is_held, fails) = (call.has_fault(Kind::TicketPending), call.has_fault(Kind::TicketFailed));
    let Some(ticket) = call.world.tickets.get_mut(id) else { return Polled::Unknown };
    match ticket.outcome {
        Outcome::Stored(_) | Outcome::Replaced(_) if is_held => Polled::Pending,
        Outcome::Stored(_) | Outcome::Replaced(_) if fails => {
            // The file of an upload never was a photo then, so that it is no original of later uploads either.
            if let Outcome::Stored(photo) = ticket.fail(call.now) {
                call.world.remove_photo(photo);
            }
            Polled::Failed
        }
        _ => ticket.poll(call.now),
    }
}

//! Upload tickets: one question answers for all that the account's jobs await.
//!
//! A job that gets a ticket lists it. Whose turn comes to ask looks first whether another has just asked; else it asks
//! for all that are listed, and records what Flickr said. A failure of the list is logged: the job then asks for its own
//! ticket alone.

use domain::{
    job::{Job, Transition, WaitReason},
    outcome::Outcome,
    upload::{AwaitedTickets, Ticket, TicketState},
};
use vault::DataKeys;

use super::{Flickr, Ports, Worker};
use crate::{
    chain,
    ports::{Signing, UploadTickets},
};

/// Lists the ticket that the job has just got, if it has.
pub(super) async fn list(ports: &impl UploadTickets, transition: &Transition) {
    let before = transition.before.as_ref().and_then(|before| before.file.ticket.as_ref());
    let Job { state, spec, .. } = &transition.after;
    let (None, Some(ticket), Some(wait)) = (before, &state.file.ticket, state.waiting()) else { return };
    let WaitReason::Verification { until } = wait.reason() else { return };
    if let Err(error) = ports.await_ticket(&spec.account, &ticket.id, *until).await {
        tracing::warn!(error = chain(&error), "an upload ticket was not listed");
    }
}

/// What the account's jobs await, and what they know of it.
pub(super) async fn awaited(ports: &impl UploadTickets, job: &Job) -> AwaitedTickets {
    ports.awaited_tickets(&job.spec.account).await.unwrap_or_else(|error| {
        tracing::warn!(error = chain(&error), "it is not known which upload tickets others await");
        AwaitedTickets::default()
    })
}

impl<P: Ports, F: Flickr, K: DataKeys> Worker<P, F, K> {
    /// Asks for the job's ticket, and for those that others await; what Flickr said of the job's.
    pub(super) async fn ask_for_tickets(
        &self,
        job: &Job,
        signing: &Signing,
        ticket: &Ticket,
        awaited: &AwaitedTickets,
    ) -> (Outcome, Option<TicketState>) {
        let asked_at = self.ports.now();
        let asked = awaited.to_ask(ticket, asked_at);
        let (outcome, states) = self.flickr.check_tickets(signing, &asked).await;
        if let Some(change) = awaited.after(&asked, &states, asked_at)
            && let Err(error) = self.ports.record_tickets(&job.spec.account, &change).await
        {
            tracing::warn!(error = chain(&error), "what upload tickets say was not recorded");
        }
        (outcome, states.into_iter().find(|(id, _)| *id == ticket.id).map(|(_, state)| state))
    }
}

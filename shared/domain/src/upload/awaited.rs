//! The upload tickets that the jobs of an account await, so that one question answers for many.
//!
//! What is recorded of them is advice and no truth: a job that finds nothing that it can use asks by itself.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Ticket, TicketState,
    ticket::{MAX_TICKETS, pending_lasts},
};
use crate::Timestamp;

/// The most tickets of an account that are listed at once: what a question can have twice.
pub const MAX_AWAITED: usize = 2 * MAX_TICKETS;

/// For how long an answer that decides is stored for its job: longer than a job waits for its next question.
const ANSWER_RETENTION: Duration = Duration::from_secs(180);

/// What Flickr said of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketAnswer {
    pub state: TicketState,
    /// When it was asked.
    pub asked_at: Timestamp,
}

/// The tickets that jobs of an account await, and what Flickr said last, by Flickr's ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AwaitedTickets {
    /// Until when each is awaited.
    pub awaited: BTreeMap<String, Timestamp>,
    pub answers: BTreeMap<String, TicketAnswer>,
}

/// What a question changes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketsChange {
    /// All answers that are stored from now on.
    pub answers: BTreeMap<String, TicketAnswer>,
    /// Those that are listed no more.
    pub settled: BTreeMap<String, Timestamp>,
}

impl AwaitedTickets {
    /// What became of the ticket, where a job whose turn has come at `now` need not ask for it: an answer that decides
    /// whenever it came, one that the file is worked on for a while. That Flickr does not know a ticket may only be true
    /// of the moment: who reads that asks.
    pub fn answer(&self, ticket: &Ticket, now: Timestamp) -> Option<&TicketState> {
        let TicketAnswer { state, asked_at } = self.answers.get(&ticket.id)?;
        let is_good = match state {
            TicketState::Pending => now.since(*asked_at) <= pending_lasts(ticket.asked),
            _ => state.decides(),
        };
        is_good.then_some(state)
    }

    /// The tickets to ask for when `ticket` is asked for: that one, and of the others that are awaited those of whom
    /// nothing is known, or what is known is oldest.
    pub fn to_ask(&self, ticket: &Ticket, now: Timestamp) -> Vec<String> {
        let is_open = |(id, until): &(&String, &Timestamp)| {
            let is_decided = self.answers.get(*id).is_some_and(|answer| answer.state.decides());
            **id != ticket.id && **until > now && !is_decided
        };
        let mut others: Vec<&String> = self.awaited.iter().filter(is_open).map(|(id, _)| id).collect();
        others.sort_by_key(|id| self.answers.get(*id).map(|answer| answer.asked_at));
        others.truncate(MAX_TICKETS - 1);
        [&ticket.id].into_iter().chain(others).cloned().collect()
    }

    /// What changes when Flickr was asked for `asked` at `asked_at` and said this; `None` where nobody else can use it.
    pub fn after(
        &self,
        asked: &[String],
        states: &[(String, TicketState)],
        asked_at: Timestamp,
    ) -> Option<TicketsChange> {
        let is_retained =
            |answer: &TicketAnswer| answer.state.decides() && asked_at.since(answer.asked_at) <= ANSWER_RETENTION;
        let retained = self.answers.iter().filter(|(_, answer)| is_retained(answer));
        let mut answers: BTreeMap<String, TicketAnswer> =
            retained.map(|(id, answer)| (id.clone(), answer.clone())).collect();
        let said = states.iter().filter(|(id, state)| asked.contains(id) && *state != TicketState::Lost);
        answers.extend(said.map(|(id, state)| (id.clone(), TicketAnswer { state: state.clone(), asked_at })));
        let is_settled = |(id, until): &(&String, &Timestamp)| {
            **until <= asked_at || answers.get(*id).is_some_and(|answer| answer.state.decides())
        };
        let settled: BTreeMap<String, Timestamp> =
            self.awaited.iter().filter(is_settled).map(|(id, until)| (id.clone(), *until)).collect();
        let is_news = !states.is_empty() && asked.len() > 1 || !settled.is_empty();
        is_news.then_some(TicketsChange { answers, settled })
    }

    /// The tickets after a change.
    #[must_use]
    pub fn changed(&self, change: &TicketsChange) -> Self {
        let is_left = |(id, until): &(&String, &Timestamp)| change.settled.get(*id) != Some(*until);
        let awaited = self.awaited.iter().filter(is_left).map(|(id, until)| (id.clone(), *until)).collect();
        Self { awaited, answers: change.answers.clone() }
    }
}

#[cfg(test)]
mod tests;

//! The upload tickets that the jobs of an account await.

use std::collections::BTreeMap;

use domain::{
    AccountRef, Timestamp,
    upload::{AwaitedTickets, MAX_AWAITED, TICKET_LIFETIME, TicketAnswer, TicketState, TicketsChange},
};
use hub::ports::{Result, UploadTickets};

use super::{
    keys::{Item, Partition},
    world::World,
};
use crate::{call::Call, mutation::Mutation};

/// What is stored of each account, and when it expires.
#[derive(Default)]
struct StoredTickets(BTreeMap<AccountRef, (AwaitedTickets, Timestamp)>);

impl StoredTickets {
    fn of(&self, account: &AccountRef, now: Timestamp) -> AwaitedTickets {
        let stored = self.0.get(account);
        let live = stored.filter(|(_, expires_at)| expires_at.as_seconds() > now.as_seconds());
        live.map(|(tickets, _)| tickets.clone()).unwrap_or_default()
    }

    fn change(&mut self, account: &AccountRef, now: Timestamp, change: impl FnOnce(&mut AwaitedTickets)) {
        let (tickets, expires_at) = self.0.entry(account.clone()).or_insert_with(|| (AwaitedTickets::default(), now));
        change(tickets);
        *expires_at = now + TICKET_LIFETIME;
    }
}

fn item(account: &AccountRef) -> Item {
    Partition::Account(account.clone()).item("TICKETS")
}

/// The tickets with one answer for all of them: a rule broken on purpose.
fn mixed_up(tickets: AwaitedTickets) -> AwaitedTickets {
    let decided = |answer: &&TicketAnswer| matches!(answer.state, TicketState::Done(_));
    let Some(answer) = tickets.answers.values().find(decided).cloned() else { return tickets };
    let ids = tickets.awaited.keys().chain(tickets.answers.keys());
    let answers = ids.map(|id| (id.clone(), answer.clone())).collect();
    AwaitedTickets { answers, ..tickets }
}

impl UploadTickets for World {
    async fn await_ticket(&self, account: &AccountRef, ticket: &str, until: Timestamp) -> Result<()> {
        self.write(Call::AwaitTicket, item(account), |stores, now| {
            let stored = stores.part::<StoredTickets>();
            if stored.0.get(account).is_none_or(|(tickets, _)| tickets.awaited.len() < MAX_AWAITED) {
                stored.change(account, now, |tickets| {
                    tickets.awaited.insert(ticket.to_owned(), until);
                });
            }
        })
        .await
    }

    async fn awaited_tickets(&self, account: &AccountRef) -> Result<AwaitedTickets> {
        self.read(Call::AwaitedTickets, [Partition::Account(account.clone())], |stores, now| {
            let tickets = stores.part::<StoredTickets>().of(account, now);
            if stores.breaks(Mutation::TicketsMixedUp) { mixed_up(tickets) } else { tickets }
        })
        .await
    }

    async fn record_tickets(&self, account: &AccountRef, change: &TicketsChange) -> Result<()> {
        self.write(Call::RecordTickets, item(account), |stores, now| {
            stores.part::<StoredTickets>().change(account, now, |tickets| *tickets = tickets.changed(change));
        })
        .await
    }
}

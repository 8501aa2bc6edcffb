//! The upload tickets that the jobs of an account await, in the jobs table: one small item for each account that awaits
//! some.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `tenant#user` | `TICKETS` | a set of the tickets that are awaited, each with the second until which it is; what Flickr said last, as JSON text |
//!
//! A ticket is listed, and taken off the list, by an update that leaves the others as they are. Answers replace each
//! other whole: one that is lost costs a call.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    AccountRef, Timestamp,
    upload::{AwaitedTickets, MAX_AWAITED, TICKET_LIFETIME, TicketsChange},
};
use hub::ports::{self, UploadTickets};

use crate::{
    Cloud,
    item::{self, Attributes, EXPIRES_AT, Reader, expiry, json, live, whole},
    machine::now,
    table::written_if,
};

const AWAITED: &str = "awaited";
const ANSWERS: &str = "answers";

fn key(account: &AccountRef) -> Attributes {
    item::key(account.to_string(), "TICKETS")
}

/// Tickets as a set of texts; `None` where there are none, as DynamoDB has no empty sets.
fn set<'a>(tickets: impl IntoIterator<Item = (&'a str, Timestamp)>) -> Option<AttributeValue> {
    let entries: Vec<String> =
        tickets.into_iter().map(|(ticket, until)| format!("{} {ticket}", until.as_seconds())).collect();
    (!entries.is_empty()).then_some(AttributeValue::Ss(entries))
}

/// A ticket of the set.
fn listed(entry: &str) -> Option<(String, Timestamp)> {
    let (seconds, ticket) = entry.split_once(' ')?;
    let milliseconds = seconds.parse::<i64>().ok()?.checked_mul(1_000)?;
    Some((ticket.to_owned(), Timestamp::from_milliseconds(milliseconds)))
}

fn read(item: &Attributes) -> ports::Result<AwaitedTickets> {
    let entries = item.get(AWAITED).and_then(|value| value.as_ss().ok());
    let awaited = entries.into_iter().flatten().filter_map(|entry| listed(entry)).collect();
    let answers = if item.contains_key(ANSWERS) { Reader(item).json(ANSWERS)? } else { Default::default() };
    Ok(AwaitedTickets { awaited, answers })
}

impl UploadTickets for Cloud {
    async fn await_ticket(&self, account: &AccountRef, ticket: &str, until: Timestamp) -> ports::Result<()> {
        let update = self
            .jobs
            .update(key(account))
            .condition_expression(format!("attribute_not_exists({AWAITED}) OR size({AWAITED}) < :most"))
            .update_expression(format!("SET {EXPIRES_AT} = :expires_at ADD {AWAITED} :ticket"))
            .set_expression_attribute_values(set([(ticket, until)]).map(|set| [(":ticket".to_owned(), set)].into()))
            .expression_attribute_values(":most", whole(MAX_AWAITED as u64))
            .expression_attribute_values(":expires_at", expiry(now() + TICKET_LIFETIME));
        written_if(update.send().await, "listing an upload ticket").map(|_| ())
    }

    async fn awaited_tickets(&self, account: &AccountRef) -> ports::Result<AwaitedTickets> {
        let found = live(self.jobs.get(key(account), "reading upload tickets").await?, now());
        found.map_or_else(|| Ok(AwaitedTickets::default()), |item| read(&item))
    }

    async fn record_tickets(&self, account: &AccountRef, change: &TicketsChange) -> ports::Result<()> {
        let settled = set(change.settled.iter().map(|(ticket, until)| (ticket.as_str(), *until)));
        let delisting = if settled.is_some() { format!(" DELETE {AWAITED} :settled") } else { String::new() };
        let update = self
            .jobs
            .update(key(account))
            .update_expression(format!("SET {ANSWERS} = :answers, {EXPIRES_AT} = :expires_at{delisting}"))
            .set_expression_attribute_values(settled.map(|set| [(":settled".to_owned(), set)].into()))
            .expression_attribute_values(":answers", json(&change.answers)?)
            .expression_attribute_values(":expires_at", expiry(now() + TICKET_LIFETIME));
        written_if(update.send().await, "recording what upload tickets say").map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_of_the_set_reads_back_and_what_is_none_is_left_out() {
        let until = Timestamp::from_milliseconds(1_790_000_000_000);
        let Some(AttributeValue::Ss(entries)) = set([("12-34", until)]) else { panic!("a set") };
        assert_eq!(entries, ["1790000000 12-34"]);
        assert_eq!(listed(&entries[0]), Some(("12-34".to_owned(), until)));
        for entry in ["", "12-34", "x 12-34", "99999999999999999999 12-34", "9223372036854775807 12-34"] {
            assert_eq!(listed(entry), None, "{entry}");
        }
        assert_eq!(set([]), None, "there are no empty sets");
    }
}

//! What an account's writes did to its kept answers, kept with the count of its pending jobs: the end
//! of a job changes both in one update.

use aws_sdk_dynamodb::{operation::update_item::UpdateItemError, types::AttributeValue};
use domain::{
    TenantId, Timestamp, UserId,
    cache::{Change, Family, Freshness},
};
use hub::ports::{self, ChangeFreshness};

use super::pending_key;
use crate::{
    Cloud,
    error::from_sdk,
    item::{Attributes, Reader, number, time},
};

const UNSETTLED_UNTIL: &str = "unsettled_until";

const CHANGING: &str = "making kept answers void";

/// How often a change that meets others is tried.
const TRIES: u32 = 6;

/// The attribute that holds the family's generation.
fn attribute(family: Family) -> String {
    format!("generation_{}", family.as_str())
}

/// What the account's item says; nothing where there is none.
pub(crate) fn read(item: Option<&Attributes>) -> Freshness {
    let Some(reader) = item.map(Reader) else { return Freshness::default() };
    let generation = |family| Some((family, reader.optional_whole(&attribute(family))?));
    Freshness {
        generations: Family::ALL.into_iter().filter_map(generation).collect(),
        unsettled_until: reader.optional_number(UNSETTLED_UNTIL).map(Timestamp::from_milliseconds),
    }
}

/// An update of the account's item that raises families and, unless it says `later`, sets until when
/// more may come. DynamoDB knows no maximum of two numbers: the update is refused where a later time
/// is set, and then is to be made with `later`.
#[derive(Debug, Default)]
pub(super) struct Raise {
    /// The parts of `ADD`.
    pub(super) additions: Vec<String>,
    /// The clause `SET` with a space before it, or nothing.
    pub(super) set: String,
    /// Without it the update cannot be refused.
    pub(super) condition: Option<String>,
    /// The values of all these.
    pub(super) values: Vec<(String, AttributeValue)>,
}

impl Raise {
    pub(super) fn of(change: &Change, later: bool) -> Self {
        let mut raise = Self {
            additions: change.families.iter().map(|family| format!("{} :one", attribute(family))).collect(),
            ..Self::default()
        };
        if !raise.additions.is_empty() {
            raise.values.push((":one".to_owned(), number(1)));
        }
        if let Some(until) = change.unsettled_until.filter(|_| !later) {
            raise.set = format!(" SET {UNSETTLED_UNTIL} = :until");
            raise.condition = Some(format!("(attribute_not_exists({UNSETTLED_UNTIL}) OR {UNSETTLED_UNTIL} <= :until)"));
            raise.values.push((":until".to_owned(), time(until)));
        }
        raise
    }

    /// The update's expression; nothing where it changes nothing.
    pub(super) fn expression(&self) -> Option<String> {
        let add = match self.additions.as_slice() {
            [] => String::new(),
            additions => format!("ADD {}", additions.join(", ")),
        };
        Some(format!("{add}{}", self.set)).filter(|expression| !expression.is_empty())
    }
}

impl ChangeFreshness for Cloud {
    async fn change_freshness(&self, tenant: &TenantId, user: &UserId, change: &Change) -> ports::Result<()> {
        let mut later = false;
        for attempt in 0..TRIES {
            self.pause(attempt).await;
            let raise = Raise::of(change, later);
            let Some(expression) = raise.expression() else { return Ok(()) };
            let update = self
                .dynamo
                .update_item()
                .table_name(&self.jobs_table)
                .set_key(Some(pending_key(tenant, user)))
                .update_expression(expression)
                .set_condition_expression(raise.condition)
                .set_expression_attribute_values(Some(raise.values.into_iter().collect()));
            let Err(error) = update.send().await else { return Ok(()) };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => later = true,
                // A job of the account begins or ends at this moment.
                Some(UpdateItemError::TransactionConflictException(_)) => {}
                _ => return Err(from_sdk(CHANGING)(error)),
            }
        }
        Err(ports::Error::unavailable(CHANGING, "too many jobs of the account move at once"))
    }
}

#[cfg(test)]
mod tests {
    use domain::cache::Families;

    use super::*;

    const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_123);

    fn change(families: &[Family], unsettled_until: Option<Timestamp>) -> Change {
        Change { families: families.iter().copied().collect(), unsettled_until }
    }

    #[test]
    fn a_raise_adds_and_is_refused_only_for_a_later_time() {
        let some = [Family::Photos, Family::Tags];
        let raise = Raise::of(&change(&some, None), false);
        assert_eq!(raise.expression().as_deref(), Some("ADD generation_photos :one, generation_tags :one"));
        assert_eq!(raise.condition, None);
        let unsettled = change(&some, Some(NOW));
        let raise = Raise::of(&unsettled, false);
        let expression = "ADD generation_photos :one, generation_tags :one SET unsettled_until = :until";
        assert_eq!(raise.expression().as_deref(), Some(expression));
        assert!(raise.condition.is_some());
        let raise = Raise::of(&unsettled, true);
        assert_eq!((raise.condition, raise.set.as_str(), raise.values.len()), (None, "", 1));
        assert_eq!(Raise::of(&change(&[], Some(NOW)), true).expression(), None);
    }

    #[test]
    fn every_family_has_a_generation_of_its_own() {
        let item: Attributes = Family::ALL.into_iter().map(|family| (attribute(family), number(2))).collect();
        let read = read(Some(&item));
        assert_eq!(read.generations.len(), Families::all().iter().count());
        assert_eq!((read.generations.values().all(|generation| *generation == 2), read.unsettled_until), (true, None));
        assert_eq!(super::read(None), Freshness::default());
    }
}

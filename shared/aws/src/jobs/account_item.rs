//! The item of an account: how many of its jobs are pending, which tags its lanes took in fair queues, and how often
//! and by a write of when its cached answers were invalidated.
//!
//! It is one item, so that the end of a job changes both its count and what it invalidates by one update. Each change
//! adds or sets single attributes, so that changes of the same item do not undo one another.

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use domain::{
    AccountRef,
    cache::{CacheGenerations, CacheTag, Invalidation},
    fair_queue::{FlowTags, Priority},
    job::PendingCount,
};
use hub::ports;

use crate::{
    Cloud,
    item::{self, Attributes, Reader, number, time},
    table::{Table, is_conflict, pause, written_if},
};

/// The count of pending jobs. It may be absent: an account may take a tag before its first job is counted.
pub(crate) const PENDING: &str = "pending";

/// The condition that fewer jobs of the account than `:max` are pending.
pub(crate) const FEWER_PENDING: &str = "(attribute_not_exists(pending) OR pending < :max)";

const INVALIDATING: &str = "invalidating cached answers";

/// How often an invalidation that meets others is tried.
const TRIES: u32 = 6;

const UNSETTLED_UNTIL: &str = "unsettled_until";

/// The key of the account's item in the jobs table.
pub(crate) fn key(account: &AccountRef) -> Attributes {
    item::key(account.to_string(), "ACCOUNT")
}

/// The attribute of a lane's last tag.
pub(crate) fn tag_attribute(lane: Priority) -> &'static str {
    match lane {
        Priority::High => "tag_high",
        Priority::Normal => "tag_normal",
        Priority::Low => "tag_low",
    }
}

/// The attribute of a cache tag's generation.
fn generation_attribute(tag: CacheTag) -> String {
    format!("generation_{}", tag.as_str())
}

/// The attribute of the time when a write last changed what the answers of a cache tag show.
fn written_attribute(tag: CacheTag) -> String {
    format!("written_{}", tag.as_str())
}

/// The tags of the account's lanes.
pub(crate) fn flow_tags(item: &Attributes) -> FlowTags {
    let of = |lane| Reader(item).optional_whole(tag_attribute(lane)).unwrap_or_default();
    FlowTags { high: of(Priority::High), normal: of(Priority::Normal), low: of(Priority::Low) }
}

/// The account's cache generations: none where there is no item.
pub(crate) fn generations(item: Option<&Attributes>) -> CacheGenerations {
    let Some(reader) = item.map(Reader) else { return CacheGenerations::default() };
    let generation = |tag| Some((tag, reader.optional_whole(&generation_attribute(tag))?));
    let written_at = |tag| Some((tag, reader.optional_time(&written_attribute(tag))?));
    CacheGenerations {
        by_tag: CacheTag::ALL.into_iter().filter_map(generation).collect(),
        written_at: CacheTag::ALL.into_iter().filter_map(written_at).collect(),
        unsettled_until: reader.optional_time(UNSETTLED_UNTIL),
    }
}

/// A change of the account's item.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccountChange<'a> {
    /// What becomes of the count of pending jobs.
    pub(crate) pending: PendingCount,
    /// What is invalidated.
    pub(crate) invalidation: Option<&'a Invalidation>,
    /// Whether the item is known to be unsettled until later than the invalidation says: then that stays as it is.
    /// DynamoDB has no maximum of two numbers, so an update without it is refused where the item's time is later.
    pub(crate) is_unsettled_longer: bool,
}

impl AccountChange<'_> {
    /// The update of the account's item that makes this change; `None` where it changes nothing. It has a condition
    /// only where it sets until when the account is unsettled.
    pub(crate) fn update(&self, jobs: &Table, account: &AccountRef) -> Option<UpdateBuilder> {
        let mut update = jobs.update_part(key(account));
        let mut additions = Vec::new();
        let by = match self.pending {
            PendingCount::Same => None,
            PendingCount::Up => Some(1),
            PendingCount::Down => Some(-1),
        };
        if let Some(by) = by {
            additions.push(format!("{PENDING} :change"));
            update = update.expression_attribute_values(":change", number(by));
        }
        let raised = self.invalidation.map(|it| it.tags.iter().map(generation_attribute).collect::<Vec<_>>());
        if let Some(raised) = raised.filter(|raised| !raised.is_empty()) {
            additions.extend(raised.iter().map(|name| format!("{name} :one")));
            update = update.expression_attribute_values(":one", number(1));
        }
        let mut clauses = Vec::new();
        if !additions.is_empty() {
            clauses.push(format!("ADD {}", additions.join(", ")));
        }
        let mut settings = Vec::new();
        if let Some((invalidation, at)) = self.invalidation.and_then(|it| Some((it, it.written_at?)))
            && !invalidation.tags.is_empty()
        {
            settings.extend(invalidation.tags.iter().map(|tag| format!("{} = :written", written_attribute(tag))));
            update = update.expression_attribute_values(":written", time(at));
        }
        let until = self.invalidation.and_then(|invalidation| invalidation.unsettled_until);
        if let Some(until) = until.filter(|_| !self.is_unsettled_longer) {
            settings.push(format!("{UNSETTLED_UNTIL} = :until"));
            update = update
                .condition_expression(format!(
                    "(attribute_not_exists({UNSETTLED_UNTIL}) OR {UNSETTLED_UNTIL} <= :until)"
                ))
                .expression_attribute_values(":until", time(until));
        }
        if !settings.is_empty() {
            clauses.push(format!("SET {}", settings.join(", ")));
        }
        (!clauses.is_empty()).then(|| update.update_expression(clauses.join(" ")))
    }
}

impl Cloud {
    /// See [`ports::ResponseCache::invalidate`].
    pub(crate) async fn invalidate_answers(
        &self,
        account: &AccountRef,
        invalidation: &Invalidation,
    ) -> ports::Result<()> {
        let mut is_unsettled_longer = false;
        for attempt in 0..TRIES {
            pause(attempt).await;
            let change =
                AccountChange { pending: PendingCount::Same, invalidation: Some(invalidation), is_unsettled_longer };
            let Some(update) = change.update(&self.jobs, account) else { return Ok(()) };
            let update = update.build().map_err(|error| ports::Error::broken(INVALIDATING, error))?;
            let answer = self.jobs.update_alone(update).send().await;
            // A job of the account begins or ends at this moment.
            if is_conflict(&answer) {
                continue;
            }
            if written_if(answer, INVALIDATING)? {
                return Ok(());
            }
            is_unsettled_longer = true;
        }
        Err(ports::Error::unavailable(INVALIDATING, "too many jobs of the account move at once"))
    }
}

#[cfg(test)]
mod tests {
    use domain::{TenantId, Timestamp, UserId, cache::CacheTags};

    use super::*;
    use crate::table::unasked;

    const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_123);

    #[test]
    fn an_invalidation_is_refused_only_for_a_later_time() {
        let tenant = TenantId::from_bytes([1; 16]);
        let account = AccountRef::new(&tenant, &UserId::of(&tenant, "1@N00"));
        let update = |pending, tags: &[CacheTag], unsettled_until, is_unsettled_longer| {
            let written_at = None;
            let invalidation = Invalidation { tags: tags.iter().copied().collect(), written_at, unsettled_until };
            let change = AccountChange { pending, invalidation: Some(&invalidation), is_unsettled_longer };
            let update = change.update(&unasked(), &account)?.build().unwrap();
            Some((update.update_expression, update.condition_expression.is_some()))
        };
        let some = [CacheTag::Photos, CacheTag::Tags];
        for (pending, tags, unsettled_until, is_unsettled_longer, expected) in [
            (PendingCount::Same, &some[..], None, false, "ADD generation_photos :one, generation_tags :one"),
            (PendingCount::Down, &some[1..], None, false, "ADD pending :change, generation_tags :one"),
            (
                PendingCount::Down,
                &some[1..],
                Some(NOW),
                false,
                "ADD pending :change, generation_tags :one SET unsettled_until = :until",
            ),
            (PendingCount::Down, &some[1..], Some(NOW), true, "ADD pending :change, generation_tags :one"),
            (PendingCount::Same, &[], Some(NOW), false, "SET unsettled_until = :until"),
            (PendingCount::Up, &[], None, false, "ADD pending :change"),
        ] {
            let conditional = expected.contains("SET");
            let found = update(pending, tags, unsettled_until, is_unsettled_longer);
            assert_eq!(found, Some((expected.to_owned(), conditional)));
        }
        assert_eq!(update(PendingCount::Same, &[], Some(NOW), true), None);
    }

    #[test]
    fn a_write_sets_when_it_ended_for_each_of_its_tags() {
        let tenant = TenantId::from_bytes([1; 16]);
        let account = AccountRef::new(&tenant, &UserId::of(&tenant, "1@N00"));
        let tags = [CacheTag::Photos, CacheTag::Tags].into_iter().collect();
        let invalidation = Invalidation { tags, written_at: Some(NOW), unsettled_until: None };
        let pending = PendingCount::Same;
        let change = AccountChange { pending, invalidation: Some(&invalidation), is_unsettled_longer: false };
        let update = change.update(&unasked(), &account).unwrap().build().unwrap();
        let expected =
            "ADD generation_photos :one, generation_tags :one SET written_photos = :written, written_tags = :written";
        assert_eq!((update.update_expression.as_str(), update.condition_expression), (expected, None));
    }

    #[test]
    fn each_tag_and_each_lane_has_an_attribute_of_its_own() {
        let item: Attributes = CacheTag::ALL.into_iter().map(|tag| (generation_attribute(tag), number(2))).collect();
        let read = generations(Some(&item));
        assert_eq!(read.by_tag.len(), CacheTags::all().iter().count());
        assert_eq!((read.by_tag.values().all(|generation| *generation == 2), read.unsettled_until), (true, None));
        assert_eq!(generations(None), CacheGenerations::default());
        let item: Attributes = CacheTag::ALL.into_iter().map(|tag| (written_attribute(tag), time(NOW))).collect();
        let read = generations(Some(&item));
        assert_eq!((read.written_at.len(), read.by_tag.is_empty()), (CacheTag::ALL.len(), true));
        assert!(read.written_at.values().all(|at| *at == NOW));

        let lanes = Priority::ALL.into_iter().zip(1..).map(|(lane, tag)| (tag_attribute(lane), number(tag)));
        let item: Attributes = item::named(lanes).collect();
        assert_eq!(flow_tags(&item), FlowTags { high: 1, normal: 2, low: 3 });
        assert_eq!(flow_tags(&Attributes::default()), FlowTags::default());
    }
}

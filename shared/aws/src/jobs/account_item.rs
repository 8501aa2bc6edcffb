//! The item of an account: which tags its lanes took in fair queues, and how often and by a write of when its cached
//! answers were invalidated.
//!
//! Each change adds or sets single attributes, so that changes of the same item do not undo one another, and no
//! transaction writes it, so that none waits for another.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use domain::{
    AccountRef,
    cache::{CacheGenerations, CacheTag, Invalidation},
    fair_queue::{FlowTags, Priority},
};
use hub::ports;

use crate::{
    Cloud,
    item::{self, Attributes, Reader, number, time},
    table::{Table, written_if},
};

const INVALIDATING: &str = "invalidating cached answers";

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

/// The update of the account's item that invalidates answers; `None` where it changes nothing.
///
/// DynamoDB has no maximum of two numbers: the update is refused where the item is known to be unsettled until later
/// than the invalidation says. Then `is_unsettled_longer`, and that stays as it is.
fn invalidate(
    jobs: &Table,
    account: &AccountRef,
    invalidation: &Invalidation,
    is_unsettled_longer: bool,
) -> Option<UpdateItemFluentBuilder> {
    let mut update = jobs.update(key(account));
    let mut clauses = Vec::new();
    let raised: Vec<_> = invalidation.tags.iter().map(|tag| format!("{} :one", generation_attribute(tag))).collect();
    if !raised.is_empty() {
        clauses.push(format!("ADD {}", raised.join(", ")));
        update = update.expression_attribute_values(":one", number(1));
    }
    let mut settings = Vec::new();
    if let Some(at) = invalidation.written_at.filter(|_| !invalidation.tags.is_empty()) {
        settings.extend(invalidation.tags.iter().map(|tag| format!("{} = :written", written_attribute(tag))));
        update = update.expression_attribute_values(":written", time(at));
    }
    if let Some(until) = invalidation.unsettled_until.filter(|_| !is_unsettled_longer) {
        settings.push(format!("{UNSETTLED_UNTIL} = :until"));
        update = update
            .condition_expression(format!("attribute_not_exists({UNSETTLED_UNTIL}) OR {UNSETTLED_UNTIL} <= :until"))
            .expression_attribute_values(":until", time(until));
    }
    if !settings.is_empty() {
        clauses.push(format!("SET {}", settings.join(", ")));
    }
    (!clauses.is_empty()).then(|| update.update_expression(clauses.join(" ")))
}

impl Cloud {
    /// See [`ports::ResponseCache::invalidate`].
    pub(crate) async fn invalidate_answers(
        &self,
        account: &AccountRef,
        invalidation: &Invalidation,
    ) -> ports::Result<()> {
        for is_unsettled_longer in [false, true] {
            let Some(update) = invalidate(&self.jobs, account, invalidation, is_unsettled_longer) else { break };
            if written_if(update.send().await, INVALIDATING)? {
                break;
            }
        }
        Ok(())
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
        let update = |tags: &[CacheTag], unsettled_until, is_unsettled_longer| {
            let invalidation = Invalidation { tags: tags.iter().copied().collect(), written_at: None, unsettled_until };
            let update = invalidate(&unasked(), &account, &invalidation, is_unsettled_longer)?;
            Some((update.get_update_expression().clone()?, update.get_condition_expression().is_some()))
        };
        let some = [CacheTag::Photos, CacheTag::Tags];
        for (tags, unsettled_until, is_unsettled_longer, expected) in [
            (&some[..], None, false, "ADD generation_photos :one, generation_tags :one"),
            (&some[1..], Some(NOW), false, "ADD generation_tags :one SET unsettled_until = :until"),
            (&some[1..], Some(NOW), true, "ADD generation_tags :one"),
            (&[], Some(NOW), false, "SET unsettled_until = :until"),
        ] {
            let conditional = expected.contains("SET");
            let found = update(tags, unsettled_until, is_unsettled_longer);
            assert_eq!(found, Some((expected.to_owned(), conditional)));
        }
        assert_eq!(update(&[], Some(NOW), true), None);
    }

    #[test]
    fn a_write_sets_when_it_ended_for_each_of_its_tags() {
        let tenant = TenantId::from_bytes([1; 16]);
        let account = AccountRef::new(&tenant, &UserId::of(&tenant, "1@N00"));
        let tags = [CacheTag::Photos, CacheTag::Tags].into_iter().collect();
        let invalidation = Invalidation { tags, written_at: Some(NOW), unsettled_until: None };
        let update = invalidate(&unasked(), &account, &invalidation, false).unwrap();
        let expected =
            "ADD generation_photos :one, generation_tags :one SET written_photos = :written, written_tags = :written";
        let (found, condition) = (update.get_update_expression().as_deref(), update.get_condition_expression());
        assert_eq!((found, condition), (Some(expected), &None));
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

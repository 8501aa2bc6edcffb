use std::time::Duration;

use domain::{
    AppId, ClaimId, TenantId, Timestamp,
    cache::CacheTag,
    fair_queue::QueueTicket,
    idempotency::Idempotency,
    job::{Event, Failure, FailureCode, State, StoredResult, WaitReason, step},
};

use testkit::build;

use super::*;
use crate::{item::Reader, table::unasked};

const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_123);

fn claim() -> ClaimId {
    ClaimId::from_bytes([4; 16])
}

fn queued() -> Job {
    let account = build::account_ref(&TenantId::from_bytes([1; 16]), "1@N00");
    let ticket = QueueTicket { app: AppId::from_bytes([9; 16]), tag: 7 };
    Job {
        idempotency: Idempotency::Idempotent,
        invalidates: [CacheTag::Photos].into_iter().collect(),
        state: State::first_in_queue(ticket, NOW, NOW),
        ..build::job([2; 16], build::spec(&account, "flickr.photos.setMeta", "{}"), NOW)
    }
}

fn applied(job: &Job, event: Event) -> Transition {
    step(job, event, NOW + Duration::from_secs(1)).unwrap()
}

fn released() -> Transition {
    applied(&queued(), Event::Release { at: NOW })
}

fn running() -> Job {
    let released = released().after;
    let fencing_number = released.state.fencing_number;
    let lease_until = NOW + Duration::from_secs(40);
    applied(&released, Event::Claim { fencing_number, claim: claim(), lease_until }).after
}

fn died() -> Transition {
    applied(&running(), Event::GiveUp(claim(), Failure::new(FailureCode::AttemptsExhausted, "m")))
}

fn update(transition: &Transition, effects: &Effects) -> Update {
    job_update(&unasked(), Shards::default(), &transition.after, transition.before.as_ref().unwrap().revision, effects)
        .unwrap()
}

/// The bytes that an attribute's value counts as; numbers as more than they are.
fn size(value: &AttributeValue) -> usize {
    let text = value.as_s().or_else(|_| value.as_n());
    text.map_or(1, String::len)
}

/// The attributes that an update sets, and those that it removes.
fn changes(update: &Update) -> (Vec<&str>, Vec<&str>) {
    let (set, removed) = update.update_expression.strip_prefix("SET ").unwrap().split_once(" REMOVE ").unwrap();
    let set = set.split(", ").map(|part| part.split_once(" = ").unwrap().0.trim_start_matches('#')).collect();
    (set, removed.split(", ").map(|part| part.trim_start_matches('#')).collect())
}

#[test]
fn a_state_is_written_whole_if_the_revision_is_the_one_it_came_from() {
    for transition in [released(), died()] {
        let update = update(&transition, &transition.effects);
        assert_eq!(update.condition_expression.as_deref(), Some("#revision = :was"));
        let values = update.expression_attribute_values.as_ref().unwrap();
        assert_eq!(values[":was"], whole(transition.before.as_ref().unwrap().revision));
        let (set, removed) = changes(&update);
        assert!(STATE.iter().all(|name| set.contains(name) != removed.contains(name)), "each is set or removed");

        let written: Attributes =
            set.iter().map(|name| ((*name).to_owned(), values[&format!(":{name}")].clone())).collect();
        assert_eq!(read_state(&written).unwrap(), transition.after.state);
        let found = |job: &Job, item: Option<&Attributes>| refused(job, item).unwrap();
        let itself = found(&transition.after, Some(&written));
        assert_eq!(itself, Committed::Found, "a write that is repeated finds itself");
        assert_eq!(found(&queued(), Some(&written)), Committed::Conflict);
        assert_eq!(found(&queued(), None), Committed::Conflict);

        // DynamoDB refuses names and values without a use.
        let named = update.expression_attribute_names.as_ref().unwrap();
        assert_eq!(named.len(), set.len() + removed.len());
        assert_eq!(values.len(), set.len() + 1);
    }
}

#[test]
fn an_index_changes_only_as_the_effects_say() {
    let released = released();
    let update_of = |transition: &Transition, effects: &Effects| {
        let update = update(transition, effects);
        let (set, removed) = changes(&update);
        let of = |names: &[&str], name: &str| names.contains(&name);
        [CHECK_SHARD, NEXT_CHECK_AT, QUEUE_APP, QUEUE_ORDER].map(|name| (of(&set, name), of(&removed, name)))
    };
    let (set, removed, same) = ((true, false), (false, true), (false, false));
    assert_eq!(update_of(&released, &released.effects), [set, set, removed, removed]);
    let died = died();
    assert_eq!(update_of(&died, &died.effects), [removed, removed, same, same]);
    let ticket = QueueTicket { app: AppId::from_bytes([8; 16]), tag: 8 };
    let reason = WaitReason::AppBudget;
    let joined = applied(&running(), Event::JoinQueue { claim: claim(), ticket, expected_at: NOW, reason });
    assert_eq!(update_of(&joined, &joined.effects), [same, same, set, set]);
}

#[test]
fn the_list_of_dead_jobs_changes_only_as_the_effects_say() {
    let part = |transition: &Transition| {
        let part = dead_list_part(&unasked(), transition.after.tenant(), &transition.effects.dead_list);
        let part = part.unwrap()?.unwrap();
        Some((part.put.map(|put| put.item), part.delete.map(|delete| delete.key)))
    };
    assert_eq!(part(&released()), None);
    let completed = Event::complete(claim(), StoredResult::Inline("{}".to_owned()));
    assert_eq!(part(&applied(&running(), completed)), None);
    let died = died();
    let Some((Some(entry), None)) = part(&died) else { panic!("no entry") };
    assert_eq!(Reader(&entry).text("job").unwrap(), died.after.id.as_str());
    let written: usize = entry.iter().map(|(name, value)| name.len() + size(value)).sum();
    assert!(written < 1024, "the death of a job without `meta` costs no more: {written}");
    let replayed = applied(&died.after, Event::Replay { force: false, admission: None });
    let Some((None, Some(key))) = part(&replayed) else { panic!("the entry stays") };
    assert!(key.iter().all(|(name, value)| entry.get(name) == Some(value)), "the entry that was put is removed");
}

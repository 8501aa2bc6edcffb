use super::*;
use crate::{
    cache::CacheTags,
    job::{
        Event, Failure, StoredResult, WaitReason, step,
        testing::{at, claim, job, job_in, ticket},
    },
};

fn accepted() -> Transition {
    Transition::accepted(job(State::first(at(0), at(0))))
}

fn next(transition: &Transition, event: Event, now: i64) -> Transition {
    step(&transition.after, event, at(now)).unwrap()
}

fn claimed(transition: &Transition, now: i64) -> Transition {
    let fencing_number = transition.after.state.fencing_number;
    next(transition, Event::Claim { fencing_number, claim: claim(1), lease_until: at(now + 40) }, now)
}

fn failure(code: FailureCode) -> Failure {
    Failure::new(code, "")
}

fn completed() -> Phase {
    Phase::Completed { at: at(10), result: StoredResult::Inline("{}".to_owned()), page_of_several: false }
}

fn failed(code: FailureCode) -> Phase {
    Phase::Failed { at: at(10), failure: failure(code) }
}

fn expired() -> Phase {
    Phase::Expired { at: at(10), waited_for: WaitReason::AppBudget }
}

#[test]
fn an_acceptance_counts_lists_and_sends() {
    let Effects { message, pending, next_check, dead_list, queue_index, invalidation } = accepted().effects;
    assert_eq!(message, Some(at(0)));
    assert_eq!((pending, next_check), (PendingCount::Up, NextCheck::At(accepted().after.next_check_at().unwrap())));
    assert_eq!((dead_list, queue_index, invalidation), (DeadList::Same, QueueIndex::Same, None));

    let queued = Transition::accepted(job(State::first_in_queue(ticket(7), at(60), at(0))));
    assert_eq!((queued.effects.message, queued.effects.queue_index), (None, QueueIndex::Entered(ticket(7))));
}

#[test]
fn what_a_worker_does_leaves_the_next_check_and_what_the_sweep_does_sets_it() {
    let held = claimed(&accepted(), 0);
    assert_eq!((held.effects.next_check, held.effects.pending), (NextCheck::Same, PendingCount::Same));
    let due_at = at(5000);
    let put_off = Event::Defer { claim: claim(1), due_at, reason: WaitReason::Outage, attempted: false };
    let deferred = next(&held, put_off, 1);
    assert_eq!((deferred.effects.next_check, deferred.effects.message), (NextCheck::Same, None));
    let checked = next(&deferred, Event::Check, 5000);
    assert_eq!(checked.effects.next_check, NextCheck::At(checked.after.next_check_at().unwrap()));
}

#[test]
fn a_job_enters_and_leaves_the_index_of_its_fair_queue() {
    let held = claimed(&accepted(), 0);
    let join = |claim, reason| Event::JoinQueue { claim, ticket: ticket(3), expected_at: at(90), reason };
    let queued = next(&held, join(claim(1), WaitReason::AppBudget), 1);
    assert_eq!(queued.effects.queue_index, QueueIndex::Entered(ticket(3)));
    let released = next(&queued, Event::Release { at: at(80) }, 70);
    assert_eq!(released.effects.queue_index, QueueIndex::Left);
    assert_eq!(claimed(&released, 80).effects.queue_index, QueueIndex::Same);
    let late = queued.after.deadline().as_seconds();
    assert_eq!(next(&queued, Event::Check, late).effects.queue_index, QueueIndex::Left, "who ended waits no more");
}

#[test]
fn a_death_is_listed_until_the_job_is_replayed() {
    let held = claimed(&accepted(), 0);
    let dead = next(&held, Event::GiveUp(claim(1), failure(FailureCode::AttemptsExhausted)), 7);
    let listed = DeadJob::of(&dead.after).unwrap();
    assert!(dead.is_end());
    assert_eq!(dead.effects.dead_list, DeadList::Entered(Box::new(listed.clone())));
    assert_eq!((dead.effects.pending, dead.effects.next_check), (PendingCount::Down, NextCheck::Cleared));
    let again = next(&dead, Event::Replay { force: false, admission: None }, 9);
    assert_eq!(again.effects.dead_list, DeadList::Left(listed.cursor()));
    assert_eq!((again.effects.pending, again.is_end()), (PendingCount::Up, false));
    assert!(matches!(again.effects.next_check, NextCheck::At(_)));
}

#[test]
fn the_end_of_a_write_invalidates_its_tags() {
    let invalidated = |phase| invalidation(&job_in(phase));
    let done = invalidated(completed()).unwrap();
    assert_eq!((done.tags.to_string().as_str(), done.unsettled_until), ("photos", None));
    assert_eq!(done.written_at, Some(at(10)));
    assert_eq!(invalidation(&claimed(&accepted(), 5).after), None);
    assert_eq!(invalidated(failed(FailureCode::FlickrRejected)).unwrap().unsettled_until, None);
    let until = Some(at(10) + VERIFICATION);
    assert_eq!(invalidated(failed(FailureCode::OutcomeUnknown)).unwrap().unsettled_until, until);
    let over = invalidated(expired()).unwrap();
    assert_eq!((over.unsettled_until, over.written_at), (until, until));

    let mut retried = job_in(failed(FailureCode::FlickrRejected));
    retried.state.attempts = 2;
    assert_eq!(invalidation(&retried).unwrap().unsettled_until, until, "the first attempt may act yet");
    let mut unsent = job_in(expired());
    unsent.state.attempts = 0;
    assert_eq!(invalidation(&unsent), None);
    let read = Job { invalidates: CacheTags::default(), ..job_in(completed()) };
    assert_eq!(invalidation(&read), None);

    let held = claimed(&accepted(), 0);
    let end = next(&held, Event::complete(claim(1), StoredResult::SeparateItem), 3);
    assert_eq!(end.effects.invalidation.map(|invalidation| invalidation.tags), Some(end.after.invalidates));
}

use super::*;
use crate::job::{
    Activity, Claim, State, StoredResult, Target, WaitReason,
    testing::{at, claim, job, job_id, job_in, ticket, waits},
};

const LAG: Duration = Duration::from_secs(30);

fn tag(generation: u64, written_at: Option<i64>) -> TagState {
    TagState { generation, written_at: written_at.map(at) }
}

fn completed() -> Phase {
    Phase::Completed { at: at(10), result: StoredResult::Inline("{}".to_owned()), page_of_several: false }
}

fn failed(code: FailureCode) -> Phase {
    Phase::Failed { at: at(10), failure: Failure::new(code, "") }
}

fn running(since: i64) -> Phase {
    let lease_until = at(since) + Target::Rest.timing().lease;
    Phase::Running(Claim { id: claim(1), lease_until, activity: Activity::Call, waited_for: WaitReason::Worker })
}

/// What follows at `now` for a job that follows `follows`, from an entry of second 5 whose job is in `phase`; it takes
/// an answer up to a minute old.
fn decided(phase: Phase, follows: Option<&JobId>, now: i64) -> Decision {
    decided_of(&job_in(phase), follows, Priority::Normal, now)
}

fn decided_of(leader: &Job, follows: Option<&JobId>, priority: Priority, now: i64) -> Decision {
    let entry = CacheEntry { leader: job_id(1), generation: 3, as_of: at(5) };
    let requester = Requester {
        id: Some(&job_id(2)),
        priority,
        follows,
        ttl: Duration::from_secs(60),
        index_lag: LAG,
        takes_pages: false,
    };
    decide(&entry, tag(3, None), Some(leader), &requester, at(now))
}

#[test]
fn a_fresh_answer_is_given_until_its_time_to_live_less_what_clocks_may_differ() {
    assert_eq!(decided(completed(), None, 61), Decision::Hit);
    assert_eq!(decided(completed(), None, 62), Decision::Fetch);
}

#[test]
fn whoever_waited_for_an_answer_takes_none_that_is_too_old_either() {
    assert_eq!(decided(completed(), Some(&job_id(1)), 61), Decision::Hit);
    assert_eq!(decided(completed(), Some(&job_id(1)), 62), Decision::Fetch);
}

#[test]
fn an_answer_of_another_generation_is_none() {
    let entry = CacheEntry { leader: job_id(1), generation: 2, as_of: at(5) };
    let requester = Requester {
        id: None,
        priority: Priority::Normal,
        follows: None,
        ttl: Duration::from_secs(60),
        index_lag: LAG,
        takes_pages: false,
    };
    assert_eq!(decide(&entry, tag(3, None), Some(&job_in(completed())), &requester, at(6)), Decision::Fetch);
    assert_eq!(decide(&entry, tag(2, None), Some(&job_in(completed())), &requester, at(6)), Decision::Hit);
    assert_eq!(decide(&entry, tag(2, None), None, &requester, at(6)), Decision::Fetch, "its job is gone");
    let itself = Requester { id: Some(&job_id(1)), ..requester };
    assert_eq!(decide(&entry, tag(2, None), Some(&job_in(running(5))), &itself, at(6)), Decision::Fetch);
}

/// Flickr's index may have lagged behind a write when the answer was taken, though the write had ended.
#[test]
fn an_answer_from_within_the_index_lag_of_a_write_is_given_until_the_lag_is_over() {
    let entry = CacheEntry { leader: job_id(1), generation: 2, as_of: at(5) };
    let requester = Requester {
        id: None,
        priority: Priority::Normal,
        follows: None,
        ttl: Duration::from_secs(300),
        index_lag: LAG,
        takes_pages: false,
    };
    let decided = |written_at, now| decide(&entry, tag(2, written_at), Some(&job_in(completed())), &requester, at(now));
    assert_eq!(decided(Some(4), 34), Decision::Hit);
    assert_eq!(decided(Some(4), 35), Decision::Fetch);
    assert_eq!(decided(Some(-25), 35), Decision::Fetch, "taken just when the lag ended");
    assert_eq!(decided(Some(-26), 35), Decision::Hit, "taken after the lag");
    assert_eq!(decided(None, 35), Decision::Hit);
}

/// Who reads all pages must not be given pages of different ages.
#[test]
fn one_page_of_several_is_given_to_who_waited_for_it_or_says_how_old_an_answer_may_be() {
    let result = StoredResult::Inline("{}".to_owned());
    let leader = job_in(Phase::Completed { at: at(10), result, page_of_several: true });
    let entry = CacheEntry { leader: job_id(1), generation: 3, as_of: at(5) };
    let decided = |follows: Option<u8>, takes_pages, now| {
        let ttl = Duration::from_secs(60);
        let (id, follows) = (job_id(2), follows.map(job_id));
        let follows = follows.as_ref();
        let requester =
            Requester { id: Some(&id), priority: Priority::Normal, follows, ttl, index_lag: LAG, takes_pages };
        decide(&entry, tag(3, None), Some(&leader), &requester, at(now))
    };
    assert_eq!(decided(None, false, 11), Decision::Fetch);
    assert_eq!(decided(Some(9), false, 11), Decision::Fetch, "it waited for another");
    assert_eq!(decided(Some(1), false, 11), Decision::Hit);
    assert_eq!(decided(None, true, 11), Decision::Hit);
    assert_eq!(decided(None, true, 62), Decision::Fetch);
}

#[test]
fn an_answer_that_was_shared_is_not_shared_on() {
    let shared = StoredResult::Shared { leader: job_id(9), as_of: at(1) };
    assert_eq!(
        decided(Phase::Completed { at: at(10), result: shared, page_of_several: false }, None, 11),
        Decision::Fetch
    );
}

#[test]
fn a_follower_looks_again_when_the_leader_has_run_twice_as_long() {
    let looks_again = |now| match decided(running(100), None, now) {
        Decision::Wait { due_at } => due_at,
        other => panic!("{other:?}"),
    };
    assert_eq!(looks_again(100), at(102));
    assert_eq!(looks_again(101), at(103));
    assert_eq!(looks_again(110), at(120));
    assert_eq!(looks_again(900), at(940), "a leader whose worker crashed is looked at now and then");
}

#[test]
fn a_follower_waits_for_a_leader_that_waits_unless_it_is_more_urgent() {
    let mut leader = job_in(waits(WaitReason::Worker));
    leader.state.due_at = at(500);
    assert_eq!(decided_of(&leader, None, Priority::High, 7), Decision::Wait { due_at: at(502) });
    let leader = job(State::first_in_queue(ticket(1), at(500), at(0)));
    assert_eq!(decided_of(&leader, None, Priority::Normal, 7), Decision::Wait { due_at: at(502) });
    assert_eq!(decided_of(&leader, None, Priority::Low, 600), Decision::Wait { due_at: at(602) });
    assert_eq!(decided_of(&leader, None, Priority::High, 7), Decision::Fetch);
}

#[test]
fn a_refusal_is_shared_with_those_who_waited_and_not_cached() {
    let refusal = failed(FailureCode::FlickrRejected);
    assert!(matches!(decided(refusal.clone(), Some(&job_id(1)), 11), Decision::Refused(_)));
    assert_eq!(decided(refusal, None, 11), Decision::Fetch);
    for code in [FailureCode::ReconnectNeeded, FailureCode::ResultTooLarge] {
        assert_eq!(decided(failed(code), Some(&job_id(1)), 11), Decision::Fetch, "{code:?}");
    }
    let expired = Phase::Expired { at: at(10), waited_for: WaitReason::Circuit };
    assert_eq!(decided(expired, Some(&job_id(1)), 11), Decision::Fetch);
}

#[test]
fn nobody_waits_for_a_second_leader() {
    assert_eq!(decided(running(5), Some(&job_id(9)), 6), Decision::Fetch);
    assert_eq!(decided(completed(), Some(&job_id(9)), 6), Decision::Hit, "an answer that is there is taken");
}

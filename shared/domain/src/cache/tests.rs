use serde_json::json;

use super::*;
use crate::{
    AppId, ClaimId, TenantId, TraceId, UserId,
    idempotency::Fingerprint,
    job::{Claim, Doing, Order, State, StoredResult, Target},
    line::Place,
    outcome::Nature,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(seconds * 1000)
}

fn id(number: u8) -> JobId {
    JobId::from_bytes([number; 16])
}

fn question(method: &str, params: &serde_json::Value) -> Question {
    Question::of(&method.parse().unwrap(), &Params::from_json(params.as_object().unwrap()).unwrap())
}

/// A job in this phase that may have changed photos.
fn job(phase: Phase) -> Job {
    let tenant = TenantId::from_bytes([1; 16]);
    let order = Order {
        user: UserId::of(&tenant, "1@N00"),
        target: Target::Rest,
        method: "flickr.photos.setMeta".parse().unwrap(),
        params: Params::default(),
        priority: Priority::Normal,
        cache: Terms::default(),
        meta: None,
    };
    Job {
        tenant,
        id: id(1),
        nature: Nature::NaturalWrite,
        checkable: false,
        raises: [Family::Photos].into_iter().collect(),
        fingerprint: Fingerprint::of(&order).unwrap(),
        order,
        trace: TraceId::from_bytes([1; 16]),
        created_at: at(0),
        state: State { attempts: 1, phase, ..State::first(at(0), at(0)).0 },
    }
}

fn completed() -> Phase {
    Phase::Completed { at: at(10), result: StoredResult::Inline("{}".to_owned()) }
}

fn failed(code: FailureCode) -> Phase {
    Phase::Failed { at: at(10), failure: Failure { code, message: String::new(), flickr_code: None } }
}

fn running(since: i64) -> Phase {
    let claim = Claim { id: ClaimId::from_bytes([1; 16]), lease_until: at(since) + LEASE, doing: Doing::Call };
    Phase::Running(claim)
}

/// What follows at `now` for a job that follows `follows`, from a pointer of second 5 to a job in
/// `phase`; it takes an answer up to a minute old.
fn decided(phase: Phase, follows: Option<&JobId>, now: i64) -> Decision {
    decided_of(&job(phase), follows, Priority::Normal, now)
}

fn decided_of(leader: &Job, follows: Option<&JobId>, priority: Priority, now: i64) -> Decision {
    let pointer = Pointer { leader: id(1), generation: 3, as_of: at(5) };
    let asker = Asker { id: Some(&id(2)), priority, follows, ttl: Duration::from_secs(60) };
    decide(&pointer, 3, Some(leader), &asker, at(now))
}

#[test]
fn a_question_is_the_method_with_its_parameters_in_any_order() {
    let asked = question("flickr.photos.getInfo", &json!({"photo_id": "1", "secret": "2"}));
    assert_eq!(asked, question("flickr.photos.getInfo", &json!({"secret": 2, "photo_id": 1})));
    assert_eq!(asked.as_str().len(), 64);
    for other in [
        question("flickr.photos.getExif", &json!({"photo_id": "1", "secret": "2"})),
        question("flickr.photos.getInfo", &json!({"photo_id": "2", "secret": "1"})),
        question("flickr.photos.getInfo", &json!({"photo_id": "1"})),
        question("flickr.photos.getInfo", &json!({"photo_id": "1secret2"})),
    ] {
        assert_ne!(asked, other);
    }
}

#[test]
fn a_time_to_live_has_bounds() {
    for bad in [0, MIN_TTL_SECONDS - 1, 86_401, u32::MAX] {
        assert_eq!(Terms::new(Some(bad), false), Err(InvalidTtl));
    }
    for good in [MIN_TTL_SECONDS, 86_400] {
        assert_eq!(Terms::new(Some(good), false).unwrap().ttl(), Some(Duration::from_secs(good.into())));
    }
    assert!(Terms::new(None, false).unwrap().is_default());
    assert!(Terms::new(None, true).unwrap().bypass());
}

#[test]
fn a_fresh_answer_is_given_until_its_time_to_live_less_what_clocks_may_differ() {
    assert_eq!(decided(completed(), None, 61), Decision::Answered);
    assert_eq!(decided(completed(), None, 62), Decision::Lead);
}

#[test]
fn whoever_waited_for_an_answer_takes_none_that_is_too_old_either() {
    assert_eq!(decided(completed(), Some(&id(1)), 61), Decision::Answered);
    assert_eq!(decided(completed(), Some(&id(1)), 62), Decision::Lead);
}

#[test]
fn an_answer_of_another_generation_is_none() {
    let pointer = Pointer { leader: id(1), generation: 2, as_of: at(5) };
    let asker = Asker { id: None, priority: Priority::Normal, follows: None, ttl: Duration::from_secs(60) };
    assert_eq!(decide(&pointer, 3, Some(&job(completed())), &asker, at(6)), Decision::Lead);
    assert_eq!(decide(&pointer, 2, Some(&job(completed())), &asker, at(6)), Decision::Answered);
    assert_eq!(decide(&pointer, 2, None, &asker, at(6)), Decision::Lead, "its job is gone");
    let itself = Asker { id: Some(&id(1)), ..asker };
    assert_eq!(decide(&pointer, 2, Some(&job(running(5))), &itself, at(6)), Decision::Lead);
}

#[test]
fn an_answer_that_was_shared_is_not_shared_on() {
    let shared = StoredResult::Shared { leader: id(9), as_of: at(1) };
    assert_eq!(decided(Phase::Completed { at: at(10), result: shared }, None, 11), Decision::Lead);
}

#[test]
fn a_follower_looks_again_when_the_leader_has_run_twice_as_long() {
    let looks_again = |now| match decided(running(100), None, now) {
        Decision::Follow { due_at } => due_at,
        other => panic!("{other:?}"),
    };
    assert_eq!(looks_again(100), at(102));
    assert_eq!(looks_again(101), at(103));
    assert_eq!(looks_again(110), at(120));
    assert_eq!(looks_again(900), at(940), "a leader whose worker crashed is looked at now and then");
}

#[test]
fn a_follower_waits_for_a_leader_that_waits_unless_it_is_more_urgent() {
    let mut leader = job(Phase::Queued);
    leader.state.due_at = at(500);
    assert_eq!(decided_of(&leader, None, Priority::High, 7), Decision::Follow { due_at: at(502) });
    leader.state.carrier = Carrier::Line;
    leader.state.place = Some(Place { app: AppId::from_bytes([9; 16]), tag: 1 });
    assert_eq!(decided_of(&leader, None, Priority::Normal, 7), Decision::Follow { due_at: at(502) });
    assert_eq!(decided_of(&leader, None, Priority::Low, 600), Decision::Follow { due_at: at(602) });
    assert_eq!(decided_of(&leader, None, Priority::High, 7), Decision::Lead);
}

#[test]
fn a_refusal_is_shared_with_those_who_waited_and_not_kept() {
    let refusal = failed(FailureCode::FlickrRejected);
    assert!(matches!(decided(refusal.clone(), Some(&id(1)), 11), Decision::Refused(_)));
    assert_eq!(decided(refusal, None, 11), Decision::Lead);
    for code in [FailureCode::ReconnectNeeded, FailureCode::ResultTooLarge] {
        assert_eq!(decided(failed(code), Some(&id(1)), 11), Decision::Lead, "{code:?}");
    }
    assert_eq!(decided(Phase::Expired { at: at(10) }, Some(&id(1)), 11), Decision::Lead);
}

#[test]
fn nobody_waits_for_a_second_leader() {
    assert_eq!(decided(running(5), Some(&id(9)), 6), Decision::Lead);
    assert_eq!(decided(completed(), Some(&id(9)), 6), Decision::Answered, "an answer that is there is taken");
}

#[test]
fn the_end_of_a_write_raises_its_families() {
    let raised = |phase| Change::by_end_of(&job(phase));
    let change = raised(completed()).unwrap();
    assert_eq!((change.families.to_string().as_str(), change.unsettled_until), ("photos", None));
    assert_eq!(raised(running(5)), None);
    assert_eq!(raised(failed(FailureCode::FlickrRejected)).unwrap().unsettled_until, None);
    let until = Some(at(10) + VERIFICATION);
    assert_eq!(raised(failed(FailureCode::OutcomeUnknown)).unwrap().unsettled_until, until);
    assert_eq!(raised(Phase::Expired { at: at(10) }).unwrap().unsettled_until, until);

    let mut retried = job(failed(FailureCode::FlickrRejected));
    retried.state.attempts = 2;
    assert_eq!(Change::by_end_of(&retried).unwrap().unsettled_until, until, "the first attempt may act yet");
    let mut unsent = job(Phase::Expired { at: at(10) });
    unsent.state.attempts = 0;
    assert_eq!(Change::by_end_of(&unsent), None);
    let read = Job { raises: Families::default(), ..job(completed()) };
    assert_eq!(Change::by_end_of(&read), None);
}

#[test]
fn nothing_is_fresh_while_a_write_may_still_take_effect() {
    let families: Families = [Family::Photos, Family::Tags].into_iter().collect();
    let raise = |unsettled_until| Change { families: families.clone(), unsettled_until };
    let fresh = Freshness::default().after(&raise(None)).after(&raise(Some(at(100)))).after(&raise(None));
    assert_eq!(fresh.generation(Family::Photos, at(99)), None);
    assert_eq!(fresh.generation(Family::People, at(99)), None);
    assert_eq!(fresh.generation(Family::Photos, at(100)), Some(3));
    assert_eq!(fresh.generation(Family::People, at(100)), Some(0));
}

#[test]
fn families_read_back_as_written() {
    let some: Families = [Family::Tags, Family::Blogs].into_iter().collect();
    assert_eq!((some.to_string().as_str(), "tags,blogs".parse()), ("blogs,tags", Ok(some)));
    assert_eq!(Families::all().to_string().parse(), Ok(Families::all()));
    assert_eq!("".parse(), Ok(Families::default()));
    assert_eq!("photos,other".parse::<Families>(), Err(UnknownFamily));
    for family in Family::ALL {
        assert_eq!(serde_json::to_value(family).unwrap(), family.as_str());
    }
}

use super::*;
use crate::{
    TenantId,
    budget::{Budget, HostClass, Limit, Party, Refused, Request, Why},
};

const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_000);

fn after(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

fn party(number: u8) -> Party {
    Party::tenant(&TenantId::from_bytes([number; 16]))
}

fn refused(number: u8) -> Signal {
    Signal::KeyRefused(party(number), "Invalid API Key".to_owned())
}

fn wrong_signature(number: u8) -> Signal {
    Signal::SignatureRefused(party(number), "oauth_problem=signature_invalid".to_owned())
}

fn recorded(budget: &Budget, class: HostClass, signal: &Signal, now: Timestamp) -> Budget {
    let change = budget.record(class, signal, Jitter::NONE, now);
    change.map_or_else(|| budget.clone(), |change| budget.changed(&change).unwrap())
}

/// Takes one call to these hosts; the budget after it.
fn take(budget: &Budget, class: HostClass, now: Timestamp) -> Result<Budget, Refused> {
    let request = Request { limit: Limit::FLICKR, class: Some(class), calls: 1 };
    budget.take(&request, now).map(|change| budget.changed(&change).unwrap())
}

fn stopped_until(seconds: u64) -> Result<Budget, Refused> {
    Err(Refused { retry_at: after(seconds), why: Why::AppStopped })
}

#[test]
fn the_first_refusal_of_its_key_stops_an_app_and_one_probe_finds_out_whether_it_works_again() {
    let mut budget = recorded(&Budget::default(), HostClass::Rest, &refused(1), NOW);
    let stopped = StoppedApp { since: NOW, message: "Invalid API Key".to_owned() };
    assert_eq!(budget.stopped(), Some(stopped.clone()));
    let mut until = 300;
    for wait in [600, 1200, 2400, 3600, 3600] {
        assert_eq!(take(&budget, HostClass::Rest, after(until - 1)), stopped_until(until));
        assert_eq!(take(&budget, HostClass::Upload, after(until - 1)), stopped_until(until));
        budget = take(&budget, HostClass::Rest, after(until)).unwrap();
        assert_eq!(take(&budget, HostClass::Upload, after(until)), stopped_until(until + 60), "one probe at a time");
        budget = recorded(&budget, HostClass::Rest, &refused(2), after(until));
        assert_eq!(budget.stopped(), Some(stopped.clone()), "it is the same stop");
        until += wait;
    }
    let status = budget.status(&Limit::FLICKR, HostClass::Rest, after(until - 1));
    assert_eq!((status.open_until, status.remaining_calls, status.half_open), (Some(after(until)), 0, false));
    assert!(budget.status(&Limit::FLICKR, HostClass::Rest, after(until)).half_open);
    let budget = take(&budget, HostClass::Rest, after(until)).unwrap();
    let budget = recorded(&budget, HostClass::Rest, &Signal::Succeeded, after(until));
    assert_eq!(budget.stopped(), None);
    assert!(take(&budget, HostClass::Upload, after(until)).is_ok());
}

#[test]
fn wrong_signatures_of_one_account_stop_nobody_and_of_three_the_app() {
    let record = |budget: &Budget, number| recorded(budget, HostClass::Rest, &wrong_signature(number), NOW);
    let mut budget = Budget::default();
    for _ in 0..100 {
        budget = record(&budget, 1);
    }
    let two = record(&budget, 2);
    assert_eq!((budget.stopped(), two.stopped()), (None, None));
    assert!(record(&two, 3).stopped().is_some());
    let worked = recorded(&two, HostClass::Rest, &Signal::Succeeded, NOW);
    assert_eq!(record(&worked, 3).stopped(), None, "another account's signature was right in between");
    assert_eq!(recorded(&two, HostClass::Rest, &wrong_signature(3), after(60)).stopped(), None, "long ago");
}

#[test]
fn a_login_goes_on_while_the_app_is_stopped_and_ends_the_stop_when_it_succeeds() {
    let budget = recorded(&Budget::default(), HostClass::Rest, &refused(1), NOW);
    let login = take(&budget, HostClass::Oauth, NOW).unwrap();
    assert!(recorded(&login, HostClass::Oauth, &refused(1), NOW).stopped().is_some());
    let works = recorded(&login, HostClass::Oauth, &Signal::Succeeded, NOW);
    assert_eq!(works.stopped(), None);
    assert!(take(&works, HostClass::Rest, NOW).is_ok());
    let unknown = recorded(&Budget::default(), HostClass::Oauth, &refused(1), NOW);
    assert_eq!(unknown.stopped(), None, "a login may name an app that never worked");
}

#[test]
fn what_tells_nothing_of_the_key_leaves_the_stop_as_it_is_and_a_late_answer_too() {
    let budget = recorded(&Budget::default(), HostClass::Rest, &refused(1), NOW);
    for signal in [Signal::Succeeded, Signal::Failed(party(1)), Signal::Throttled] {
        let told = recorded(&budget, HostClass::Rest, &signal, after(1));
        assert_eq!(told.stopped(), budget.stopped(), "a call that began before: {signal:?}");
    }
    let probing = take(&budget, HostClass::Rest, after(300)).unwrap();
    for signal in [Signal::Failed(party(1)), Signal::Throttled] {
        assert!(recorded(&probing, HostClass::Rest, &signal, after(301)).stopped().is_some(), "{signal:?}");
    }
}

#[test]
fn a_long_message_is_cut() {
    let signal = Signal::KeyRefused(party(1), "é".repeat(1000));
    let message = recorded(&Budget::default(), HostClass::Rest, &signal, NOW).stopped().unwrap().message;
    assert_eq!(message, "é".repeat(MAX_MESSAGE_CHARACTERS));
}

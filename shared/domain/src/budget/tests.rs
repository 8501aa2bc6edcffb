use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::TenantId;

const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_000);

fn request(limit: &Limit, class: HostClass, calls: u32) -> Request {
    Request { limit: *limit, class: Some(class), calls }
}

/// Takes so many calls, all or none.
fn granted(budget: &mut Budget, limit: &Limit, calls: u32, now: Timestamp) -> bool {
    let change = budget.take(&request(limit, HostClass::Rest, calls), now).ok().filter(|change| change.calls == calls);
    if let Some(change) = &change {
        *budget = budget.changed(change).unwrap();
    }
    change.is_some()
}

/// Takes one call to these hosts; the budget after it.
fn one(budget: &Budget, limit: &Limit, class: HostClass, now: Timestamp) -> Result<Budget, Refused> {
    budget.take(&request(limit, class, 1), now).map(|change| budget.changed(&change).unwrap())
}

/// The budget after a signal was recorded.
fn recorded(budget: &Budget, class: HostClass, signal: &Signal, now: Timestamp) -> Budget {
    let change = budget.record(class, signal, Jitter::NONE, now);
    change.map_or_else(|| budget.clone(), |change| budget.changed(&change).unwrap())
}

fn party(number: u8) -> Party {
    Party::tenant(&TenantId::from_bytes([number; 16]))
}

fn after(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

#[test]
fn a_burst_is_granted_at_once_and_then_the_rate() {
    let limit = Limit::FLICKR;
    let mut budget = Budget::default();
    let at_once = (0..1000).filter(|_| granted(&mut budget, &limit, 1, NOW)).count();
    assert_eq!(at_once, limit.burst_calls as usize);
    assert_eq!(budget.status(&limit, HostClass::Rest, NOW).remaining_calls, 0);
    let in_an_hour = (0..3600).filter(|second| granted(&mut budget, &limit, 1, after(*second))).count();
    assert!((3320..=3330).contains(&in_an_hour), "{in_an_hour}");
}

#[test]
fn a_refusal_says_when_and_what_is_given_back_is_granted_again() {
    let limit = Limit { calls_per_hour: 3600, burst_calls: 2 };
    let change = Budget::default().take(&request(&limit, HostClass::Rest, 2), NOW).unwrap();
    let budget = Budget::default().changed(&change).unwrap();
    let refused = Refused { retry_at: after(1), why: Why::Spent };
    assert_eq!(one(&budget, &limit, HostClass::Rest, NOW), Err(refused));
    assert!(one(&budget, &limit, HostClass::Rest, NOW + Duration::from_millis(999)).is_err());

    let back = budget.given_back(&budget.returned(&change, 1, NOW));
    let again = one(&back, &limit, HostClass::Rest, NOW).unwrap();
    assert_eq!((&again, one(&again, &limit, HostClass::Rest, NOW)), (&budget, Err(refused)));

    let half = NOW + Duration::from_millis(1500);
    let back = budget.given_back(&budget.returned(&change, 1, half));
    assert_eq!(back.arrivals[&Meter::Whole], half, "half a call has drained by then");
    assert_eq!(budget.returned(&change, 1, after(2)), ReturnedCalls::default(), "and all of it by then");
}

#[test]
fn of_many_calls_that_are_asked_for_at_once_as_many_are_granted_as_there_are() {
    let limit = Limit { calls_per_hour: 3600, burst_calls: 20 };
    let change = Budget::default().take(&request(&limit, HostClass::Rest, 500), NOW).unwrap();
    assert_eq!(change.calls, 20);
    let change = Budget::default().take(&request(&limit, HostClass::Oauth, 500), NOW).unwrap();
    assert_eq!(change.calls, 4, "a fifth of them to log in");
    let account = Request { limit, class: None, calls: 7 };
    let change = Budget::default().take(&account, NOW).unwrap();
    assert_eq!((change.calls, change.moves.len()), (7, 1));
}

#[test]
fn logins_leave_most_of_the_budget_to_jobs() {
    let limit = Limit::FLICKR;
    let mut budget = Budget::default();
    let mut logins = 0;
    while let Ok(after) = one(&budget, &limit, HostClass::Oauth, NOW) {
        (budget, logins) = (after, logins + 1);
    }
    assert_eq!(logins, 30);
    assert_eq!(budget.status(&limit, HostClass::Rest, NOW).remaining_calls, 120, "they count in the whole, too");
    let jobs = std::iter::successors(Some(budget), |budget| one(budget, &limit, HostClass::Rest, NOW).ok()).count() - 1;
    assert_eq!(jobs, 120);
    let least = Limit { calls_per_hour: 1, burst_calls: 1 };
    assert!(one(&Budget::default(), &least, HostClass::Oauth, NOW).is_ok(), "of little, one is left");
}

#[test]
fn a_part_stands_where_its_own_calls_and_those_of_all_have_it() {
    let limit = Limit { calls_per_hour: 3600, burst_calls: 20 };
    let status = |budget: &Budget, class| {
        let status = budget.status(&limit, class, NOW);
        (status.remaining_calls, status.burst_calls, status.calls_per_hour)
    };
    let fresh = Budget::default();
    assert_eq!((status(&fresh, HostClass::Rest), status(&fresh, HostClass::Upload)), ((20, 20, 3600), (10, 10, 1800)));
    let uploads = (0..10).fold(fresh.clone(), |budget, _| one(&budget, &limit, HostClass::Upload, NOW).unwrap());
    assert_eq!((status(&uploads, HostClass::Rest).0, status(&uploads, HostClass::Upload).0), (10, 0));
    let calls = (0..17).fold(fresh, |budget, _| one(&budget, &limit, HostClass::Rest, NOW).unwrap());
    assert_eq!((status(&calls, HostClass::Rest).0, status(&calls, HostClass::Upload).0), (3, 3));
}

/// Two that ask at once see the same budget: the second change holds as long as there is room, and else is refused.
#[test]
fn a_change_holds_whoever_took_calls_in_between_while_there_is_room() {
    let limit = Limit { calls_per_hour: 3600, burst_calls: 5 };
    let first = one(&Budget::default(), &limit, HostClass::Rest, NOW).unwrap();
    let late = first.take(&request(&limit, HostClass::Rest, 2), NOW).unwrap();
    let mut budget = first;
    for taken in 2..=5 {
        let after = budget.changed(&late);
        assert_eq!(after.is_some(), taken <= 4, "{taken}");
        if let Some(after) = after {
            assert_eq!(after.status(&limit, HostClass::Rest, NOW).remaining_calls, 4 - taken);
        }
        budget = one(&budget, &limit, HostClass::Rest, NOW).unwrap_or(budget);
    }
    let fill = Budget::default().take(&request(&limit, HostClass::Rest, 1), NOW).unwrap();
    assert_eq!(budget.changed(&fill), None, "the bucket is no longer empty");
    let throttled = recorded(&Budget::default(), HostClass::Rest, &Signal::Throttled, NOW);
    assert_eq!(throttled.changed(&fill), None, "the rate may be another");
}

#[test]
fn three_refusals_within_a_minute_open_the_circuit_and_a_probe_closes_it() {
    let limit = Limit::FLICKR;
    let mut budget = Budget::default();
    for second in [0, 10, 20] {
        assert!(granted(&mut budget, &limit, 1, after(second)));
        budget = recorded(&budget, HostClass::Rest, &Signal::Throttled, after(second));
    }
    let Err(Refused { retry_at, why: Why::CircuitOpen }) = one(&budget, &limit, HostClass::Rest, after(21)) else {
        panic!("open")
    };
    assert!((after(20 + 300)..after(20 + 450)).contains(&retry_at));
    for late in [Signal::Throttled, Signal::Failed(party(1)), Signal::Succeeded] {
        let change = budget.record(HostClass::Rest, &late, Jitter::NONE, after(21));
        assert_eq!(change, None, "those that were on their way change nothing of an open one: {late:?}");
    }
    assert!(one(&budget, &limit, HostClass::Upload, after(21)).is_ok(), "another host class goes on");

    let change = budget.take(&request(&limit, HostClass::Rest, 5), retry_at).unwrap();
    assert_eq!(change.calls, 1, "one finds out");
    let probing = budget.changed(&change).unwrap();
    assert_eq!(probing.changed(&change), None, "of two that would find out one does");
    let second = one(&probing, &limit, HostClass::Rest, retry_at);
    assert!(matches!(second, Err(Refused { why: Why::CircuitOpen, .. })), "one probe at a time");

    let again = recorded(&probing, HostClass::Rest, &Signal::Throttled, retry_at);
    let Err(Refused { retry_at: later, .. }) = one(&again, &limit, HostClass::Rest, retry_at) else {
        panic!("open again")
    };
    assert!(later.since(retry_at) >= 2 * Duration::from_secs(300), "the wait doubles");
    let closed = recorded(&probing, HostClass::Rest, &Signal::Succeeded, retry_at);
    assert!(one(&closed, &limit, HostClass::Rest, retry_at).is_ok());
}

#[test]
fn failures_of_few_parties_open_no_circuit_and_those_of_many_do() {
    let is_open = |budget: &Budget| budget.status(&Limit::FLICKR, HostClass::Rest, NOW).open_until.is_some();
    let failed = |budget: &Budget, by| recorded(budget, HostClass::Rest, &Signal::Failed(by), NOW);
    let mut budget = Budget::default();
    for number in 0..60 {
        budget = failed(&budget, party(number % 6));
    }
    assert!(!is_open(&budget), "six parties whose calls all fail stop nobody else");
    assert_eq!(budget.record(HostClass::Rest, &Signal::Failed(party(0)), Jitter::NONE, NOW), None, "nothing to write");
    budget = failed(&budget, party(7));
    assert!(!is_open(&budget));
    let reset = recorded(&budget, HostClass::Rest, &Signal::Succeeded, NOW);
    assert!(!is_open(&failed(&reset, party(8))), "a success in between shows that Flickr is well");
    assert!(is_open(&failed(&budget, party(8))));
}

#[test]
fn an_account_that_fails_alone_opens_a_circuit_of_its_own() {
    let record = |circuit: &Circuit, signal| circuit.record(&signal, &CircuitRule::ACCOUNT, Jitter::NONE, NOW);
    let failed = |circuit: Circuit, times| (0..times).fold(circuit, |it, _| record(&it, Signal::Failed(party(1))));
    let five = failed(Circuit::default(), 5);
    assert_eq!(five.state(NOW), CircuitState::Closed);
    assert_eq!(record(&five, Signal::Throttled), five, "Flickr counts the app's calls, and not the account's");
    assert_eq!(record(&five, Signal::Succeeded), Circuit::default());
    let open = failed(five, 1);
    let CircuitState::Open(until) = open.state(NOW) else { panic!("closed") };
    assert!((after(60)..=after(90)).contains(&until));
    let CircuitState::HalfOpen(probing) = open.state(until) else { panic!("one finds out") };
    assert!(matches!(probing.state(until), CircuitState::Open(_)), "and no other meanwhile");
    let record_then = |signal| probing.record(&signal, &CircuitRule::ACCOUNT, Jitter::NONE, until);
    assert_eq!(record_then(Signal::Succeeded), Circuit::default());
    let CircuitState::Open(later) = record_then(Signal::Failed(party(1))).state(until) else { panic!("closed") };
    assert!(later.since(until) >= Duration::from_secs(120));
}

#[test]
fn the_learned_rate_is_halved_once_and_grows_back() {
    let limit = Limit::FLICKR;
    let mut budget = Budget::default();
    for second in [0, 1] {
        budget = recorded(&budget, HostClass::Rest, &Signal::Throttled, after(second));
    }
    assert_eq!(budget.status(&limit, HostClass::Rest, after(1)).calls_per_hour, 1665);
    let later = budget.status(&limit, HostClass::Rest, after(600)).calls_per_hour;
    assert!(later > 1665 && later < 3330, "{later}");
    assert_eq!(budget.status(&limit, HostClass::Rest, after(24 * 3600)).calls_per_hour, 3330);
}

#[test]
fn a_rate_that_is_lowered_grants_no_second_burst() {
    let limit = Limit { calls_per_hour: 60, burst_calls: 8 };
    let mut budget = Budget::default();
    assert!(granted(&mut budget, &limit, 8, NOW));
    for minute in 0..5 {
        let now = NOW + Duration::from_secs(61) * minute;
        budget = recorded(&budget, HostClass::Upload, &Signal::Throttled, now);
    }
    let now = NOW + Duration::from_secs(244);
    let status = budget.status(&limit, HostClass::Rest, now);
    assert_eq!((status.calls_per_hour, status.burst_calls, status.remaining_calls), (3, 1, 0));
    assert!(!granted(&mut budget, &limit, 1, now));
    assert!(granted(&mut budget, &limit, 1, NOW + Duration::from_secs(480)), "one call is left at any rate");
}

proptest! {
    /// The promise (I2), by an exact log of the calls that are made: no rolling hour sees more than the rate and a
    /// burst, whatever the order of requests, refusals, and changes that were computed from an older budget. Calls that
    /// are given back some seconds later may add what the rate allows in the lifetime of a grant.
    #[test]
    fn no_rolling_hour_sees_more_than_the_limit(
        steps in prop::collection::vec((0u64..40_000, 1u32..4, 0u8..20), 1..600),
        rate in 600u32..3600, burst in 4u32..150,
    ) {
        let limit = Limit { calls_per_hour: rate, burst_calls: burst };
        let mut budget = Budget::default();
        let mut seen = (budget.clone(), NOW);
        let mut unused: Vec<(BudgetChange, Budget, Timestamp)> = Vec::new();
        let mut now = NOW;
        let mut log: VecDeque<Timestamp> = VecDeque::new();
        for (pause, calls, kind) in steps {
            now = now + Duration::from_millis(if kind == 0 { pause * 20 } else { pause / 40 });
            if kind == 1 {
                budget = recorded(&budget, HostClass::Rest, &Signal::Throttled, now);
            }
            unused.retain(|(change, after, at)| {
                let returns = kind == 2;
                if returns && now.since(*at) <= GRANT_LIFETIME {
                    for number in 0..change.calls {
                        budget = budget.given_back(&after.returned(change, number, now));
                    }
                }
                !returns
            });
            // One in three sees the budget as it was some steps ago.
            let (from, at) = if kind % 3 == 0 { seen.clone() } else { (budget.clone(), now) };
            if let Ok(change) = from.take(&request(&limit, HostClass::Rest, calls), at)
                && let Some(after) = budget.changed(&change)
            {
                budget = after;
                if kind % 5 == 3 {
                    unused.push((change, budget.clone(), now));
                } else {
                    log.extend((0..change.calls).map(|_| now));
                }
            }
            if kind > 15 {
                seen = (budget.clone(), now);
            }
            while log.front().is_some_and(|first| now.since(*first) >= Duration::from_secs(3600)) {
                log.pop_front();
            }
            let in_a_lifetime = u64::from(rate) * GRANT_LIFETIME.as_secs() / 3600 + 1;
            let most = u64::from(rate + burst) + in_a_lifetime;
            prop_assert!(log.len() as u64 <= most, "{} calls in an hour", log.len());
        }
    }

    /// What is given back of one change is what has not drained of it, whichever of its calls are not made and whoever
    /// took calls meanwhile: the bucket stands no lower than if the others alone had been taken.
    #[test]
    fn what_is_given_back_is_no_more_than_what_others_lost(
        calls in 1u32..12, more in 0u32..6, wait in 0u64..14_000, given_back in prop::collection::vec(any::<bool>(), 12),
    ) {
        let limit = Limit { calls_per_hour: 3600, burst_calls: 150 };
        let change = Budget::default().take(&request(&limit, HostClass::Rest, calls), NOW).unwrap();
        let after = Budget::default().changed(&change).unwrap();
        let now = NOW + Duration::from_millis(wait);
        let take = |budget: &Budget, calls: u32| match calls {
            0 => budget.clone(),
            calls => budget.changed(&budget.take(&request(&limit, HostClass::Rest, calls), now).unwrap()).unwrap(),
        };
        let mut budget = take(&after, more);
        let unused: Vec<u32> = (0..calls).filter(|number| given_back[*number as usize]).collect();
        for number in &unused {
            budget = budget.given_back(&after.returned(&change, *number, now));
        }
        let used = calls - u32::try_from(unused.len()).unwrap();
        let without = if used == 0 { Budget::default() } else {
            Budget::default().changed(&Budget::default().take(&request(&limit, HostClass::Rest, used), NOW).unwrap()).unwrap()
        };
        let stands = |budget: &Budget| budget.arrivals.get(&Meter::Whole).copied().unwrap_or(now).max(now);
        prop_assert!(stands(&budget) >= stands(&take(&without, more)));
    }

    /// A change that holds for another budget than it was computed from is one that this budget would grant itself.
    #[test]
    fn what_holds_is_what_would_be_granted(
        before in prop::option::of(0u64..300_000), stored in prop::option::of(0u64..300_000), calls in 1u32..200,
    ) {
        let limit = Limit { calls_per_hour: 3600, burst_calls: 150 };
        let with = |arrival: Option<u64>| Budget {
            arrivals: arrival.map(|at| (Meter::Whole, NOW + Duration::from_millis(at))).into_iter().collect(),
            ..Budget::default()
        };
        let now = NOW + Duration::from_secs(60);
        if let Ok(change) = with(before).take(&request(&limit, HostClass::Rest, calls), now)
            && let Some(after) = with(stored).changed(&change)
        {
            let itself = with(stored).take(&request(&limit, HostClass::Rest, change.calls), now).unwrap();
            prop_assert_eq!(itself.calls, change.calls);
            prop_assert_eq!(with(stored).changed(&itself), Some(after));
        }
    }

    /// While a circuit is open only its probe is granted (I8).
    #[test]
    fn an_open_circuit_grants_its_probe_alone(
        steps in prop::collection::vec((0u64..120, 0u8..6, any::<u32>()), 1..200)
    ) {
        let limit = Limit { calls_per_hour: 3_600_000, burst_calls: 10_000 };
        let mut budget = Budget::default();
        let mut now = NOW;
        for (pause, kind, jitter) in steps {
            now = now + Duration::from_secs(pause);
            let before = budget.status(&limit, HostClass::Rest, now);
            if let Ok(after) = one(&budget, &limit, HostClass::Rest, now) {
                prop_assert!(before.open_until.is_none());
                let second = one(&after, &limit, HostClass::Rest, now);
                prop_assert_eq!(second.is_err(), before.half_open, "a probe is alone");
                budget = after;
            }
            let signal = match kind { 0 | 1 => Signal::Throttled, 2 => Signal::Failed(party(kind)), _ => Signal::Succeeded };
            let change = budget.record(HostClass::Rest, &signal, Jitter::from_bits(jitter), now);
            budget = change.map_or(budget.clone(), |change| budget.changed(&change).unwrap());
        }
    }
}

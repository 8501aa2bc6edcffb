use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_000);

fn granted(budget: &mut Budget, limit: &Limit, calls: u32, now: Timestamp) -> bool {
    let (after, grant) = budget.take(limit, HostClass::Rest, calls, now);
    if let Some(after) = after {
        *budget = after;
    }
    matches!(grant, Grant::Granted { .. })
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
fn a_refusal_says_when_and_a_gift_back_is_granted_again() {
    let limit = Limit { calls_per_hour: 3600, burst_calls: 2 };
    let mut budget = Budget::default();
    assert!(granted(&mut budget, &limit, 2, NOW));
    let (_, refused) = budget.take(&limit, HostClass::Rest, 1, NOW);
    assert_eq!(refused, Grant::Refused { retry_at: after(1), why: Why::Spent });
    assert!(!granted(&mut budget, &limit, 1, NOW + Duration::from_millis(999)));
    budget = budget.give_back(&limit, HostClass::Rest, 1);
    assert!(granted(&mut budget, &limit, 1, NOW));
    assert!(!granted(&mut budget, &limit, 1, NOW));
    let impossible = budget.take(&limit, HostClass::Rest, 3, after(9999)).1;
    assert!(matches!(impossible, Grant::Refused { .. }), "more than the burst is never granted at once");
}

#[test]
fn logins_leave_most_of_the_budget_to_jobs() {
    let limit = Limit::FLICKR;
    let take = |budget: &Budget, class| budget.take(&limit, class, 1, NOW).0;
    let mut budget = Budget::default();
    let mut logins = 0;
    while let Some(after) = take(&budget, HostClass::Oauth) {
        (budget, logins) = (after, logins + 1);
    }
    assert_eq!(logins, 30);
    assert_eq!(budget.status(&limit, HostClass::Rest, NOW).remaining_calls, 120, "they count in the whole, too");
    let back = budget.give_back(&limit, HostClass::Oauth, 1);
    assert!(take(&back, HostClass::Oauth).is_some());
    let jobs = std::iter::successors(Some(budget), |budget| take(budget, HostClass::Rest)).count() - 1;
    assert_eq!(jobs, 120);
    let least = Limit { calls_per_hour: 1, burst_calls: 1 };
    assert!(Budget::default().take(&least, HostClass::Oauth, 1, NOW).0.is_some(), "of little, one is left");
}

#[test]
fn three_refusals_within_a_minute_open_the_circuit_and_a_probe_closes_it() {
    let limit = Limit::FLICKR;
    let mut budget = Budget::default();
    for second in [0, 10, 20] {
        assert!(granted(&mut budget, &limit, 1, after(second)));
        budget = budget.record(HostClass::Rest, Signal::Throttled, Jitter::NONE, after(second)).unwrap();
    }
    let (_, refused) = budget.take(&limit, HostClass::Rest, 1, after(21));
    let Grant::Refused { retry_at, why: Why::CircuitOpen } = refused else { panic!("{refused:?}") };
    assert!((after(20 + 300)..after(20 + 450)).contains(&retry_at));
    let upload = budget.take(&limit, HostClass::Upload, 1, after(21)).1;
    assert_eq!(upload, Grant::Granted { probe: false }, "another host class goes on");

    let (probing, first) = budget.take(&limit, HostClass::Rest, 5, retry_at);
    assert_eq!(first, Grant::Granted { probe: true });
    let probing = probing.unwrap();
    let second = probing.take(&limit, HostClass::Rest, 1, retry_at).1;
    assert!(matches!(second, Grant::Refused { why: Why::CircuitOpen, .. }), "one probe at a time");

    let again = probing.record(HostClass::Rest, Signal::Throttled, Jitter::NONE, retry_at).unwrap();
    let Grant::Refused { retry_at: later, .. } = again.take(&limit, HostClass::Rest, 1, retry_at).1 else {
        panic!("open again")
    };
    assert!(later.since(retry_at) >= 2 * Duration::from_secs(300), "the wait doubles");
    let closed = probing.record(HostClass::Rest, Signal::Succeeded, Jitter::NONE, retry_at).unwrap();
    assert_eq!(closed.take(&limit, HostClass::Rest, 1, retry_at).1, Grant::Granted { probe: false });
}

#[test]
fn the_learned_rate_is_halved_once_and_grows_back() {
    let limit = Limit::FLICKR;
    let mut budget = Budget::default();
    for second in [0, 1] {
        budget = budget.record(HostClass::Rest, Signal::Throttled, Jitter::NONE, after(second)).unwrap_or(budget);
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
        budget = budget.record(HostClass::Upload, Signal::Throttled, Jitter::NONE, now).unwrap_or(budget);
    }
    let now = NOW + Duration::from_secs(244);
    let status = budget.status(&limit, HostClass::Rest, now);
    assert_eq!((status.calls_per_hour, status.burst_calls, status.remaining_calls), (3, 1, 0));
    assert!(!granted(&mut budget, &limit, 1, now));
    assert!(granted(&mut budget, &limit, 1, NOW + Duration::from_secs(480)), "one call is left at any rate");
}

proptest! {
    /// The promise (I2), by an exact log: no rolling hour sees more than the rate and a burst,
    /// whatever the order of wishes, gifts back, refusals and changes of the limit to less.
    #[test]
    fn no_rolling_hour_sees_more_than_the_limit(
        steps in prop::collection::vec((0u64..40_000, 1u32..4, 0u8..20), 1..600),
        rate in 600u32..3600, burst in 4u32..150,
    ) {
        let limit = Limit { calls_per_hour: rate, burst_calls: burst };
        let mut budget = Budget::default();
        let mut now = NOW;
        let mut log: VecDeque<Timestamp> = VecDeque::new();
        for (pause, calls, kind) in steps {
            now = now + Duration::from_millis(if kind == 0 { pause * 20 } else { pause / 40 });
            if kind == 1 {
                budget = budget.record(HostClass::Rest, Signal::Throttled, Jitter::NONE, now).unwrap_or(budget);
            }
            if granted(&mut budget, &limit, calls, now) {
                if kind == 2 {
                    budget = budget.give_back(&limit, HostClass::Rest, calls);
                } else {
                    log.extend((0..calls).map(|_| now));
                }
            }
            while log.front().is_some_and(|first| now.since(*first) >= Duration::from_secs(3600)) {
                log.pop_front();
            }
            prop_assert!(log.len() <= (rate + burst) as usize, "{} calls in an hour", log.len());
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
        let mut probes = 0;
        for (pause, kind, jitter) in steps {
            now = now + Duration::from_secs(pause);
            let open = budget.status(&limit, HostClass::Rest, now).open_until.is_some();
            let (after, grant) = budget.take(&limit, HostClass::Rest, 1, now);
            if let Grant::Granted { probe } = grant {
                prop_assert!(!open);
                probes += u32::from(probe);
            }
            budget = after.unwrap_or(budget);
            let signal = match kind { 0 | 1 => Signal::Throttled, 2 => Signal::Failed, _ => Signal::Succeeded };
            budget = budget.record(HostClass::Rest, signal, Jitter::from_bits(jitter), now).unwrap_or(budget);
        }
        prop_assert!(probes <= 200);
    }
}

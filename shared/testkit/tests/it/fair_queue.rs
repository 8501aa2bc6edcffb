//! The fair queue, measured: how much of the budget is used and how long jobs wait, not only the promises.

use std::time::Duration;

use domain::{Timestamp, budget::Limit, fair_queue::Priority};
use testkit::{
    build,
    simulator::{Flow, JobStart, Period, Profile, Report, run},
};

/// The length below which so many of a hundred waits are.
fn percentile(starts: &[&JobStart], percent: usize) -> Duration {
    let mut waits: Vec<Duration> = starts.iter().filter_map(|start| start.waited()).collect();
    waits.sort();
    waits[(waits.len() * percent).div_ceil(100) - 1]
}

fn of_flow(report: &Report, flow: usize) -> Vec<&JobStart> {
    report.starts.iter().filter(|start| start.flow == Some(flow)).collect()
}

/// The share of the rate that was used between two times.
fn used(report: &Report, limit: &Limit, from: Timestamp, until: Timestamp) -> f64 {
    let calls = report.flickr_calls.iter().filter(|call| (from..until).contains(&call.at)).count();
    calls as f64 / (f64::from(limit.calls_per_hour) * until.since(from).as_secs_f64() / 3600.0)
}

#[test]
fn ten_thousand_jobs_use_the_budget_and_start_when_they_were_said_to() {
    let report = run(1, &Profile::long_queue());
    assert_eq!((&report.violations, report.jobs), (&vec![], 10_000));
    assert_eq!(report.ends.get("completed"), Some(&10_000), "none starves");

    let last = report.flickr_calls.last().unwrap().at;
    let from = build::NOW + Duration::from_secs(600);
    let share = used(&report, &Limit::FLICKR, from, last);
    assert!(share >= 0.95, "{share:.3} of the budget is used");
    let receives = report.receives as f64 / report.jobs as f64;
    assert!(receives <= 1.2, "{receives:.3} receives a job");

    let is_off = |start: &&JobStart| {
        let (said, real) = (start.expected_at.unwrap().since(start.accepted_at), start.waited().unwrap());
        said.abs_diff(real) > (real / 5).max(Duration::from_secs(5))
    };
    let off: Vec<&JobStart> = report.starts.iter().filter(is_off).collect();
    // In the first minute others are still to come whose turn is before that of those who came first.
    assert!(off.len() <= 300, "{} of 10,000 started at another time: {:?}", off.len(), &off[..5]);
}

#[test]
fn quiet_accounts_do_not_notice_a_flood() {
    let (alone, flooded) = (run(2, &Profile::quiet_accounts(false)), run(2, &Profile::quiet_accounts(true)));
    assert_eq!((&alone.violations, &flooded.violations), (&vec![], &vec![]));
    assert!(flooded.turned_away > 1_000, "the flood is turned away: {}", flooded.turned_away);
    let quiet = |report| percentile(&(0..8).flat_map(|flow| of_flow(report, flow)).collect::<Vec<_>>(), 99);
    let (before, during) = (quiet(&alone), quiet(&flooded));
    assert!(during <= before * 2, "{before:?} alone, {during:?} in a flood");
    let share = used(&flooded, &Limit::FLICKR, build::NOW, build::NOW + Duration::from_secs(3600));
    assert!(share >= 0.95, "the flood may use what is left: {share:.3}");
}

#[test]
fn a_hostile_tenant_does_not_make_the_others_wait() {
    let (alone, attacked) = (run(6, &Profile::hostile_tenant(false)), run(6, &Profile::hostile_tenant(true)));
    assert_eq!((&alone.violations, &attacked.violations), (&vec![], &vec![]));
    assert!(attacked.turned_away > 100, "what is too much is turned away: {}", attacked.turned_away);
    assert!(ended_otherwise(&attacked) > 100, "much fails: {:?}", attacked.ends);
    let quiet = |report| percentile(&(0..8).flat_map(|flow| of_flow(report, flow)).collect::<Vec<_>>(), 99);
    let (before, during) = (quiet(&alone), quiet(&attacked));
    assert!(during <= before * 2, "{before:?} alone, {during:?} beside a hostile tenant");
    for flow in 0..8 {
        let starts = of_flow(&attacked, flow);
        assert!(starts.len() == 120 && starts.iter().all(|start| start.waited().is_some()), "none is lost");
    }
}

/// A tenant with one account gets about half of the calls of an app beside a tenant with twenty.
#[test]
fn tenants_that_share_an_app_take_turns_however_many_accounts_each_has() {
    let report = run(7, &Profile::unequal_tenants());
    assert_eq!(report.violations, []);
    let (from, until) = (build::NOW + Duration::from_secs(600), build::NOW + Duration::from_secs(3_600));
    let is_within = |start: &JobStart| start.called_at.is_some_and(|at| (from..until).contains(&at));
    let count = |of_one: bool| {
        let of_tenant = |start: &&JobStart| (start.flow == Some(0)) == of_one && is_within(start);
        report.starts.iter().filter(of_tenant).count()
    };
    let (one, many) = (count(true), count(false));
    assert!(many < one * 5 / 4 && one < many * 5 / 4, "{one} of the only account, {many} of twenty");
}

#[test]
fn a_higher_lane_waits_less_and_a_lower_one_is_not_forgotten() {
    let (like, span) = (&Profile::long_queue().flows[0], Duration::from_secs(60));
    let flow = |account, priority| Flow { account, priority, jobs: 400, span, ..like.clone() };
    let flows = (0..9).map(|account| flow(account, Priority::ALL[account % 3])).collect();
    let profile = Profile { span, tenants: 1, accounts_each: 9, flows, ..Profile::good_day() };
    let report = run(3, &profile);
    assert_eq!((&report.violations, report.ends.get("completed")), (&vec![], Some(&3_600)));
    let median = |lane| {
        let starts: Vec<&JobStart> = (0..9).filter(|flow| flow % 3 == lane).flat_map(|f| of_flow(&report, f)).collect();
        percentile(&starts, 50)
    };
    let (high, normal, low) = (median(0), median(1), median(2));
    assert!(high * 2 < normal && normal < low, "{high:?} {normal:?} {low:?}");
    let first_low = of_flow(&report, 2).iter().filter_map(|start| start.waited()).min().unwrap();
    assert!(first_low < high, "the lowest lane has its turns too: {first_low:?}");
}

#[test]
fn a_limit_that_changes_while_jobs_run_is_kept() {
    let half = Limit { calls_per_hour: 1_200, burst_calls: 60 };
    for (before, after) in [(Limit::FLICKR, half), (half, Limit::FLICKR)] {
        let profile = Profile {
            limit: before,
            later_limit: Some((Duration::from_secs(2_000), after)),
            flickr_faults_per_mille: 50,
            crashes_per_myriad: 20,
            flows: Profile::long_queue().flows.into_iter().map(|flow| Flow { jobs: 150, ..flow }).collect(),
            ..Profile::long_queue()
        };
        let report = run(4, &profile);
        assert_eq!(report.violations, []);
        assert_eq!(report.ends.get("completed").copied().unwrap_or(0) + ended_otherwise(&report), report.jobs);
    }
}

fn ended_otherwise(report: &Report) -> u64 {
    report.ends.iter().filter(|(state, _)| **state != "completed").map(|(_, count)| count).sum()
}

#[test]
fn while_flickr_refuses_jobs_wait_without_cost() {
    const TWENTY_MINUTES: Duration = Duration::from_secs(1_200);
    let profile =
        Profile { storms: vec![Period { from: TWENTY_MINUTES, length: TWENTY_MINUTES }], ..Profile::long_queue() };
    let report = run(5, &profile);
    assert_eq!((&report.violations, report.ends.get("completed")), (&vec![], Some(&10_000)));
    let (from, until) = (build::NOW + Duration::from_secs(1_260), build::NOW + Duration::from_secs(2_400));
    let calls = report.flickr_calls.iter().filter(|call| (from..until).contains(&call.at)).count();
    assert!(calls <= 6, "{calls} calls in a storm of twenty minutes");
    let receives = report.receives as f64 / report.jobs as f64;
    assert!(receives <= 1.25, "{receives:.3} receives a job");
}

//! The simulator, and whether it would notice.

use std::collections::BTreeSet;

use testkit::{
    Moment,
    simulator::{CrashScene, Mutation, Report, Setup, run},
};

fn broken(reports: &[Report]) -> BTreeSet<&'static str> {
    reports.iter().flat_map(|report| report.violations.iter().map(|(promise, _)| *promise)).collect()
}

#[test]
fn no_promise_is_broken_on_bad_days() {
    for seed in 0..150 {
        let report = run(seed, &Setup::bad_day());
        assert_eq!(report.violations, [], "seed {seed}: make simulate SEEDS=1 FIRST={seed}");
    }
}

#[test]
fn a_seed_reproduces_its_run() {
    let (one, again, other) = (run(7, &Setup::bad_day()), run(7, &Setup::bad_day()), run(8, &Setup::bad_day()));
    assert_eq!(one.fingerprint, again.fingerprint);
    assert_eq!((one.port_calls, one.flickr_calls, &one.ends), (again.port_calls, again.flickr_calls, &again.ends));
    assert_ne!(one.fingerprint, other.fingerprint);
}

#[test]
fn bad_days_are_bad_enough() {
    let reports: Vec<Report> = (0..40).map(|seed| run(seed, &Setup::bad_day())).collect();
    let mut ends = std::collections::BTreeMap::new();
    for report in &reports {
        for (state, count) in &report.ends {
            *ends.entry(*state).or_insert(0) += count;
        }
    }
    for (state, least) in [("completed", 1000), ("failed", 50), ("expired", 1), ("dead", 1)] {
        assert!(ends.get(state).is_some_and(|count| *count >= least), "few jobs end as {state}: {ends:?}");
    }
    let shared: u64 = reports.iter().map(|report| report.shared).sum();
    assert!(shared > 100, "few jobs share an answer: {shared}");
    let faults: u64 = reports.iter().map(|report| report.faults).sum();
    let jobs: u64 = reports.iter().map(|report| report.jobs).sum();
    assert!(faults > jobs, "{faults} faults, {jobs} jobs");
}

/// A queue that is longer than the sweep's patience does not grow by its looking.
#[test]
fn a_long_backlog_is_worked_off_with_few_messages_a_job() {
    let report = run(1, &Setup::backlog());
    assert_eq!(report.violations, []);
    let per_job = report.receives as f64 / report.jobs as f64;
    assert!(report.jobs > 700 && per_job < 4.0, "{per_job:.2} receives a job, {} jobs", report.jobs);
}

/// Every port call of one job's life, from acceptance to end, dies once, before its effect and
/// after it; and of one that has to stand in line.
#[test]
fn no_single_crash_breaks_a_promise() {
    for (scene, jobs) in [(CrashScene::Alone, 1), (CrashScene::InLine, 2), (CrashScene::SameQuestion, 4)] {
        let whole = run(0, &Setup::one_crash(usize::MAX, Moment::Before, scene));
        let calls = usize::try_from(whole.port_calls).unwrap();
        assert!(
            calls > 10 && (whole.deferrals > 0) == (scene != CrashScene::Alone),
            "{scene:?} {calls} {} {} {:?}",
            whole.deferrals,
            whole.shared,
            whole.ends
        );
        assert_eq!(whole.shared > 0, scene == CrashScene::SameQuestion);
        for call in 0..calls.min(300) {
            for moment in [Moment::Before, Moment::After] {
                let report = run(0, &Setup::one_crash(call, moment, scene));
                assert_eq!((report.violations, report.jobs), (vec![], jobs), "call {call} {moment:?} {scene:?}");
            }
        }
    }
}

#[test]
fn every_rule_broken_on_purpose_is_noticed() {
    let table = [
        (Mutation::RetryIgnoresClass, "I7"),
        (Mutation::ClaimWithoutLease, "lease"),
        (Mutation::DispatchNotCompared, "dispatch"),
        (Mutation::AcknowledgedFirst, "dispatch"),
        (Mutation::KeyIgnored, "I4"),
        (Mutation::NoSweep, "I1"),
        (Mutation::NoBudget, "I2"),
        (Mutation::CircuitIgnored, "I8"),
        (Mutation::NothingRaised, "cache"),
        (Mutation::NothingAges, "cache"),
        (Mutation::AnswersOfAnyone, "cache"),
    ];
    for (mutation, promise) in table {
        let setup = Setup { mutation: Some(mutation), ..Setup::bad_day() };
        let reports: Vec<Report> = (0..20).map(|seed| run(seed, &setup)).collect();
        let broken = broken(&reports);
        assert!(broken.contains(promise), "{mutation:?} breaks {broken:?}, not {promise}");
    }
}

//! The simulator, and whether it would notice.

use std::collections::{BTreeMap, BTreeSet};

use testkit::{
    FaultPoint, Mutation,
    simulator::{CrashScene, FileCounts, Profile, Report, Violation, explain, run, shrink},
};

/// How many seeds the bad days have, where `SIMULATOR_SEEDS` does not say.
const SEEDS: u64 = 150;

#[expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a setting of the tests alone, and a number")]
fn seeds() -> u64 {
    std::env::var("SIMULATOR_SEEDS").ok().map_or(SEEDS, |seeds| seeds.parse().unwrap())
}

/// The first seed that breaks this promise, and how.
fn failing(profile: &Profile, promise: &str) -> Option<(u64, Violation)> {
    (0..40).find_map(|seed| {
        let violations = run(seed, profile).violations;
        Some((seed, violations.into_iter().find(|violation| violation.promise == promise)?))
    })
}

#[test]
fn no_promise_is_broken_on_bad_days() {
    let bad_day = Profile::bad_day();
    for seed in 0..seeds() {
        let report = run(seed, &bad_day);
        assert!(report.violations.is_empty(), "{}", explain(seed, &bad_day, &bad_day, &report));
    }
}

/// With them happens what the promises of files are about.
#[test]
fn no_promise_is_broken_on_bad_days_of_files() {
    let profile = Profile::files();
    let mut total = FileCounts::default();
    for seed in 0..seeds().div_ceil(10) {
        let report = run(seed, &profile);
        assert!(report.violations.is_empty(), "{}", explain(seed, &Profile::bad_day(), &profile, &report));
        total = total + report.files;
    }
    let FileCounts { uploads, replaces, photos, duplicates, unknown, stopped_sends, ticket_questions, tickets_asked } =
        total;
    assert!(photos > uploads / 5 && duplicates > uploads / 5 && replaces > uploads / 10, "{total:?}");
    assert!(unknown > 0 && unknown < uploads / 4 && stopped_sends > 0, "{total:?}");
    assert!(tickets_asked > ticket_questions + uploads / 100, "one question is for several tickets: {total:?}");
}

#[test]
fn a_seed_reproduces_its_run() {
    let [one, again, other] = [7, 7, 8].map(|seed| run(seed, &Profile::bad_day()));
    assert_eq!(one.fingerprint, again.fingerprint);
    let numbers = |report: &Report| (report.port_calls, report.flickr_calls.clone(), report.ends.clone());
    assert_eq!(numbers(&one), numbers(&again));
    assert_ne!(one.fingerprint, other.fingerprint);
}

#[test]
fn bad_days_are_bad_enough() {
    let reports: Vec<Report> = (0..40).map(|seed| run(seed, &Profile::bad_day())).collect();
    let mut ends = BTreeMap::new();
    for report in &reports {
        for (state, count) in &report.ends {
            *ends.entry(*state).or_insert(0) += count;
        }
    }
    for (state, least) in [("completed", 1000), ("failed", 50), ("expired", 1), ("dead", 1)] {
        assert!(ends.get(state).is_some_and(|count| *count >= least), "few jobs end as {state}: {ends:?}");
    }
    let shared: u64 = reports.iter().map(|report| report.shared).sum();
    assert!(shared > 50, "few jobs share an answer: {shared}");
    let faults: u64 = reports.iter().map(|report| report.faults).sum();
    let jobs: u64 = reports.iter().map(|report| report.jobs).sum();
    assert!(faults > jobs, "{faults} faults, {jobs} jobs");
}

/// A queue that is longer than the sweep's patience does not grow because the sweep checks it.
#[test]
fn a_long_backlog_is_worked_off_with_few_messages_a_job() {
    let report = run(1, &Profile::backlog());
    assert_eq!(report.violations, []);
    let per_job = report.receives as f64 / report.jobs as f64;
    assert!(report.jobs > 700 && per_job < 4.0, "{per_job:.2} receives a job, {} jobs", report.jobs);
}

/// At every call of a port in one job's life, from acceptance to end, the process dies once, before the effect and after
/// it; and in the life of one that has to wait in the fair queue, or for another's answer.
#[test]
fn no_single_crash_breaks_a_promise() {
    for (scene, jobs) in [(CrashScene::Alone, 1), (CrashScene::Queued, 2), (CrashScene::SameCall, 4)] {
        let whole = run(0, &Profile::one_crash(usize::MAX, FaultPoint::Before, scene));
        let calls = usize::try_from(whole.port_calls).unwrap();
        assert!(
            calls > 10 && (whole.deferrals > 0) == (scene != CrashScene::Alone),
            "{scene:?} {calls} {} {} {:?}",
            whole.deferrals,
            whole.shared,
            whole.ends
        );
        assert_eq!(whole.shared > 0, scene == CrashScene::SameCall);
        for call in 0..calls.min(300) {
            for point in [FaultPoint::Before, FaultPoint::After] {
                let report = run(0, &Profile::one_crash(call, point, scene));
                assert_eq!((report.violations, report.jobs), (vec![], jobs), "call {call} {point:?} {scene:?}");
            }
        }
    }
}

/// The same in the lives of jobs that send files, among them the same.
#[test]
fn no_single_crash_breaks_a_promise_of_files() {
    let of = |call, point| run(1, &Profile::one_crash(call, point, CrashScene::Files));
    let whole = of(usize::MAX, FaultPoint::Before);
    let FileCounts { uploads, duplicates, .. } = whole.files;
    assert!(uploads >= 2 && duplicates > 0 && whole.violations.is_empty(), "{:?} {:?}", whole.files, whole.violations);
    for call in 0..usize::try_from(whole.port_calls).unwrap().min(300) {
        for point in [FaultPoint::Before, FaultPoint::After] {
            let report = of(call, point);
            assert_eq!((report.violations, report.jobs), (vec![], whole.jobs), "call {call} {point:?}");
        }
    }
}

#[test]
fn every_rule_broken_on_purpose_is_noticed() {
    let promise_of = |mutation| match mutation {
        Mutation::RetryIgnoresClass => "I7",
        Mutation::ClaimWithoutLease => "lease",
        Mutation::FencingNotCompared => "fencing",
        Mutation::RevisionNotCompared => "revision",
        Mutation::AcknowledgedFirst => "acknowledgement",
        Mutation::KeyIgnored => "I4",
        Mutation::NoSweep => "I1",
        Mutation::NoBudget => "I2",
        Mutation::CircuitIgnored => "I8",
        Mutation::NothingInvalidated | Mutation::NothingExpires | Mutation::AnswersOfAnyone => "cache",
        Mutation::SendingNotMarked
        | Mutation::SameBytesAtOnce
        | Mutation::SamePhotoAtOnce
        | Mutation::DeletedTakenForLiving
        | Mutation::SentAgainWithoutDeduplication
        | Mutation::TicketsMixedUp => "photos",
    };
    for mutation in Mutation::ALL {
        let base = if promise_of(mutation) == "photos" { Profile::files() } else { Profile::bad_day() };
        let profile = Profile { mutation: Some(mutation), ..base };
        let promise = promise_of(mutation);
        assert!(failing(&profile, promise).is_some(), "{mutation:?} does not break {promise}");
    }
}

#[test]
fn a_seed_that_breaks_a_promise_is_shrunk_to_one_or_two_jobs_that_break_it_too() {
    for (mutation, promise, most_jobs) in
        [(Mutation::NoSweep, "I1", 1), (Mutation::RetryIgnoresClass, "I7", 2), (Mutation::KeyIgnored, "I4", 2)]
    {
        let profile = Profile { mutation: Some(mutation), ..Profile::bad_day() };
        let (seed, violation) = failing(&profile, promise).unwrap();
        let shrunk = shrink(seed, &profile, &violation, 100);
        assert!(shrunk.runs <= 100);
        let asks = shrunk.profile.asks.as_ref().map_or(usize::MAX, BTreeSet::len);
        assert!(asks <= most_jobs, "{mutation:?}: {:?}", shrunk.profile.changes_from(&profile));

        // What is written can be read back, and breaks the promise again.
        let changes = shrunk.profile.changes_from(&Profile::bad_day());
        let read = changes.iter().try_fold(Profile::bad_day(), |profile, change| profile.with(change)).unwrap();
        assert_eq!(read, shrunk.profile);
        assert!(run(seed, &read).violations.contains(&shrunk.violation), "{changes:?}");
    }
}

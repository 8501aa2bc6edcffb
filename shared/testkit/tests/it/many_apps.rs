//! Many apps at once, measured: each is dispatched from at its full rate, and the work of a minute grows with what is due.

use std::time::Duration;

use domain::budget::Limit;
use hub::ports::Shards;
use testkit::{
    KeyUnits,
    many_apps::{ManyApps, Minute},
};

/// A thousand apps with 24,000 open jobs. Each may call ten times a minute.
const THOUSAND_APPS: ManyApps = ManyApps {
    apps: 1_000,
    come_in: 0,
    limit: Limit { calls_per_hour: 600, burst_calls: 30 },
    kept: 0,
    emptied: 0,
    shards: Shards::new(8).unwrap(),
    key_units: Some(KeyUnits::DYNAMODB),
    sweeps_at_once: 4,
    twice: false,
};

/// Whether each app had its full rate in these minutes, but for a call or two that come due a moment later; and nothing
/// else went wrong.
fn are_served(minutes: &[Minute], a_minute: usize) -> bool {
    let rate = a_minute * minutes.len();
    let (fewest, most) = minutes.last().map_or((0, 0), |minute| minute.calls);
    let went_well = |minute: &Minute| {
        let in_time = minute.took < Duration::from_secs(60) && !minute.unfinished;
        in_time && minute.failed == 0 && minute.throttled == 0 && minute.over_budget == 0
    };
    fewest + 2 >= rate && most <= rate + 2 && minutes.iter().all(went_well)
}

/// Whether two numbers differ by a few in a hundred at most: a call more or less is due where a sweep comes by a moment
/// later.
fn are_alike(one: usize, other: usize) -> bool {
    one.abs_diff(other) * 30 <= one
}

#[test]
fn a_thousand_apps_are_dispatched_from_at_their_full_rate_by_several_sweeps() {
    let minutes = THOUSAND_APPS.run(3);
    assert!(are_served(&minutes, 10), "{minutes:#?}");
    assert!(minutes.iter().all(|minute| minute.open_jobs >= 20_000), "{minutes:#?}");
    assert!(minutes.iter().any(|minute| minute.sweeps == 4), "one alone is not enough: {minutes:#?}");
}

#[test]
fn a_sweep_that_nobody_helps_leaves_apps_behind() {
    let alone = ManyApps { sweeps_at_once: 1, shards: Shards::new(1).unwrap(), ..THOUSAND_APPS };
    assert!(alone.run(1)[0].unfinished);
}

#[test]
fn two_sweeps_of_each_shard_at_once_dispatch_no_more_than_one() {
    let minutes = ManyApps { apps: 300, twice: true, key_units: None, ..THOUSAND_APPS }.run(2);
    assert!(are_served(&minutes, 10), "{minutes:#?}");
}

#[test]
fn the_work_of_a_minute_grows_with_what_is_due_and_not_with_what_is_kept() {
    let few = ManyApps { apps: 50, ..THOUSAND_APPS };
    // When the empty queues have left the list; on average, since some minutes are due a little more than others.
    let calls = |profile: ManyApps| profile.run(12)[7..].iter().map(|minute| minute.port_calls).sum::<usize>() / 5;
    let (idle, due) = (calls(ManyApps { apps: 0, ..few }), calls(few));
    assert_eq!(idle, 16, "two queries a shard");
    assert_eq!(calls(ManyApps { apps: 0, kept: 5_000, emptied: 100, ..few }), 16, "what is kept costs nothing");
    let beside = calls(ManyApps { kept: 5_000, emptied: 100, ..few });
    assert!(are_alike(due, beside), "{due}, and {beside} beside what is kept");
    let twice = calls(ManyApps { apps: 100, ..few });
    assert!(are_alike((due - idle) * 2, twice - idle), "{due}, and {twice} for twice as many apps");
}

#[test]
fn a_shard_takes_so_many_writes_a_second_and_refuses_the_rest() {
    let scarce =
        ManyApps { apps: 100, key_units: Some(KeyUnits { writes: 100, ..KeyUnits::DYNAMODB }), ..THOUSAND_APPS };
    let minute = &scarce.run(1)[0];
    assert!(minute.throttled > 0 && u64::from(minute.failed) == minute.throttled, "{minute:#?}");
    let enough = ManyApps { shards: Shards::new(255).unwrap(), ..scarce };
    assert_eq!(enough.run(1)[0].throttled, 0);
}

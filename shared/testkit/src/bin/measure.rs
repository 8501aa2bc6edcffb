//! `measure [uploads|many_apps]`: what the fair queue makes of ten thousand waiting jobs, of a flood and of a day of
//! traffic, the response cache of a popular call, and the sweep of ten thousand apps, in the simulator, as JSON lines.
//! Times are in seconds of virtual time. With `uploads` it measures what becomes of more than ten thousand of them on bad
//! days, and nothing else; with `many_apps` the sweep alone.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use domain::{Timestamp, budget::Limit};
use hub::ports::Shards;
use serde_json::{Value, json};
use testkit::{
    KeyUnits, build,
    many_apps::ManyApps,
    simulator::{AccountSize, FileCounts, JobStart, Profile, Report, Violation, run},
};

/// How many bad days of files are simulated.
const DAYS_OF_FILES: u64 = 100;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("uploads") => uploads(),
        Some("many_apps") => {
            many_apps().for_each(|measure| println!("{measure}"));
            ExitCode::SUCCESS
        }
        _ => all_but_uploads(),
    }
}

/// What becomes of files on bad days.
fn uploads() -> ExitCode {
    let profile = Profile::files();
    let mut total = FileCounts::default();
    let (mut violations, mut jobs, mut ends) = (0, 0, BTreeMap::new());
    for seed in 0..DAYS_OF_FILES {
        let report = run(seed, &profile);
        for violation in &report.violations {
            violations += 1;
            print_violation(seed, violation);
        }
        for (state, count) in &report.ends {
            *ends.entry(*state).or_insert(0) += count;
        }
        total = total + report.files;
        jobs += report.jobs;
    }
    let measure = json!({
        "measure": "uploads", "jobs": jobs, "uploads": total.uploads, "replaces": total.replaces,
        "photos": total.photos, "duplicates": total.duplicates, "unknown_outcomes": total.unknown,
        "lost_leases": total.stopped_sends, "ends": ends, "violations": violations, "target": 0,
    });
    println!("{measure}");
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print_violation(seed: u64, violation: &Violation) {
    let Violation { promise, how } = violation;
    println!("{}", json!({"measure": "violation", "seed": seed, "promise": promise, "how": how}));
}

fn all_but_uploads() -> ExitCode {
    let (queue, day) = (run(1, &Profile::long_queue()), run(1, &Profile::day()));
    let (alone, flooded) = (run(2, &Profile::quiet_accounts(false)), run(2, &Profile::quiet_accounts(true)));
    let popular = run(3, &Profile::popular_call());
    let broken: Vec<_> =
        [&queue, &day, &alone, &flooded, &popular].iter().flat_map(|report| &report.violations).collect();
    for violation in &broken {
        println!("{}", json!({"measure": "violation", "promise": violation.promise, "how": violation.how}));
    }
    let queues = long_queue(&queue).into_iter().chain(quiet(&alone, &flooded));
    for measure in queues.chain(of_day(&day)).chain([popular_call(&popular)]).chain(many_apps()) {
        println!("{measure}");
    }
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The numbers of ten thousand jobs that wait on one app.
fn long_queue(report: &Report) -> Vec<Value> {
    let asked = build::NOW + Profile::long_queue().span;
    let last = report.flickr_calls.last().map_or(asked, |call| call.at);
    let off = |start: &&JobStart| {
        let said = start.expected_at.map(|at| at.since(start.accepted_at)).unwrap_or_default();
        let real = start.waited().unwrap_or_default();
        said.abs_diff(real) > (real / 5).max(Duration::from_secs(5))
    };
    let right = 1.0 - report.starts.iter().filter(off).count() as f64 / report.starts.len() as f64;
    vec![
        json!({"measure": "queue_budget_used", "value": used(report, asked, last), "target": 0.95}),
        json!({"measure": "queue_receives_per_job", "value": per_job(report, report.receives), "target": 1.2}),
        json!({"measure": "queue_starts_as_estimated", "value": rounded(right), "within": "20 % or 5 s"}),
    ]
}

/// What quiet accounts notice of a flood.
fn quiet(alone: &Report, flooded: &Report) -> Vec<Value> {
    let wait = |report: &Report| waits(report.starts.iter().filter(|start| start.flow < Some(8)));
    let (before, during) = (percentile(&wait(alone), 99), percentile(&wait(flooded), 99));
    vec![json!({
        "measure": "quiet_account_p99_wait", "alone": before, "in_a_flood": during,
        "ratio": rounded(during / before), "target": 2.0,
    })]
}

/// How ten thousand apps with a million open jobs are dispatched from, and half as many beside as many open jobs. What an
/// app has of its rate in a few minutes is a little more or less, by when in them a sweep comes by.
fn many_apps() -> impl Iterator<Item = Value> {
    const MINUTES: usize = 8;
    let of = |(apps, kept, shards): (usize, usize, u8)| {
        let shards = Shards::new(shards).unwrap_or_default();
        let sweeps_at_once = shards.all().len();
        let (limit, key_units) = (Limit::FLICKR, Some(KeyUnits::DYNAMODB));
        let (come_in, emptied, twice) = (4, 0, false);
        let minutes =
            ManyApps { apps, come_in, limit, kept, emptied, shards, key_units, sweeps_at_once, twice }.run(MINUTES);
        let (fewest, most) = minutes.last().map_or((0, 0), |minute| minute.calls);
        let all_calls = minutes.last().map_or(0, |minute| minute.all_calls);
        let rate = f64::from(limit.calls_per_hour) / 60.0 * MINUTES as f64;
        let requests: usize = minutes.iter().map(|minute| minute.port_calls).sum();
        json!({
            "measure": "many_apps", "apps": apps, "shards": shards.all().len(),
            "open_jobs": minutes.iter().map(|minute| minute.open_jobs).min(),
            "rate_used": rounded(all_calls as f64 / (rate * apps as f64)), "target": 0.98,
            "rate_used_at_least": rounded(fewest as f64 / rate), "rate_used_at_most": rounded(most as f64 / rate),
            "calls_a_minute": all_calls / MINUTES, "requests_a_minute": requests / MINUTES,
            "sweeps": minutes.iter().map(|minute| minute.sweeps).max(),
            "seconds": minutes.iter().map(|minute| minute.took.as_secs_f64()).fold(0.0, f64::max),
            "throttled": minutes.iter().map(|minute| minute.throttled).sum::<u64>(),
            "over_budget": minutes.iter().map(|minute| minute.over_budget).sum::<usize>(),
            "unfinished": minutes.iter().filter(|minute| minute.unfinished).count(),
        })
    };
    [(10_000, 0, 80), (5_000, 570_000, 80), (10_000, 0, 8)].into_iter().map(of)
}

/// What a popular call saves, while others spend the budget.
fn popular_call(report: &Report) -> Value {
    let asked: Vec<&JobStart> = report.starts.iter().filter(|start| start.flow == Some(0)).collect();
    let called = asked.iter().filter(|start| start.called_at.is_some()).count();
    let mut times: Vec<f64> =
        asked.iter().filter_map(|start| Some(start.ended_at?.since(start.accepted_at).as_secs_f64())).collect();
    times.sort_by(f64::total_cmp);
    json!({
        "measure": "popular_call", "jobs": asked.len(), "calls": called, "calls_saved": asked.len() - called,
        "p50": percentile(&times, 50), "p99": percentile(&times, 99), "most": percentile(&times, 100),
    })
}

/// The dwell times of a day by lane and size of account, and what it cost.
fn of_day(report: &Report) -> Vec<Value> {
    let profile = Profile::day();
    let mut groups: BTreeMap<_, Vec<&JobStart>> = BTreeMap::new();
    for start in &report.starts {
        let Some((index, flow)) = start.flow.and_then(|index| Some((index, profile.flows.get(index)?))) else {
            continue;
        };
        let size = if index == 2_000 { None } else { Some(AccountSize::of(flow.account)) };
        groups.entry((flow.priority, size)).or_default().push(start);
    }
    let mut measures: Vec<Value> = groups
        .into_iter()
        .map(|((lane, size), starts)| {
            let account = size.map_or("the flood".to_owned(), |size| format!("{size:?}").to_lowercase());
            let waits = waits(starts.iter().copied());
            json!({
                "measure": "day_dwell", "lane": lane.as_str(), "account": account, "jobs": starts.len(),
                "p50": percentile(&waits, 50), "p99": percentile(&waits, 99), "most": percentile(&waits, 100),
            })
        })
        .collect();
    measures.push(json!({
        "measure": "day", "jobs": report.jobs, "ends": report.ends, "calls": report.flickr_calls.len(),
        "receives_per_job": per_job(report, report.receives), "deferrals_per_job": per_job(report, report.deferrals),
        "turned_away": report.turned_away, "faults": report.faults,
    }));
    measures
}

/// The waits of those that started, in seconds, the shortest first.
fn waits<'a>(starts: impl Iterator<Item = &'a JobStart>) -> Vec<f64> {
    let mut waits: Vec<f64> = starts.filter_map(|start| Some(start.waited()?.as_secs_f64())).collect();
    waits.sort_by(f64::total_cmp);
    waits
}

fn percentile(waits: &[f64], percent: usize) -> f64 {
    waits.get(((waits.len() * percent).div_ceil(100)).saturating_sub(1)).copied().unwrap_or_default()
}

/// The share of the rate that was used between two times.
fn used(report: &Report, from: Timestamp, until: Timestamp) -> f64 {
    let calls = report.flickr_calls.iter().filter(|call| (from..until).contains(&call.at)).count();
    rounded(calls as f64 / (f64::from(Limit::FLICKR.calls_per_hour) * until.since(from).as_secs_f64() / 3600.0))
}

fn per_job(report: &Report, count: u64) -> f64 {
    rounded(count as f64 / report.jobs as f64)
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

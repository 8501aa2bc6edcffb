//! `measure`: what the fair queue makes of ten thousand waiting jobs, of a flood and of a day of traffic, and the response
//! cache of a popular call, in the simulator, as JSON lines. Times are in seconds of virtual time.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use domain::{Timestamp, budget::Limit};
use serde_json::{Value, json};
use testkit::{
    build,
    simulator::{AccountSize, JobStart, Profile, Report, run},
};

fn main() -> ExitCode {
    let (queue, day) = (run(1, &Profile::long_queue()), run(1, &Profile::day()));
    let (alone, flooded) = (run(2, &Profile::quiet_accounts(false)), run(2, &Profile::quiet_accounts(true)));
    let popular = run(3, &Profile::popular_call());
    let broken: Vec<_> =
        [&queue, &day, &alone, &flooded, &popular].iter().flat_map(|report| &report.violations).collect();
    for violation in &broken {
        println!("{}", json!({"measure": "violation", "promise": violation.promise, "how": violation.how}));
    }
    let queues = long_queue(&queue).into_iter().chain(quiet(&alone, &flooded));
    for measure in queues.chain(of_day(&day)).chain([popular_call(&popular)]) {
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

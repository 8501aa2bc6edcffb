//! `simulate SEEDS [FIRST]`: runs the simulator on so many seeds, from `FIRST` on, or from the
//! time. A seed that breaks a promise is named with what runs it again. The last line says
//! `violations: N`.

use std::{process::ExitCode, time::Duration};

use testkit::simulator::{Report, Setup, run};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let seeds = arguments.next().and_then(|seeds| seeds.parse::<u64>().ok());
    let first = arguments.next().map_or_else(|| Some(fresh()), |first| first.parse().ok());
    let (Some(seeds), Some(first)) = (seeds, first) else {
        eprintln!("usage: simulate SEEDS [FIRST]");
        return ExitCode::from(2);
    };
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let reports: Vec<(u64, Report)> = std::thread::scope(|scope| {
        let part =
            |thread| move || (0..seeds).filter(|n| n % threads == thread).map(|n| one(first.wrapping_add(n))).collect();
        let runs: Vec<_> = (0..threads).map(|thread| scope.spawn(part(thread))).collect();
        runs.into_iter().flat_map(|run| run.join().unwrap_or_else(|_| Vec::<(u64, Report)>::new())).collect()
    });
    let sum = |of: fn(&Report) -> u64| reports.iter().map(|(_, report)| of(report)).sum::<u64>();
    let hours = |of: fn(&Report) -> Duration| reports.iter().map(|(_, r)| of(r).as_secs_f64()).sum::<f64>() / 3600.0;
    println!("seeds: {} from {first}", reports.len());
    println!("jobs: {}", sum(|report| report.jobs));
    println!("simulated hours: {:.1}", hours(|report| report.simulated));
    println!("simulated job-hours: {:.1}", hours(|report| report.job_time));
    println!("port calls: {}", sum(|report| report.port_calls));
    println!("faults injected: {}", sum(|report| report.faults));
    println!("Flickr calls: {}", sum(|report| report.flickr_calls));
    for (seed, report) in &reports {
        for (promise, how) in &report.violations {
            println!("violation of {promise} by seed {seed}: {how}");
        }
        if !report.violations.is_empty() {
            println!("  run it again: make simulate SEEDS=1 FIRST={seed}");
        }
    }
    let violations = sum(|report| report.violations.len() as u64) + seeds - reports.len() as u64;
    println!("violations: {violations}");
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(seed: u64) -> (u64, Report) {
    (seed, run(seed, &Setup::bad_day()))
}

#[expect(clippy::disallowed_methods, reason = "fresh seeds come from the clock")]
fn fresh() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos() & u128::from(u64::MAX)).unwrap_or(0)
}

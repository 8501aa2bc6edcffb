//! `simulate SEEDS [FIRST] [NAME=VALUE]...`: runs the simulator's bad day on so many seeds, from `FIRST` on, or from the
//! time, with changes to the day ([`Profile::with`]).
//!
//! A seed that breaks a promise is named with what runs it again, and with a smaller case that breaks the same promise.
//! The last line says `violations: N`.

use std::{error::Error, process::ExitCode, time::Duration};

use testkit::simulator::{Profile, Report, explain, run};

/// How many failing seeds are shrunk: each takes some seconds.
const MAX_SHRUNK: usize = 3;

/// What is asked for on the command line.
struct Arguments {
    seeds: u64,
    first: u64,
    profile: Profile,
}

fn main() -> ExitCode {
    match read(std::env::args().skip(1)) {
        Ok(arguments) => simulate(&arguments),
        Err(error) => {
            eprintln!("usage: simulate SEEDS [FIRST] [NAME=VALUE]...\n{error}");
            ExitCode::from(2)
        }
    }
}

fn read(words: impl Iterator<Item = String>) -> Result<Arguments, Box<dyn Error>> {
    let (changes, numbers): (Vec<String>, Vec<String>) = words.partition(|word| word.contains('='));
    let profile = changes.iter().try_fold(Profile::bad_day(), |profile, change| profile.with(change))?;
    let numbers: Vec<u64> = numbers.iter().map(|number| number.parse()).collect::<Result<_, _>>()?;
    match numbers[..] {
        [seeds] => Ok(Arguments { seeds, first: fresh_seed(), profile }),
        [seeds, first] => Ok(Arguments { seeds, first, profile }),
        _ => Err("SEEDS says how many simulations are run, and FIRST with which seed they begin".into()),
    }
}

fn simulate(arguments: &Arguments) -> ExitCode {
    let Arguments { seeds, first, profile } = arguments;
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let part = |thread| {
        let numbers = (0..*seeds).filter(move |number| number % threads == thread);
        let one = |seed| (seed, run(seed, profile));
        move || numbers.map(|number| one(first.wrapping_add(number))).collect()
    };
    let reports: Vec<(u64, Report)> = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads).map(|thread| scope.spawn(part(thread))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_else(|_| Vec::new())).collect()
    });
    println!("seeds: {} from {first}", reports.len());
    print_sums(&reports);
    print_violations(&reports, profile);
    // A simulation that panicked gave no report.
    let violations = sum(&reports, |report| report.violations.len() as u64) + seeds - reports.len() as u64;
    println!("violations: {violations}");
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn sum(reports: &[(u64, Report)], of: impl Fn(&Report) -> u64) -> u64 {
    reports.iter().map(|(_, report)| of(report)).sum()
}

fn print_sums(reports: &[(u64, Report)]) {
    let hours =
        |of: fn(&Report) -> Duration| reports.iter().map(|(_, report)| of(report).as_secs_f64()).sum::<f64>() / 3600.0;
    println!("jobs: {}", sum(reports, |report| report.jobs));
    println!("simulated hours: {:.1}", hours(|report| report.simulated));
    println!("simulated job-hours: {:.1}", hours(|report| report.job_time));
    println!("port calls: {}", sum(reports, |report| report.port_calls));
    println!("faults injected: {}", sum(reports, |report| report.faults));
    println!("Flickr calls: {}", sum(reports, |report| report.flickr_calls.len() as u64));
    println!("uploads: {}", sum(reports, |report| report.files.uploads));
    println!("replaces: {}", sum(reports, |report| report.files.replaces));
    println!("photos: {}", sum(reports, |report| report.files.photos));
    println!("duplicates: {}", sum(reports, |report| report.files.duplicates));
    println!("unknown outcomes of files: {}", sum(reports, |report| report.files.unknown));
    println!("sends that lost their lease: {}", sum(reports, |report| report.files.stopped_sends));
}

fn print_violations(reports: &[(u64, Report)], profile: &Profile) {
    let base = Profile::bad_day();
    let broken: Vec<_> = reports.iter().filter(|(_, report)| !report.violations.is_empty()).collect();
    for (seed, report) in broken.iter().take(MAX_SHRUNK) {
        println!("{}", explain(*seed, &base, profile, report));
    }
    for (seed, report) in broken.iter().skip(MAX_SHRUNK) {
        for violation in &report.violations {
            println!("violation of {} by seed {seed}: {}", violation.promise, violation.how);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "fresh seeds come from the clock")]
fn fresh_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos() & u128::from(u64::MAX)).unwrap_or(0)
}

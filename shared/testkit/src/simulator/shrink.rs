//! Shrinking: from a seed that breaks a promise to a smaller case that breaks the same one.
//!
//! A case is made smaller in one way after another, and the smaller one stays whenever it still breaks the promise: what
//! goes wrong is taken away or halved, then how much is asked for, then single asks. That is greedy, and the same each
//! time. Parts of a simulation draw from streams of their own, so that the rest stays much as it was.

use std::collections::BTreeSet;

use super::{
    changes::{QUANTITIES, Quantity},
    executor::run,
    oracles::Violation,
    profile::Profile,
    report::Report,
    workload::Workload,
};

/// How many simulations shrinking a case may take.
pub const MAX_RUNS: u32 = 200;

/// A smaller case.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// What is left of the profile, to be run with the same seed.
    pub profile: Profile,
    /// How it breaks the promise.
    pub violation: Violation,
    /// How many simulations it took.
    pub runs: u32,
}

/// Shrinks the case of `seed` and `profile` that came to `violation`, by at most `max_runs` simulations.
pub fn shrink(seed: u64, profile: &Profile, violation: &Violation, max_runs: u32) -> Shrunk {
    let first = Shrunk { profile: profile.clone(), violation: violation.clone(), runs: 0 };
    let mut shrinker = Shrinker { seed, best: first, max_runs };
    while shrinker.runs_left() && shrinker.pass() {}
    shrinker.best
}

/// What was broken, and a smaller case that breaks the same, each with what runs it again. `profile` is `base` with
/// changes that can be written ([`Profile::changes_from`]).
pub fn explain(seed: u64, base: &Profile, profile: &Profile, report: &Report) -> String {
    let named = |violation: &Violation| format!("violation of {} by seed {seed}: {}", violation.promise, violation.how);
    let mut lines: Vec<String> = report.violations.iter().map(named).collect();
    if let Some(violation) = report.violations.first() {
        lines.push(format!("  run it again: {}", command(seed, base, profile)));
        let Shrunk { profile, violation, runs } = shrink(seed, profile, violation, MAX_RUNS);
        lines.push(format!("  smaller, after {runs} runs: violation of {}: {}", violation.promise, violation.how));
        lines.push(format!("  run that again: {}", command(seed, base, &profile)));
    }
    lines.join("\n")
}

fn command(seed: u64, base: &Profile, profile: &Profile) -> String {
    let words = ["cargo run --package testkit --bin simulate -- 1".to_owned(), seed.to_string()];
    words.into_iter().chain(profile.changes_from(base)).collect::<Vec<_>>().join(" ")
}

struct Shrinker {
    seed: u64,
    best: Shrunk,
    max_runs: u32,
}

impl Shrinker {
    /// Tries every way once; whether any made the case smaller.
    fn pass(&mut self) -> bool {
        let mut shrank = false;
        for quantity in &QUANTITIES {
            shrank |= self.lower(quantity);
        }
        let shrank_asks = self.remove_asks();
        shrank || shrank_asks
    }

    fn runs_left(&self) -> bool {
        self.best.runs < self.max_runs
    }

    /// Runs a smaller case, and keeps it if it breaks the same promise.
    fn try_smaller(&mut self, profile: Profile) -> bool {
        if !self.runs_left() {
            return false;
        }
        self.best.runs += 1;
        let report = run(self.seed, &profile);
        let same = report.violations.into_iter().find(|found| found.promise == self.best.violation.promise);
        let Some(violation) = same else { return false };
        self.best = Shrunk { profile, violation, runs: self.best.runs };
        true
    }

    /// Lowers a quantity: to its least, or else by halves as far as that goes.
    fn lower(&mut self, quantity: &Quantity) -> bool {
        let mut lowered = false;
        loop {
            let now = (quantity.of)(&self.best.profile);
            let candidates = if lowered { vec![now / 2] } else { vec![quantity.least, now / 2] };
            let smaller = candidates.into_iter().filter(|number| (quantity.least..now).contains(number));
            let found = smaller.map(|number| (quantity.with)(self.best.profile.clone(), number)).collect::<Vec<_>>();
            if !found.into_iter().any(|profile| self.try_smaller(profile)) {
                return lowered;
            }
            lowered = true;
        }
    }

    /// Leaves out asks: halves of them, quarters, and so on down to single ones.
    fn remove_asks(&mut self) -> bool {
        let mut removed = false;
        let mut part = self.asks().len().div_ceil(2);
        while part > 0 && self.runs_left() {
            for chunk in self.asks().chunks(part) {
                let kept: BTreeSet<u32> = self.asks().into_iter().filter(|number| !chunk.contains(number)).collect();
                removed |= self.try_smaller(Profile { asks: Some(kept), ..self.best.profile.clone() });
            }
            part /= 2;
        }
        removed
    }

    /// The numbers of the asks that are made.
    fn asks(&self) -> Vec<u32> {
        Workload::new(self.seed, &self.best.profile).iter().map(|(number, _)| number).collect()
    }
}

//! Runs every target on its seeds and on mutations of them.

#![expect(clippy::unwrap_used, reason = "a seed that cannot be read fails the test")]

use std::{collections::BTreeSet, fs, panic, path::PathBuf};

use fuzz_targets::{TARGETS, Target};

const MUTATIONS: usize = 2000;

fn folder(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}

/// The names in a folder, without endings.
fn names(path: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder(path)).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// The seeds of a target, sorted by name.
fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let folder = folder("corpus").join(target.name);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Runs a target, and says on what it failed.
fn run(target: &Target, data: &[u8]) {
    let held = panic::catch_unwind(|| (target.run)(data)).is_ok();
    assert!(held, "{} fails on: {}", target.name, data.escape_ascii());
}

#[test]
fn every_target_has_seeds_and_a_program() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("fuzz_targets"), targets);
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for target in TARGETS {
        assert!(!seeds(target).is_empty(), "{}", target.name);
        assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "{}", target.name);
    }
}

#[test]
fn every_seed_holds() {
    for target in TARGETS {
        run(target, b"");
        for seed in seeds(target) {
            run(target, &seed);
        }
    }
}

#[test]
fn mutated_seeds_hold() {
    for target in TARGETS {
        let seeds = seeds(target);
        let mut random = Random(1);
        for _ in 0..MUTATIONS {
            let mut data = random.pick(&seeds).clone();
            for _ in 0..=random.below(3) {
                mutate(&mut data, &seeds, &mut random);
            }
            run(target, &data);
        }
    }
}

/// SplitMix64: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number under `bound`, which is not zero.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 32).unwrap() % bound
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// One change, of a kind that parsers stumble over.
fn mutate(data: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    const WORDS: [&[u8]; 8] =
        [b"\0", b"\"", b"%", b"\xff\xff", b"99999999999999999999", b"\xc3\xa9", b"\n", b"{\"a\":"];
    let at = random.below(data.len() + 1);
    let end = at + random.below(data.len() - at + 1);
    match random.below(6) {
        0 if at < data.len() => data[at] ^= 1 << random.below(8),
        1 => drop(data.splice(at..at, random.pick(&WORDS).iter().copied())),
        2 => drop(data.drain(at..end)),
        3 => data.extend_from_within(at..end),
        4 => data.truncate(at),
        _ => {
            let other = random.pick(seeds);
            let from = random.below(other.len() + 1);
            data.splice(at..end, other[from..].iter().copied());
        }
    }
}

//! What callers ask for, as a pure function of a seed and a profile.

use std::{collections::BTreeMap, time::Duration};

use domain::{Timestamp, cache::CacheOptions, fair_queue::Priority, job::Start};

use super::{
    asked_file::{AskedFile, FilePurpose, replaced_photo},
    flickr::{FAILING, METHODS, POISON, READ, STOPPED},
    profile::{Flow, Profile},
    streams::{Stream, stream},
};
use crate::{build::NOW, random::Random};

/// What a caller asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// When it asks first.
    pub at: Timestamp,
    /// For which account: its number, from 0, over all tenants.
    pub account: usize,
    /// What the job calls.
    pub method: &'static str,
    /// What the job carries to Flickr, to be known by there: jobs with the same one make the same call.
    pub marker: String,
    /// Its idempotency key.
    pub key: String,
    /// Whether what is asked is so long that it is an item of its own beside the job's.
    pub is_long: bool,
    /// When the job is to run.
    pub start: Start,
    /// The job's lane.
    pub priority: Priority,
    /// What the job asks of the response cache.
    pub cache: CacheOptions,
    /// The file that the job sends, instead of its call.
    pub file: Option<AskedFile>,
    /// The flow that it belongs to; `None` when it was drawn at random.
    pub flow: Option<usize>,
}

/// All that callers ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    asks: BTreeMap<u32, Ask>,
}

impl Workload {
    /// The workload of `profile` under `seed`. With fewer jobs, the first of them are the same.
    pub fn new(seed: u64, profile: &Profile) -> Self {
        let (mut random, mut random_files) = (stream(seed, Stream::Workload), stream(seed, Stream::Files));
        let mut drawn: Vec<Ask> = Vec::new();
        for number in 0..profile.jobs {
            let ask = draw(&mut random, profile, number, drawn.last());
            let file = AskedFile::draw(&mut random_files, number);
            let sends = random_files.per_mille(profile.files_per_mille);
            drawn.push(if sends { sending(ask, number, file) } else { ask });
        }
        for (index, flow) in profile.flows.iter().enumerate() {
            let mut random = stream(seed, Stream::Flow(index));
            for _ in 0..flow.jobs {
                let number = drawn.len();
                drawn.push(of_flow(&mut random, index, flow, number));
            }
        }
        let numbered = (0..).zip(drawn);
        let wanted = |number: &u32| profile.asks.as_ref().is_none_or(|asks| asks.contains(number));
        Self { asks: numbered.filter(|(number, _)| wanted(number)).collect() }
    }

    /// The ask with this number.
    pub fn ask(&self, number: u32) -> Option<&Ask> {
        self.asks.get(&number)
    }

    /// Number and ask of each.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Ask)> {
        self.asks.iter().map(|(number, ask)| (*number, ask))
    }
}

/// One random ask. One in two follows on the last: who works with an account reads, writes and reads again.
fn draw(random: &mut Random, profile: &Profile, number: u32, last: Option<&Ask>) -> Ask {
    let follows = last.filter(|_| random.per_mille(500));
    let accounts = u64::from(profile.tenants) * u64::from(profile.accounts_each);
    let account = index(random.below(accounts.max(1)));
    // One key in ten is used for two payloads: the second is refused.
    let key = match last {
        Some(last) if random.per_mille(100) => last.key.clone(),
        _ => format!("key-{number}"),
    };
    let method = match follows {
        Some(_) if random.per_mille(500) => READ,
        _ => random.pick(&METHODS),
    };
    let at = match follows {
        Some(last) => last.at + random.milliseconds(0, 60_000),
        None => NOW + random.milliseconds(0, milliseconds(profile.span)),
    };
    let start = start(random);
    let priority = *random.pick(&[Priority::High, Priority::Normal, Priority::Normal, Priority::Low]);
    Ask {
        at,
        account: follows.map_or(account, |last| last.account),
        method,
        marker: marker(random, profile, method, number),
        key,
        is_long: number.is_multiple_of(4),
        start: if follows.is_some() { Start::Now } else { start },
        priority,
        cache: cache(random).filter(|_| method == READ).unwrap_or_default(),
        file: None,
        flow: None,
    }
}

/// An ask that sends a file instead of making its call. What is known of it by Flickr is its own, or the photo that it
/// replaces.
fn sending(ask: Ask, number: u32, file: AskedFile) -> Ask {
    let marker = match file.purpose {
        FilePurpose::Replace { photo } => replaced_photo(ask.account, photo),
        FilePurpose::Upload { .. } if ask.method == READ && !is_fatal(&ask.marker) => number.to_string(),
        FilePurpose::Upload { .. } => ask.marker,
    };
    Ask { marker, cache: CacheOptions::default(), file: Some(file), ..ask }
}

fn is_fatal(marker: &str) -> bool {
    marker.starts_with(POISON) || marker.starts_with(STOPPED)
}

/// One in ten runs minutes later, and one in ten an hour or two.
fn start(random: &mut Random) -> Start {
    match random.below(10) {
        0 => Start::After(Duration::from_secs(random.below(600))),
        1 => Start::After(Duration::from_secs(random.below(7200))),
        _ => Start::Now,
    }
}

/// Reads have few markers, so that jobs meet at the same call; each write has its own.
fn marker(random: &mut Random, profile: &Profile, method: &str, number: u32) -> String {
    let (fate, topic) = (random.below(1000), random.below(3).min(1));
    if fate < profile.poison_per_mille {
        format!("{POISON}{number}")
    } else if fate < profile.poison_per_mille + profile.stopped_per_mille {
        format!("{STOPPED}{number}")
    } else if method == READ {
        format!("topic-{topic}")
    } else {
        number.to_string()
    }
}

fn cache(random: &mut Random) -> Option<CacheOptions> {
    let (kind, seconds) = (random.below(10), random.below(120));
    match kind {
        0 => CacheOptions::new(None, true).ok(),
        1..4 => CacheOptions::new(u32::try_from(10 + seconds).ok(), false).ok(),
        _ => None,
    }
}

/// One ask of a flow.
fn of_flow(random: &mut Random, index: usize, flow: &Flow, number: usize) -> Ask {
    Ask {
        at: NOW + flow.from + random.milliseconds(0, milliseconds(flow.span)),
        account: flow.account,
        method: flow.method,
        marker: match (flow.fails, flow.same_call) {
            (true, _) => format!("{FAILING}{number}"),
            (false, true) => format!("popular-{index}"),
            (false, false) => number.to_string(),
        },
        key: format!("key-{number}"),
        is_long: false,
        start: if flow.delay.is_zero() { Start::Now } else { Start::After(flow.delay) },
        priority: flow.priority,
        cache: CacheOptions::default(),
        file: None,
        flow: Some(index),
    }
}

fn milliseconds(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_away_leaves_the_other_asks_as_they_are() {
        let flow = Profile::popular_call().flows[0].clone();
        let profile = Profile { flows: vec![flow.clone(), Flow { jobs: 3, ..flow }], ..Profile::bad_day() };
        let whole = Workload::new(1, &profile);
        assert_eq!(whole.iter().count(), 663);

        let fewer = Workload::new(1, &Profile { jobs: 20, flows: Vec::new(), ..profile.clone() });
        assert!(fewer.iter().eq(whole.iter().take(20)));
        let asks = Some([3, 59, 662].into_iter().collect());
        let some = Workload::new(1, &Profile { asks, ..profile });
        assert!(some.iter().eq(whole.iter().filter(|(number, _)| [3, 59, 662].contains(number))));
    }
}

//! A profile, written as what makes it differ from another: `jobs=12 crashes_per_myriad=0 asks=3,7-9`. So a case that
//! was found can be run again from the command line.

use std::{collections::BTreeSet, time::Duration};

use domain::budget::Limit;

use super::profile::Profile;
use crate::mutation::Mutation;

/// A number of a profile that says how much happens: the smaller, the simpler the case.
pub(crate) struct Quantity {
    /// As it is written.
    pub(crate) name: &'static str,
    /// The least that it can be.
    pub(crate) least: u64,
    /// What it is.
    pub(crate) of: fn(&Profile) -> u64,
    /// The profile with another.
    pub(crate) with: fn(Profile, u64) -> Profile,
}

/// A [`Quantity`] from how it is read of a profile, and what a number makes of its field.
macro_rules! quantity {
    ($name:literal, $least:literal, $profile:ident => $of:expr, $number:ident => $field:ident: $value:expr) => {
        Quantity {
            name: $name,
            least: $least,
            of: |$profile| $of,
            with: |$profile, $number| Profile { $field: $value, ..$profile },
        }
    };
}

/// Every such number, those first that change most.
pub(crate) const QUANTITIES: [Quantity; 16] = [
    quantity!("flickr_faults_per_mille", 0, day => day.flickr_faults_per_mille, new => flickr_faults_per_mille: new),
    quantity!("crashes_per_myriad", 0, day => day.crashes_per_myriad, new => crashes_per_myriad: new),
    quantity!("failures_per_myriad", 0, day => day.failures_per_myriad, new => failures_per_myriad: new),
    quantity!("hold_milliseconds", 0, day => day.hold_milliseconds, new => hold_milliseconds: new),
    quantity!("noise", 0, day => day.noise.into(), new => noise: new > 0),
    quantity!("replays", 0, day => day.replays.into(), new => replays: new > 0),
    quantity!("outages", 0, day => day.outages.len() as u64, new => outages: first(&day.outages, new)),
    quantity!("storms", 0, day => day.storms.len() as u64, new => storms: first(&day.storms, new)),
    quantity!("poison_per_mille", 0, day => day.poison_per_mille, new => poison_per_mille: new),
    quantity!("stopped_per_mille", 0, day => day.stopped_per_mille, new => stopped_per_mille: new),
    quantity!("files_per_mille", 0, day => day.files_per_mille, new => files_per_mille: new),
    quantity!("deletions_per_mille", 0, day => day.deletions_per_mille, new => deletions_per_mille: new),
    quantity!("flows", 0, day => day.flows.len() as u64, new => flows: first(&day.flows, new)),
    quantity!("jobs", 0, day => day.jobs.into(), new => jobs: small(new)),
    quantity!("span_seconds", 1, day => day.span.as_secs(), new => span: Duration::from_secs(new)),
    quantity!("accounts_each", 1, day => day.accounts_each.into(), new => accounts_each: small(new)),
];

/// The first so many of `items`.
fn first<T: Clone>(items: &[T], number: u64) -> Vec<T> {
    items.iter().take(usize::try_from(number).unwrap_or(usize::MAX)).cloned().collect()
}

fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A change that a profile cannot be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownChange(String);

impl std::fmt::Display for UnknownChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = QUANTITIES.iter().map(|quantity| quantity.name).collect();
        let mutations: Vec<String> = Mutation::ALL.iter().map(|mutation| format!("{mutation:?}")).collect();
        writeln!(f, "`{}` is no change of a profile. These are, with a number, as in `jobs=12`:", self.0)?;
        writeln!(f, "  {}", names.join(", "))?;
        writeln!(
            f,
            "These too: `asks=3,7-9`, the asks that are made; `limit=60/8`, the calls of an hour and of a burst"
        )?;
        writeln!(f, "that an app may make; and `mutation=`, a rule broken on purpose, of")?;
        write!(f, "  {}", mutations.join(", "))
    }
}

impl std::error::Error for UnknownChange {}

impl Profile {
    /// What makes this profile differ from `base`, as changes that [`Profile::with`] takes.
    pub fn changes_from(&self, base: &Self) -> Vec<String> {
        let differ = QUANTITIES.iter().filter(|quantity| (quantity.of)(self) != (quantity.of)(base));
        let quantities = differ.map(|quantity| format!("{}={}", quantity.name, (quantity.of)(self)));
        let asks = self.asks.as_ref().filter(|_| self.asks != base.asks);
        let asks = asks.map(|asks| format!("asks={}", written(asks)));
        let mutation = self.mutation.filter(|_| self.mutation != base.mutation);
        let mutation = mutation.map(|mutation| format!("mutation={mutation:?}"));
        let limit = (self.limit != base.limit).then_some(self.limit);
        let limit = limit.map(|limit| format!("limit={}/{}", limit.calls_per_hour, limit.burst_calls));
        mutation.into_iter().chain(limit).chain(quantities).chain(asks).collect()
    }

    /// The profile with a change, written `name=value`.
    ///
    /// # Errors
    /// When there is no such change.
    pub fn with(self, change: &str) -> Result<Self, UnknownChange> {
        let unknown = || UnknownChange(change.to_owned());
        let (name, value) = change.split_once('=').ok_or_else(unknown)?;
        match name {
            "limit" => {
                let (calls_per_hour, burst_calls) = value.split_once('/').ok_or_else(unknown)?;
                let number = |text: &str| text.parse().ok().filter(|number| *number > 0).ok_or_else(unknown);
                let limit = Limit { calls_per_hour: number(calls_per_hour)?, burst_calls: number(burst_calls)? };
                Ok(Self { limit, ..self })
            }
            "asks" => Ok(Self { asks: Some(read(value).ok_or_else(unknown)?), ..self }),
            "mutation" => {
                let found = Mutation::ALL.into_iter().find(|mutation| format!("{mutation:?}") == value);
                Ok(Self { mutation: Some(found.ok_or_else(unknown)?), ..self })
            }
            _ => {
                let quantity = QUANTITIES.iter().find(|quantity| quantity.name == name).ok_or_else(unknown)?;
                let number = value.parse().ok().filter(|number| *number >= quantity.least).ok_or_else(unknown)?;
                Ok((quantity.with)(self, number))
            }
        }
    }
}

/// Numbers and ranges of them, in order: `3,7-9`.
fn written(numbers: &BTreeSet<u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*number) => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let one = |(first, last): &(u32, u32)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    ranges.iter().map(one).collect::<Vec<_>>().join(",")
}

fn read(text: &str) -> Option<BTreeSet<u32>> {
    let mut numbers = BTreeSet::new();
    for range in text.split(',').filter(|range| !range.is_empty()) {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        numbers.extend(first.parse::<u32>().ok()?..=last.parse::<u32>().ok()?);
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_read_back_as_written() {
        let base = Profile::bad_day();
        let profile = Profile {
            jobs: 12,
            span: Duration::from_secs(60),
            noise: false,
            storms: Vec::new(),
            asks: Some([3, 7, 8, 9].into_iter().collect()),
            mutation: Some(Mutation::NoSweep),
            limit: Limit { calls_per_hour: 600, burst_calls: 20 },
            ..base.clone()
        };
        let changes = profile.changes_from(&base);
        let written = "mutation=NoSweep limit=600/20 noise=0 storms=0 jobs=12 span_seconds=60 asks=3,7-9";
        assert_eq!(changes.join(" "), written);
        let read = changes.iter().try_fold(base.clone(), |profile, change| profile.with(change));
        assert_eq!(read, Ok(profile));
        assert_eq!(base.changes_from(&base), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_change_is_refused() {
        for text in [
            "",
            "jobs",
            "jobs=",
            "jobs=many",
            "span_seconds=0",
            "job=1",
            "asks=3-",
            "limit=60",
            "limit=0/8",
            "mutation=NoWay",
        ] {
            assert!(Profile::bad_day().with(text).is_err(), "{text}");
        }
        assert_eq!(Profile::bad_day().with("asks=").unwrap().asks, Some(BTreeSet::new()));
    }
}

//! The line of a Flickr app: in which order its jobs run when more are asked for than its budget
//! allows.
//!
//! The order is that of start-time fair queueing (Goyal, Vin, Cheng 1996): each account's jobs of
//! each lane are a flow, and a job's tag is where its flow will be once all jobs before it have run
//! at the flow's weight. Jobs run by their tags, and equal tags in the order they came. So accounts
//! take turns, however many jobs each has; of the lanes, the higher one comes by more often; and as
//! a tag never changes while those of newcomers grow, no job waits for ever.
//!
//! The virtual time is the tag that is running now. An account that has used less than its turns is
//! behind it: its jobs need not stand in line, and draw on the part of the budget that is kept
//! back for them ([`reserve`]).

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{AppId, Timestamp, budget::Standing};

/// How far ahead the line is dispatched: twice the time between two sweeps, so that one that is
/// late leaves no gap.
pub const HORIZON: Duration = Duration::from_secs(120);

/// The time between two sweeps: they begin with each minute of the clock.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

const _: () = assert!(HORIZON.as_secs() >= 2 * SWEEP_INTERVAL.as_secs());

/// How far an account may be ahead of the virtual time and still count as below its share: five
/// ordinary jobs, so that two at a time are no flood.
const LEAD: u64 = 5 * Priority::Normal.stride();

/// How important a job is to its caller: its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Somebody waits for it.
    High,
    /// The ordinary.
    #[default]
    Normal,
    /// Whenever there is room.
    Low,
}

impl Priority {
    /// All, the highest first.
    pub const ALL: [Priority; 3] = [Priority::High, Priority::Normal, Priority::Low];

    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Priority::High => "high",
            Priority::Normal => "normal",
            Priority::Low => "low",
        }
    }

    /// By how much a job moves its flow on: four jobs of a lane for one of the next lower.
    pub const fn stride(self) -> u64 {
        match self {
            Priority::High => 1,
            Priority::Normal => 4,
            Priority::Low => 16,
        }
    }
}

/// A place in an app's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Whose line.
    pub app: AppId,
    /// The lower, the earlier.
    pub tag: u64,
}

/// Up to which tag each lane of an account has had its turn, or will have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turns {
    /// Of jobs of [`Priority::High`].
    pub high: u64,
    /// Of jobs of [`Priority::Normal`].
    pub normal: u64,
    /// Of jobs of [`Priority::Low`].
    pub low: u64,
}

impl Turns {
    /// The lane's.
    pub fn of(&self, lane: Priority) -> u64 {
        match lane {
            Priority::High => self.high,
            Priority::Normal => self.normal,
            Priority::Low => self.low,
        }
    }

    /// The turns after the lane took its next one.
    #[must_use]
    pub fn taken(mut self, lane: Priority, virtual_time: u64) -> Self {
        let turn = self.of_mut(lane);
        *turn = next_turn(*turn, lane, virtual_time);
        self
    }

    /// The turns after the lane gave the one with this tag back, if that was its last.
    #[must_use]
    pub fn returned(mut self, lane: Priority, tag: u64) -> Self {
        let turn = self.of_mut(lane);
        if *turn == tag {
            *turn = tag.saturating_sub(lane.stride());
        }
        self
    }

    fn of_mut(&mut self, lane: Priority) -> &mut u64 {
        match lane {
            Priority::High => &mut self.high,
            Priority::Normal => &mut self.normal,
            Priority::Low => &mut self.low,
        }
    }

    /// Whether the account, once the lane took its turn, still has had no more than its share: its
    /// job need not stand in line. What it waits for in a higher lane, it waits for in this one too.
    pub fn under_share(&self, lane: Priority, virtual_time: u64) -> bool {
        let above = Priority::ALL.into_iter().take_while(|other| *other < lane);
        let share = virtual_time.saturating_add(LEAD);
        self.of(lane) <= share && above.into_iter().all(|other| self.of(other) <= share)
    }
}

/// The turn after `turn` of a flow in this lane.
pub fn next_turn(turn: u64, lane: Priority, virtual_time: u64) -> u64 {
    turn.max(virtual_time).saturating_add(lane.stride())
}

/// Tags that are counted together: the further from the front, the more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket {
    level: u8,
    index: u64,
}

impl Bucket {
    /// Levels of width; a bucket of each next one is 16 times as wide.
    const LEVELS: u8 = 3;

    /// So many buckets of a level lie before the next level begins.
    const OF_A_LEVEL: u64 = 64;

    /// The bucket that counts `tag` at this virtual time.
    pub fn of(tag: u64, virtual_time: u64) -> Self {
        let away = tag.saturating_sub(virtual_time);
        let level = (0..Self::LEVELS - 1).find(|level| away < Self::OF_A_LEVEL << (4 * level));
        let level = level.unwrap_or(Self::LEVELS - 1);
        Self { level, index: tag >> (4 * level) }
    }

    fn begin(self) -> u64 {
        self.index << (4 * self.level)
    }

    fn end(self) -> u64 {
        (self.index + 1) << (4 * self.level)
    }

    fn holds(self, tag: u64) -> bool {
        (self.begin()..self.end()).contains(&tag)
    }

    /// A short name: a letter for the level, and the index in base 36.
    pub fn name(self) -> String {
        let mut digits = Vec::new();
        let mut rest = self.index;
        while rest > 0 || digits.is_empty() {
            digits.push(char::from_digit(u32::try_from(rest % 36).unwrap_or_default(), 36).unwrap_or('0'));
            rest /= 36;
        }
        let level = char::from(b'x' + self.level);
        std::iter::once(level).chain(digits.into_iter().rev()).collect()
    }

    /// The bucket of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        let level = name.bytes().next()?.checked_sub(b'x').filter(|level| *level < Self::LEVELS)?;
        let index = u64::from_str_radix(name.get(1..)?, 36).ok()?;
        (index <= u64::MAX >> (4 * Self::LEVELS)).then_some(Self { level, index })
    }
}

/// An app's line: where it stands, and about how many wait at which tags. The jobs themselves are
/// the truth about who waits; these counts say when each will run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// A point of the virtual time: at that time it was that tag.
    pub anchor: (Timestamp, u64),
    /// Up to when calls were handed out, and to which tag.
    pub allotted: (Timestamp, u64),
    /// How many jobs wait.
    pub waiting: BTreeMap<Bucket, u32>,
}

/// Calls that the line may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allotment {
    /// How many.
    pub calls: u32,
    /// The point of the virtual time at which they are handed out.
    pub anchor: (Timestamp, u64),
    /// When the first may be made.
    pub from: Timestamp,
    /// When all are made.
    pub until: Timestamp,
}

impl Allotment {
    /// When the call with this number, from 0, is to be made: they are spread evenly, each at the
    /// end of its part.
    pub fn slot(&self, number: u32) -> Timestamp {
        self.from + self.until.since(self.from) * (number + 1) / self.calls.max(1)
    }
}

/// What a sweep dispatched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The highest tag it dispatched.
    pub tag: u64,
    /// How many jobs it dispatched, by where they are counted.
    pub dispatched: BTreeMap<Bucket, u32>,
    /// Buckets in which nobody waits any more.
    pub emptied: Vec<Bucket>,
}

/// The calls of the burst that the line leaves for accounts below their share.
pub fn reserve(standing: &Standing) -> u32 {
    standing.burst_calls / 3 * 2
}

impl Line {
    /// A line that begins. Its virtual time is ahead of any that began in an earlier hour: no line
    /// runs through as many tags in an hour as that has milliseconds. And it stands still: an account
    /// that asks again and again, before anyone stands in line, is no newcomer each time.
    pub fn new(now: Timestamp) -> Self {
        const HOUR: u64 = 3_600_000;
        let tag = u64::try_from(now.as_milliseconds()).unwrap_or_default() / HOUR * HOUR;
        Self { anchor: (now, tag), allotted: (now, tag), waiting: BTreeMap::new() }
    }

    /// The tag that is running at `now`.
    pub fn virtual_time(&self, now: Timestamp) -> u64 {
        let ((from, first), (until, last)) = (self.anchor, self.allotted);
        let length = u64::try_from(until.since(from).as_millis()).unwrap_or(u64::MAX);
        let passed = u64::try_from(now.since(from).as_millis()).unwrap_or(u64::MAX).min(length);
        let tags = u128::from(last.saturating_sub(first)) * u128::from(passed) / u128::from(length.max(1));
        if passed == length { first.max(last) } else { first + u64::try_from(tags).unwrap_or(u64::MAX) }
    }

    /// How many jobs wait.
    pub fn waiting_jobs(&self) -> u64 {
        self.waiting.values().copied().map(u64::from).sum()
    }

    /// Whether a new job has to look at the line: someone waits, or no more is left of the budget
    /// than the reserve, or its circuit is not closed.
    pub fn is_needed(&self, standing: &Standing) -> bool {
        !self.waiting.is_empty() || !standing.is_closed() || standing.remaining_calls <= reserve(standing)
    }

    /// How many of the waiting jobs run before a job with `tag` that joins now.
    pub fn ahead(&self, tag: u64) -> u64 {
        let counted = self.waiting.iter().map(|(bucket, count)| {
            // Those who joined wide buckets are spread in them; those of a narrow one came before.
            let (begin, end) = (bucket.begin().max(self.allotted.1.min(bucket.end() - 1)), bucket.end());
            let below = (tag + 1).clamp(begin, end) - begin;
            u64::from(*count) * below / (end - begin)
        });
        counted.sum()
    }

    /// When the job that has so many others ahead will about run: as sweeps will hand calls out.
    pub fn expected(&self, ahead: u64, standing: &Standing, now: Timestamp) -> Timestamp {
        let resumes = standing.open_until.unwrap_or(now).max(now);
        let (mut begin, mut window) =
            if self.allotted.0 > resumes { (self.allotted.0, SWEEP_INTERVAL) } else { (next_sweep(resumes), HORIZON) };
        let mut level = self.level_at(begin, standing, now);
        let mut place = u32::try_from(ahead).unwrap_or(u32::MAX).saturating_add(1);
        loop {
            let calls = share(level, window, standing);
            if place <= calls {
                return begin + window * place / calls;
            }
            if level == reserve(standing) {
                return begin + standing.interval().saturating_mul(place);
            }
            place -= calls;
            let left = level.saturating_add(standing.calls_in(window)).saturating_sub(calls);
            // Calls that come to nothing would come to nothing for ever.
            level = if left == level { reserve(standing) } else { left };
            begin = begin + window;
            window = SWEEP_INTERVAL;
        }
    }

    /// When a job that waits will about run: as was expected when it joined, within what the line
    /// says now.
    pub fn expected_of(&self, tag: u64, when_joined: Timestamp, standing: &Standing, now: Timestamp) -> Timestamp {
        let earliest = self.expected(self.ahead(tag.saturating_sub(1)), standing, now);
        let latest = self.expected(self.ahead(tag), standing, now);
        when_joined.clamp(earliest, latest.max(earliest))
    }

    /// What the line may be given now, up to [`HORIZON`]. Of a circuit that is half open, its probe; of
    /// an open one, nothing.
    pub fn allot(&self, standing: &Standing, now: Timestamp) -> Option<Allotment> {
        let until = now + HORIZON;
        let from = self.allotted.0.max(now);
        if standing.open_until.is_some() || from >= until {
            return None;
        }
        let anchor = (now, self.virtual_time(now));
        if standing.half_open {
            return Some(Allotment { calls: 1, anchor, from, until: from });
        }
        let calls = share(self.level_at(from, standing, now), until.since(from), standing);
        (calls > 0).then_some(Allotment { calls, anchor, from, until })
    }

    /// The line with these calls handed out.
    #[must_use]
    pub fn handed_out(&self, allotment: &Allotment) -> Self {
        let allotted = (allotment.until, self.allotted.1);
        Self { anchor: allotment.anchor, allotted, waiting: self.waiting.clone() }
    }

    /// What changes when jobs with `tags`, in order, were dispatched; `all` when no other waits.
    pub fn served(&self, tags: &[u64], all: bool) -> Served {
        let tag = tags.last().copied().unwrap_or(self.allotted.1).max(self.allotted.1);
        let mut dispatched: BTreeMap<Bucket, u32> = BTreeMap::new();
        for tag in tags {
            if let Some(bucket) = self.waiting.keys().find(|bucket| bucket.holds(*tag)) {
                *dispatched.entry(*bucket).or_default() += 1;
            }
        }
        let is_empty = |(bucket, count): &(&Bucket, &u32)| {
            let passed = tags.last().is_some_and(|last| bucket.end() <= *last);
            all || passed || dispatched.get(bucket).is_some_and(|served| served >= count)
        };
        let emptied: Vec<Bucket> = self.waiting.iter().filter(is_empty).map(|(bucket, _)| *bucket).collect();
        dispatched.retain(|bucket, _| !emptied.contains(bucket));
        Served { tag, dispatched, emptied }
    }

    /// The line after [`Line::served`].
    #[must_use]
    pub fn after(&self, served: &Served) -> Self {
        let mut waiting = self.waiting.clone();
        for (bucket, count) in &served.dispatched {
            if let Some(left) = waiting.get_mut(bucket) {
                *left = left.saturating_sub(*count);
            }
        }
        waiting.retain(|bucket, _| !served.emptied.contains(bucket));
        Self { anchor: self.anchor, allotted: (self.allotted.0, served.tag), waiting }
    }

    /// How many calls the budget will have at `from`, when what was handed out is used.
    fn level_at(&self, from: Timestamp, standing: &Standing, now: Timestamp) -> u32 {
        let outstanding = standing.calls_in(self.allotted.0.since(now));
        let coming = standing.remaining_calls.saturating_add(standing.calls_in(from.since(now)));
        coming.saturating_sub(outstanding).min(standing.burst_calls)
    }
}

/// When the next sweep begins.
fn next_sweep(now: Timestamp) -> Timestamp {
    let length = i64::try_from(SWEEP_INTERVAL.as_millis()).unwrap_or(i64::MAX);
    let begun = now.as_milliseconds().div_euclid(length);
    Timestamp::from_milliseconds((begun + 1).saturating_mul(length))
}

/// What a line may have of a budget that has `level` calls and gets more for as long as `window`:
/// what is over the reserve, and, so that it never stands still, half of the rate at least, or one.
fn share(level: u32, window: Duration, standing: &Standing) -> u32 {
    let all = level.saturating_add(standing.calls_in(window));
    all.saturating_sub(reserve(standing)).max(all.min((standing.calls_in(window) / 2).max(1)))
}

#[cfg(test)]
mod tests;

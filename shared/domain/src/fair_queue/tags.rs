//! Lanes and tags: how the flows of accounts take turns.

use serde::{Deserialize, Serialize};

use crate::{AppId, Timestamp};

/// How far an account may be ahead of the virtual time and still count as below its share: five ordinary jobs, so that
/// two at a time are no flood.
pub(super) const LEAD: u64 = 5 * Priority::Normal.stride();

/// How important a job is to its caller: its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Somebody waits for it.
    High,
    /// The default.
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

/// A job's place in an app's fair queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueTicket {
    pub app: AppId,
    /// The lower, the earlier.
    pub tag: u64,
}

/// What admission control decided on a job whose app has a fair queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It need not wait: it has its ticket if there is no call for it after all.
    RunNow(QueueTicket),
    /// It waits in the fair queue.
    Enqueue {
        /// Where.
        ticket: QueueTicket,
        /// About until when.
        expected_at: Timestamp,
        /// What Flickr said, if it refuses the app.
        refusal: Option<String>,
    },
}

/// The last tag that each lane of an account has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FlowTags {
    /// Of jobs of [`Priority::High`].
    pub high: u64,
    /// Of jobs of [`Priority::Normal`].
    pub normal: u64,
    /// Of jobs of [`Priority::Low`].
    pub low: u64,
}

impl FlowTags {
    /// The lane's tag.
    pub fn of(&self, lane: Priority) -> u64 {
        match lane {
            Priority::High => self.high,
            Priority::Normal => self.normal,
            Priority::Low => self.low,
        }
    }

    /// The tags after the lane took its next one.
    #[must_use]
    pub fn taken(mut self, lane: Priority, step: &Step, virtual_time: u64) -> Self {
        let last = self.of_mut(lane);
        *last = step.next(*last, lane, virtual_time);
        self
    }

    /// The tags after the lane gave this one back, if it was its last.
    #[must_use]
    pub fn returned(mut self, lane: Priority, tag: u64) -> Self {
        let last = self.of_mut(lane);
        if *last == tag {
            *last = tag.saturating_sub(lane.stride());
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

    /// Whether the account, once the lane took its tag, still has had no more than its share: its job need not wait in the
    /// queue. What it waits for in a higher lane, it waits for in this one too.
    pub fn is_under_share(&self, lane: Priority, step: &Step, virtual_time: u64) -> bool {
        let above = Priority::ALL.into_iter().take_while(|other| *other < lane);
        let share = virtual_time.saturating_add(LEAD.saturating_mul(step.strides));
        self.of(lane) <= share && above.into_iter().all(|other| self.of(other) <= share)
    }
}

/// By how much a job moves its account's flow on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// How many strides of its lane: as many as accounts share the turns.
    pub strides: u64,
    /// Up to which tag, and always one stride: the tag of those who share the turns.
    pub ceiling: u64,
}

impl Step {
    /// Of an account that shares its turns with nobody.
    pub const ALONE: Self = Self { strides: 1, ceiling: u64::MAX };

    /// The tag after `tag` of the account's flow in this lane.
    pub fn next(&self, tag: u64, lane: Priority, virtual_time: u64) -> u64 {
        let stride = lane.stride();
        let spaced = next_tag(tag, stride.saturating_mul(self.strides), virtual_time);
        spaced.min(self.ceiling).max(next_tag(tag, stride, virtual_time))
    }
}

/// The tag after `tag` of a flow whose jobs are a stride apart.
pub fn next_tag(tag: u64, stride: u64, virtual_time: u64) -> u64 {
    tag.max(virtual_time).saturating_add(stride)
}

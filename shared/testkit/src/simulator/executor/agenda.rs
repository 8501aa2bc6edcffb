//! What is to happen, each at its time, and a hash of what happened.

use std::{cmp::Reverse, collections::BinaryHeap};

use domain::Timestamp;

use crate::simulator::fnv;

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Happening {
    /// The task with this number goes on.
    Resume(u64),
    /// The task with this number is out of time.
    Stop(u64),
    /// A caller asks for the job with this number, for the n-th time.
    Ask(u32, u32),
    /// A worker may receive the message with this number.
    Receive(u64),
    /// The message with this number is received from the dead-letter queue.
    ReceiveDead(u64),
    /// The scheduler invokes the sweep.
    Sweep,
    /// An operator replays what is dead.
    Replay,
}

/// What is to happen. What is planned for one time happens in the order in which it was planned.
pub(super) struct Agenda {
    planned: BinaryHeap<Reverse<(Timestamp, u64, Happening)>>,
    last_number: u64,
    fingerprint: u64,
}

impl Agenda {
    pub(super) fn new(seed: u64) -> Self {
        Self { planned: BinaryHeap::new(), last_number: 0, fingerprint: seed }
    }

    /// A number that nothing else has.
    pub(super) fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    pub(super) fn plan(&mut self, at: Timestamp, happening: Happening) {
        let number = self.number();
        self.planned.push(Reverse((at, number, happening)));
    }

    /// What happens next, and when: not before `now`.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<(Timestamp, Happening)> {
        let Reverse((at, _, happening)) = self.planned.pop()?;
        let at = at.max(now);
        self.fingerprint = fnv::fold(self.fingerprint, &format!("{} {happening:?}", at.as_milliseconds()));
        Some((at, happening))
    }

    /// A hash of everything that happened.
    pub(super) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

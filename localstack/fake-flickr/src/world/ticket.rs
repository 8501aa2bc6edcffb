//! The ticket of an asynchronous upload or replacement.

use jiff::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub outcome: Outcome,
    /// The number of polls that still find it pending.
    pub pending_polls: u32,
    pub pending_until: Timestamp,
    /// From when on nobody knows it.
    pub forgotten: Timestamp,
}

/// What becomes of a ticket when it is no longer pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The file became this photo.
    Stored(u64),
    /// The file replaced that of this photo.
    Replaced(u64),
    Failed,
    /// Nobody knows it any more, whatever became of the file.
    Lost,
}

/// What a poll finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Polled {
    Unknown,
    Pending,
    Complete(u64),
    Failed,
}

impl Ticket {
    /// Ends it as failed, and returns what would have become of it.
    pub(crate) fn fail(&mut self, now: Timestamp) -> Outcome {
        self.pending_polls = 0;
        self.pending_until = now;
        std::mem::replace(&mut self.outcome, Outcome::Failed)
    }

    /// Counts a poll, and returns what it finds.
    pub(crate) fn poll(&mut self, now: Timestamp) -> Polled {
        if now >= self.forgotten {
            return Polled::Unknown;
        }
        if self.pending_polls > 0 || now < self.pending_until {
            self.pending_polls = self.pending_polls.saturating_sub(1);
            return Polled::Pending;
        }
        match self.outcome {
            Outcome::Stored(photo) | Outcome::Replaced(photo) => Polled::Complete(photo),
            Outcome::Failed => Polled::Failed,
            Outcome::Lost => Polled::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_pending_for_its_polls_and_its_time_and_forgotten_in_the_end() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let ticket = |outcome| Ticket { outcome, pending_polls: 1, pending_until: at(10), forgotten: at(30) };
        let mut stored = ticket(Outcome::Stored(7));
        assert_eq!(
            [5, 9, 10, 29, 30].map(|second| stored.poll(at(second))),
            [Polled::Pending, Polled::Pending, Polled::Complete(7), Polled::Complete(7), Polled::Unknown,]
        );
        let mut lost = ticket(Outcome::Lost);
        assert_eq!([15, 16].map(|second| lost.poll(at(second))), [Polled::Pending, Polled::Unknown]);
        let mut failed = ticket(Outcome::Failed);
        assert_eq!([15, 16].map(|second| failed.poll(at(second))), [Polled::Pending, Polled::Failed]);
    }
}

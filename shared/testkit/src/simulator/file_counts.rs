//! What became of the files of a simulation, counted.

use std::ops::Add;

/// What became of files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileCounts {
    /// Jobs accepted that upload.
    pub uploads: u64,
    /// Jobs accepted that replace.
    pub replaces: u64,
    /// Photos that uploads made.
    pub photos: u64,
    /// Jobs completed with a photo that was there before.
    pub duplicates: u64,
    /// Jobs that ended and do not know whether their photo is there.
    pub unknown: u64,
    /// Sends that stopped in the middle, because their lease was lost.
    pub stopped_sends: u64,
    /// Questions for upload tickets.
    pub ticket_questions: u64,
    /// Tickets that these were for.
    pub tickets_asked: u64,
}

impl Add for FileCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            uploads: self.uploads + other.uploads,
            replaces: self.replaces + other.replaces,
            photos: self.photos + other.photos,
            duplicates: self.duplicates + other.duplicates,
            unknown: self.unknown + other.unknown,
            stopped_sends: self.stopped_sends + other.stopped_sends,
            ticket_questions: self.ticket_questions + other.ticket_questions,
            tickets_asked: self.tickets_asked + other.tickets_asked,
        }
    }
}

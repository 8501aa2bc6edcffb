//! How it is found out whether a write of unknown outcome took effect.

use serde::{Deserialize, Serialize};

/// A strategy for finding out whether a write took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// Reads what was written, and compares.
    ReadBack,
    /// Looks for the photo with the machine tag of the job.
    MachineTag,
    /// Looks whether the photo has another file than before.
    PhotoVersion,
}

/// The outcome of one verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// The write took effect.
    Done,
    /// Nothing shows that it did: it may not have, or not yet.
    NotSeen,
}

//! How much one request may take.

use std::time::Duration;

/// How long a request may take, and how much may come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest from the beginning to the end of the answer's head, with connecting and sending.
    pub head: Duration,
    /// The longest from the beginning to the end of the answer's body.
    pub total: Duration,
    /// The longest without a byte of the body.
    pub stall: Duration,
    /// The fewest bytes of the body a second.
    pub min_bytes_per_second: u64,
    /// Over which time of waiting for bytes `min_bytes_per_second` is measured.
    pub pace_window: Duration,
    /// The longest body, in bytes.
    pub max_bytes: u64,
}

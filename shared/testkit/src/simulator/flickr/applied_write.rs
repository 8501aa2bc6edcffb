//! A write that took effect.

use domain::Timestamp;

/// A write that took effect.
#[derive(Debug, Clone)]
pub(crate) struct AppliedWrite {
    /// The marker of its job.
    pub(crate) marker: String,
    /// When it took effect.
    pub(crate) at: Timestamp,
}

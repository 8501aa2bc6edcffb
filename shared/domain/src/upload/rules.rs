//! How a stack sends files.

use std::time::Duration;

use super::DedupCheck;
use crate::timing::VERIFICATION;

/// How a stack sends files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileRules {
    /// What is done with bytes that the account has already, where the job does not say.
    pub dedup_check: DedupCheck,
    /// How long after an upload Flickr's search may not know the photo yet: so long it is looked for.
    pub index_lag: Duration,
    /// How long after an upload Flickr may not tell the same bytes yet: so long a second job with them waits.
    pub dedup_lag: Duration,
}

/// Duplicates are refused; both lags are unknown, and assumed to be 10 minutes at most.
impl Default for FileRules {
    fn default() -> Self {
        Self { dedup_check: DedupCheck::Refuse, index_lag: VERIFICATION, dedup_lag: VERIFICATION }
    }
}

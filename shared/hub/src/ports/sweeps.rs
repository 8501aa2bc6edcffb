//! Other sweeps, to which one hands over what it does not get to.

use serde::{Deserialize, Serialize};

use super::Result;

/// What a sweep is to go through. As JSON it is the event that invokes the sweep: that of the schedule names no shards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepScope {
    /// The shards that another sweep handed over; `None` for all there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<Vec<u8>>,
}

impl SweepScope {
    /// All shards, of which it may hand some over.
    pub const ALL: Self = Self { shards: None };

    /// These shards, of which it hands none over.
    pub const fn of(shards: Vec<u8>) -> Self {
        Self { shards: Some(shards) }
    }
}

/// Other sweeps, to which one hands over what it does not get to.
pub trait Sweeps: Send + Sync {
    /// How many sweeps may work at once, the one that asks included.
    fn at_once(&self) -> usize;

    /// Begins another sweep and does not wait for it. Repeating it begins one more, which does no harm.
    fn begin(&self, scope: &SweepScope) -> impl Future<Output = Result<()>> + Send;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_scope_reads_back_and_any_other_event_means_all() {
        for scope in [SweepScope::ALL, SweepScope::of(vec![]), SweepScope::of(vec![3, 11])] {
            assert_eq!(serde_json::from_value::<SweepScope>(json!(scope)).unwrap(), scope);
        }
        for event in [json!({}), json!({"version": "0", "detail-type": "Scheduled Event", "detail": {}})] {
            assert_eq!(serde_json::from_value::<SweepScope>(event).unwrap(), SweepScope::ALL);
        }
    }
}

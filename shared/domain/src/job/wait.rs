//! Why a job waits, and who wakes it.

use serde::{Deserialize, Serialize};

use crate::{JobId, Timestamp, timing};

/// Why a job waits, with what belongs to it. Prose is made of it where it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// It was asked to run later.
    Schedule,
    /// Its message waits for a worker.
    Worker,
    /// Its app's budget had no call to spare when it was accepted: it waits for its turn.
    Turn,
    /// Its app's budget of calls is spent.
    AppBudget,
    /// Its account's budget of calls is spent.
    AccountBudget,
    /// Flickr refuses calls: the circuit is open.
    Circuit,
    /// The grant to call ran out before the call began.
    GrantExpired,
    /// An attempt failed in a way that may pass.
    BackOff {
        /// What Flickr said, or what became of the call. Free of secrets.
        message: String,
        /// Flickr's own error code, where Flickr gave one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        flickr_code: Option<i64>,
    },
    /// Flickr answered that calls come too fast.
    Throttled {
        /// What Flickr said.
        message: String,
    },
    /// Flickr refuses the app's key.
    AppStopped {
        /// What Flickr said.
        message: String,
    },
    /// Another job asks the same: this one waits for its answer.
    Leader { job: JobId },
    /// Something that FlickrHub depends on did not answer.
    Outage,
    /// A write was sent and its outcome is unknown: it waits for the next verification.
    Verification {
        /// When the verification gives up.
        until: Timestamp,
    },
}

impl WaitReason {
    /// As the API writes it.
    pub const fn name(&self) -> &'static str {
        match self {
            WaitReason::Schedule => "schedule",
            WaitReason::Worker => "worker",
            WaitReason::Turn => "turn",
            WaitReason::AppBudget => "app_budget",
            WaitReason::AccountBudget => "account_budget",
            WaitReason::Circuit => "circuit",
            WaitReason::GrantExpired => "grant_expired",
            WaitReason::BackOff { .. } => "back_off",
            WaitReason::Throttled { .. } => "throttled",
            WaitReason::AppStopped { .. } => "app_stopped",
            WaitReason::Leader { .. } => "leader",
            WaitReason::Outage => "outage",
            WaitReason::Verification { .. } => "verification",
        }
    }

    /// Whether a job that waits for this may stand in its app's fair queue.
    const fn is_for_budget(&self) -> bool {
        matches!(self, WaitReason::Turn | WaitReason::AppBudget | WaitReason::Circuit | WaitReason::AppStopped { .. })
    }
}

/// Who wakes a waiting job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WakeBy {
    /// The queue: the job's message is sent, or about to be.
    Queue,
    /// The sweep, which will send the message.
    Sweep,
    /// The sweep, when the job's turn in its app's fair queue has come.
    Turn,
}

/// A wait: why, and who ends it. Only a job that waits for its app's budget can wait for its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    reason: WaitReason,
    wake_by: WakeBy,
}

impl Waiting {
    /// A wait as it was stored; `None` where reason and waker contradict each other.
    pub fn from_stored(reason: WaitReason, wake_by: WakeBy) -> Option<Self> {
        (wake_by != WakeBy::Turn || reason.is_for_budget()).then_some(Self { reason, wake_by })
    }

    /// A wait until `due_at`: the queue's delay ends it if it reaches so far, else the sweep.
    pub(super) fn until(reason: WaitReason, due_at: Timestamp, now: Timestamp) -> Self {
        let wake_by = if due_at.since(now) <= timing::LONGEST_QUEUE_DELAY { WakeBy::Queue } else { WakeBy::Sweep };
        Self { reason, wake_by }
    }

    /// A wait for a turn in the app's fair queue; a reason that has nothing to do with the budget becomes
    /// [`WaitReason::AppBudget`].
    pub(super) fn for_turn(reason: WaitReason) -> Self {
        let reason = if reason.is_for_budget() { reason } else { WaitReason::AppBudget };
        Self { reason, wake_by: WakeBy::Turn }
    }

    /// Why.
    pub const fn reason(&self) -> &WaitReason {
        &self.reason
    }

    /// Who ends it.
    pub const fn wake_by(&self) -> WakeBy {
        self.wake_by
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_wait_for_the_budget_is_ended_by_a_turn() {
        let budget = [WaitReason::Turn, WaitReason::AppBudget, WaitReason::Circuit];
        let others = [WaitReason::Schedule, WaitReason::Outage, WaitReason::Leader { job: JobId::from_bytes([1; 16]) }];
        for reason in budget {
            assert_eq!(Waiting::from_stored(reason.clone(), WakeBy::Turn), Some(Waiting::for_turn(reason)));
        }
        for reason in others {
            assert_eq!(Waiting::from_stored(reason.clone(), WakeBy::Turn), None);
            assert!(Waiting::from_stored(reason.clone(), WakeBy::Queue).is_some());
            assert_eq!(*Waiting::for_turn(reason).reason(), WaitReason::AppBudget);
        }
    }

    #[test]
    fn a_reason_is_stored_under_the_name_that_the_api_writes() {
        let all = [
            WaitReason::Schedule,
            WaitReason::Worker,
            WaitReason::Turn,
            WaitReason::AppBudget,
            WaitReason::AccountBudget,
            WaitReason::Circuit,
            WaitReason::GrantExpired,
            WaitReason::BackOff { message: "502".to_owned(), flickr_code: Some(105) },
            WaitReason::Throttled { message: "429".to_owned() },
            WaitReason::AppStopped { message: "Invalid API Key".to_owned() },
            WaitReason::Leader { job: JobId::from_bytes([1; 16]) },
            WaitReason::Outage,
            WaitReason::Verification { until: Timestamp::from_milliseconds(1) },
        ];
        for reason in all {
            let stored = serde_json::to_value(&reason).unwrap();
            let name = stored.as_str().or_else(|| stored.as_object()?.keys().next().map(String::as_str)).unwrap();
            assert_eq!(name, reason.name());
            assert_eq!(serde_json::from_value::<WaitReason>(stored).unwrap(), reason);
        }
    }
}

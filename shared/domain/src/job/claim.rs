//! Which jobs a message may claim, as data: [`super::step`] decides by it, and a store that decides in its own
//! conditional write makes its condition of it.

use std::time::Duration;

use super::{
    event::Refusal,
    state::{Activity, Claim, Phase, State},
    wait::WaitReason,
};
use crate::{ClaimId, Timestamp};

/// How far a worker's clock may run behind the one that set a due time.
pub const CLOCK_SKEW: Duration = Duration::from_secs(2);

/// Which jobs a message may claim: those with its fencing number that either wait ([`Phase::WAITING`]) and are due, or
/// run ([`Phase::RUNNING`]) under a lease that ran out, and not with [`Activity::NonIdempotentCall`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimRule {
    /// The fencing number that the job must have.
    pub fencing_number: u32,
    /// A waiting job must be due by then.
    pub due_by: Timestamp,
    /// A running job's lease must have ended by then.
    pub lease_ended_by: Timestamp,
}

impl ClaimRule {
    /// The rule for a message with this fencing number that is received `now`.
    pub fn new(fencing_number: u32, now: Timestamp) -> Self {
        Self { fencing_number, due_by: now + CLOCK_SKEW, lease_ended_by: now }
    }

    /// The hold that `claim` gets on a job in this state, until `lease_until`. `None` when it holds the job already.
    pub(super) fn admit(
        &self,
        state: &State,
        claim: &ClaimId,
        lease_until: Timestamp,
    ) -> Result<Option<Claim>, Refusal> {
        if state.fencing_number != self.fencing_number {
            return Err(Refusal::Stale);
        }
        let (activity, waited_for) = match &state.phase {
            Phase::Running(held) if held.id == *claim => return Ok(None),
            Phase::Running(held) if held.lease_until > self.lease_ended_by => return Err(Refusal::Busy),
            Phase::Running(held) if held.activity == Activity::NonIdempotentCall => return Err(Refusal::InDoubt),
            Phase::Running(held) => (held.activity, &held.waited_for),
            Phase::Waiting(_) if state.due_at > self.due_by => return Err(Refusal::Early),
            Phase::Waiting(waiting) => match waiting.reason() {
                reason @ WaitReason::Verification { until } => (Activity::Verify { until: *until }, reason),
                reason => (Activity::Call, reason),
            },
            Phase::Completed { .. } | Phase::Failed { .. } | Phase::Expired { .. } | Phase::Dead { .. } => {
                return Err(Refusal::Ended);
            }
        };
        Ok(Some(Claim { id: claim.clone(), lease_until, activity, waited_for: waited_for.clone() }))
    }
}

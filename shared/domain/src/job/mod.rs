//! Jobs: one piece of work at Flickr each, accepted once and ended once.
//!
//! [`step`] is the life of a job, as one total function: what follows from an event. Its answer is a [`Transition`],
//! the state before and after with every effect on what is stored of the job elsewhere. Whoever writes a transition
//! translates it and decides nothing.

mod claim;
mod coalescing;
mod dead;
mod event;
mod failure;
mod restore;
mod result;
mod retry;
mod spec;
mod state;
mod step;
mod target;
#[cfg(test)]
mod testing;
mod transition;
mod wait;

pub use claim::{CLOCK_SKEW, ClaimRule};
pub use coalescing::{Decision, Requester, decide};
pub use dead::{DeadJob, dead_list_cursor, dead_list_start, may_replay};
pub use event::{Event, Refusal};
pub use failure::{Failure, FailureCode};
pub use result::{
    Delivery, MAX_ANSWERED_RESULT_BYTES, MAX_INLINE_RESULT_BYTES, MAX_RESULT_BYTES, MAX_SEPARATE_ITEM_BYTES,
    MIN_LINKED_RESULT_BYTES, ResultForm, StoredResult,
};
pub use retry::{Attempt, Next, RetryPolicy, next};
pub use spec::{FileCall, Job, JobSpec, MAX_INLINE_SPEC_BYTES, MAX_META_BYTES, Start, Work};
pub use state::{Activity, Claim, Phase, State};
pub use step::step;
pub use target::{PerTarget, Target, TargetProfile};
pub use transition::{DeadList, Effects, NextCheck, PendingCount, QueueIndex, Transition};
pub use wait::{WaitReason, Waiting, WakeBy};

//! The fair queue of a Flickr app: in which order its jobs run when more are asked for than its budget allows.
//!
//! The order is that of start-time fair queueing (Goyal, Vin, Cheng 1996): each account's jobs of each lane are a flow,
//! and a job's tag is where its flow will be once all jobs before it have run at the flow's weight. Jobs run by their
//! tags, and equal tags in the order they came. So accounts take turns, however many jobs each has; of the lanes, the
//! higher one comes by more often; and as a tag never changes while those of newcomers grow, no job waits for ever.
//!
//! Where tenants share the app, they take turns first, and their accounts within them ([`TenantFlow`]).
//!
//! The virtual time is the tag that is running now. An account that has used less than its turns is behind it: its jobs
//! need not wait in the queue, and draw on the part of the budget that is reserved for them ([`reserved_calls`]).

mod bucket;
mod queue;
mod tags;
mod tenant;

pub use bucket::Bucket;
pub use queue::{Allocation, DispatchedBatch, FairQueue, HORIZON, SWEEP_INTERVAL, reserved_calls};
pub use tags::{Admission, FlowTags, Priority, QueueTicket, Step, next_tag};
pub use tenant::{Slot, TenantFlow, TenantMark};

#[cfg(test)]
mod tests;

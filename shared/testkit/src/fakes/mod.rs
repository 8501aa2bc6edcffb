//! Fakes of the ports: one [`World`] that implements them all, in memory, one file a port.
//!
//! A fake translates and decides nothing: of a [`domain::job::Transition`] it writes the state and the effects that it
//! carries, and where a port leaves a decision to the store, the fake asks the domain's own function. Each file holds
//! its part of the contents as a type with pure operations, the port's implementation, and what tests may ask about it.

mod accounts;
mod apps;
mod audit_log;
mod budgets;
mod dead_jobs;
mod fair_queue;
mod former_records;
mod health;
mod history;
mod holds;
mod job_counts;
mod job_history;
mod job_items;
mod jobs;
mod key_uses;
mod keys;
mod logins;
mod messages;
mod nonces;
mod open_jobs;
mod pending_jobs;
mod requests;
mod response_cache;
mod results;
mod sealed_records;
mod secrets;
mod signing_secrets;
mod stored_bytes;
mod stores;
mod sweeps;
mod system;
mod tenants;
mod throughput;
mod upload_tickets;
mod uploads;
mod waiting_jobs;
mod world;

pub use history::{History, OpenedCircuit};
pub use messages::QueuedMessage;
pub use throughput::KeyUnits;
pub use world::World;

//! Dead jobs, in process.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a failed step fails its test")]

mod events;
mod hostile;
mod messages;
mod routes;
mod scene;

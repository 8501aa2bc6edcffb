//! The dead-letter desk, in process.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

mod desk;
mod events;
mod letters;
mod scene;

//! The client against servers on this machine.

#![expect(clippy::unwrap_used, reason = "a test fails where something it needs is missing")]

mod addresses;
mod answers;
mod dependencies;
mod limits;
mod requests;
mod world;

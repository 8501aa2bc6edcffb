//! The use cases over the fakes.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a failed step fails its test")]

mod cache;
mod connect;
mod line;
mod secrets;
mod submit;
mod worker;

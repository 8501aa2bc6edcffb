//! The client against small servers on this machine: what it sends, and what it makes of all that can happen to a
//! request.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the tests' helpers are tests, too")]

mod file_failures;
mod file_reads;
mod file_requests;
mod file_world;
mod logging;
mod login;
mod requests;
mod transport;
mod verification;
mod world;

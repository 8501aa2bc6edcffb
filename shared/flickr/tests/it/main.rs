//! The client against small servers on this machine: what it sends, and how it takes what can
//! happen to a request.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the tests' helpers are tests, too")]

mod checks;
mod logging;
mod login;
mod requests;
mod transport;
mod world;

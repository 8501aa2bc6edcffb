//! The HTTP edge over the fakes, in process.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

mod audit;
mod cors;
mod headers;
mod signature;

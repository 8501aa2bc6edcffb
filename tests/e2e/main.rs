//! The product, deployed from its template, driven over HTTP, with the fake Flickr behind.
//!
//! These tests need a stack, whose addresses they read from the environment: `make test` starts one
//! and runs them. They share it, so each makes the accounts that it needs, and those that submit jobs
//! begin with `stack::shared_stack` or, if they kill workers, with `stack::exclusive_stack`.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed step fails its test, and the stack is named by the environment"
)]

mod app_stop;
mod audit;
mod cache;
mod contracts;
mod cors;
mod crash;
mod doctor;
mod edge;
mod emulator;
mod engine;
mod fair_queue;
mod hash_secret;
mod hostile;
mod interop;
mod jobs;
mod keys;
mod lifetimes;
mod logins;
mod lost_answers;
mod matrix;
mod migration;
mod multipart;
mod operator;
mod price;
mod random;
mod recorder;
mod restore;
mod rewrap;
mod secrets;
mod signing;
mod stack;
mod tenant_usage;
mod token_import;
mod uploads;

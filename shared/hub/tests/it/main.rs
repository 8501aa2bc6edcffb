//! The use cases over the fakes.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a failed step fails its test")]

mod after_restore;
mod app_stop;
mod connect;
mod dead_jobs;
mod fair_queue;
mod files;
mod key_rotation;
mod parts;
mod response_cache;
mod run;
mod secrets;
mod signing;
mod submit;
mod tenants;
mod transition;
mod uploads;

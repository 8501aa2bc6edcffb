//! The use cases over the fakes.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a failed step fails its test")]

mod after_restore;
mod app_stop;
mod connect;
mod dead_jobs;
mod fair_queue;
mod files;
mod key_rotation;
mod migration;
mod parts;
mod response_cache;
mod rewrap;
mod run;
mod secrets;
mod signing;
mod submit;
mod tenant_usage;
mod tenants;
mod token_import;
mod transition;
mod uploads;

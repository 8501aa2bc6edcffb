#![doc = include_str!("../README.md")]

pub mod accounts;
pub mod after_restore;
pub mod budget;
pub mod connect;
pub mod credentials;
pub mod dead_jobs;
mod error;
pub mod fair_queue;
pub mod hash_secret;
pub mod job_history;
mod job_quota;
pub mod key_rotation;
pub mod keyed_hash;
pub mod limits;
pub mod message;
pub mod migration;
pub mod operator_mode;
pub mod page;
mod pending_jobs;
pub mod ports;
pub mod read;
pub mod response_cache;
pub mod rewrap;
pub mod run;
pub mod signing;
mod stored_bytes;
pub mod submit;
pub mod sweep;
pub mod tenants;
pub mod token_import;
pub mod transition;
pub mod uploads;
pub mod usage;
pub mod vaults;

pub use error::{Error, Kind, chain};

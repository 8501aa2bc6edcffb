#![doc = include_str!("../README.md")]

mod accounts;
#[cfg(test)]
mod answering;
mod apps;
mod bucket;
mod budgets;
mod cloud;
mod config;
mod dead_jobs;
mod error;
mod fair_queue;
mod health;
mod item;
mod jobs;
mod kms;
pub mod logging;
mod logins;
mod machine;
mod memory;
mod messages;
mod pending_jobs;
mod queues;
mod response_cache;
mod restored_table;
mod results;
mod sdk_headers;
mod secrets;
pub mod settings;
mod several;
mod start;
mod sweeps;
mod system;
mod table;
mod tenants;
mod transaction;
mod trust;
mod warm_up;

pub use cloud::Cloud;
pub use config::{Error as ConfigError, http_client, http_connector, sdk_config};
pub use kms::{CachedKmsKey, vaults};
pub use restored_table::RestoredTable;
pub use secrets::{hash_secret, keyed_hash, set_hash_secret};
pub use settings::{Settings, SettingsError};
pub use start::{Aws, StartError};
pub use sweeps::SweepInvocations;
pub use system::Machine;

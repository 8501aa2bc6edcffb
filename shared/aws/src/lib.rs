#![doc = include_str!("../README.md")]

mod budget;
mod cache;
mod cloud;
mod config;
mod error;
mod item;
mod jobs_table;
mod kms;
mod known;
mod line;
pub mod logging;
mod probe;
mod queue;
mod results_bucket;
mod runtime_table;
mod secrets;
pub mod settings;
mod several;
mod system;
mod trust;
mod vault_table;
mod warm_up;

pub use cloud::Cloud;
pub use config::sdk_config;
pub use kms::{KmsKey, vaults};
pub use secrets::keyed_hash;
pub use settings::Settings;

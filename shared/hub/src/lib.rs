#![doc = include_str!("../README.md")]

pub mod accounts;
pub mod budget;
pub mod cache;
pub mod connect;
pub mod credentials;
pub mod dead;
pub mod dispatch;
mod error;
pub mod keyed_hash;
pub mod line;
pub mod ports;
pub mod read;
pub mod submit;
pub mod sweep;
pub mod tenants;
pub mod usage;
pub mod vaults;
pub mod worker;

pub use error::{Error, Kind, chain};

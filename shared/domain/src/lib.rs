#![doc = include_str!("../README.md")]

pub mod account;
pub mod budget;
pub mod cache;
pub mod call;
pub mod id;
pub mod idempotency;
pub mod job;
pub mod line;
pub mod login;
pub mod outcome;
pub mod time;
pub mod timing;

pub use id::{AppId, ClaimId, JobId, TenantId, TraceId, UserId};
pub use time::{Day, Timestamp};

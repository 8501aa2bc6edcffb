#![doc = include_str!("../README.md")]

pub mod account;
pub mod api_key;
mod base32;
pub mod budget;
pub mod cache;
pub mod call;
pub mod catalogue;
pub mod egress;
pub mod fair_queue;
mod hex;
pub mod id;
pub mod idempotency;
mod jitter;
pub mod job;
pub mod json;
pub mod login;
pub mod name;
pub mod outcome;
mod refs;
pub mod tenant;
pub mod time;
pub mod timing;
pub mod upload;
pub mod verification;

pub use id::{AppId, ClaimId, JobId, KeyId, SigningKeyId, TenantId, TraceId, UploadId, UserId, is_id};
pub use jitter::Jitter;
pub use refs::{AccountRef, JobRef};
pub use time::{Day, Timestamp};

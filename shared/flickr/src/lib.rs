#![doc = include_str!("../README.md")]

pub mod answer;
mod catalogue;
mod client;
mod file_body;
mod file_reads;
mod hosts;
mod multipart;
pub mod oauth;
mod read_back;
mod request_outcome;
mod scalar;
pub mod token_check;
pub mod token_reply;
mod transport;

pub use catalogue::CATALOGUE;
pub use client::{Client, Deadlines};
pub use file_body::FileTimeouts;
pub use hosts::{Hosts, InvalidBase};
pub use request_outcome::{Body, FileOutcome, MAX_BODY_BYTES, Reply, RequestOutcome};
pub use transport::Error;

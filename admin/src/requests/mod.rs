//! Requests that the command sends by itself, without an SDK.

pub mod aws;
pub mod http;

//! The fake Flickr as its clients see it.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod client;
mod control;
mod faults;
mod fixture;
mod limit;
mod login;
mod photos;
mod process;
mod rest;
mod server;
mod signing;
mod upload;

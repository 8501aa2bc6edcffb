#![doc = include_str!("../README.md")]

pub mod answer;
mod catalogue;
mod check;
mod client;
mod hosts;
pub mod oauth;
pub mod token_reply;
mod transport;

pub use catalogue::{Catalogue, Method, Verb};
pub use client::{Client, Deadlines};
pub use hosts::{Hosts, InvalidBase};
pub use transport::{Error, MAX_BODY_BYTES};

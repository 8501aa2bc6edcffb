#![doc = include_str!("../README.md")]

pub mod build;
pub mod contract;
mod fake_flickr;
pub mod http_client;
mod world;

pub use fake_flickr::ScriptedFlickr;
pub use world::{Call, Fault, Moment, QueuedMessage, World};

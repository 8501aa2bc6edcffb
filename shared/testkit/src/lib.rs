#![doc = include_str!("../README.md")]

pub mod build;
pub mod contract;
mod fake_flickr;
pub mod http_client;
pub mod simulator;
mod world;

pub use fake_flickr::ScriptedFlickr;
pub use world::{Breach, Call, Chronicle, Fault, Meeting, Moment, QueuedMessage, Weather, World};

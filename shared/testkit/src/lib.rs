#![doc = include_str!("../README.md")]

pub mod build;
pub mod contract;
mod fake_flickr;
mod world;

pub use fake_flickr::ScriptedFlickr;
pub use world::{Call, Fault, Moment, QueuedMessage, World};

#![doc = include_str!("../README.md")]

pub mod build;
mod call;
pub mod contract;
pub mod crowd;
mod fakes;
mod faults;
pub mod http_client;
pub mod many_apps;
mod mutation;
mod random;
mod scene;
mod scripted_flickr;
pub mod simulator;
mod woken;

pub use call::Call;
pub use fakes::{History, OpenedCircuit, QueuedMessage, World};
pub use faults::{Fault, FaultPlan, FaultPoint, Injection};
pub use mutation::Mutation;
pub use scene::Scene;
pub use scripted_flickr::{CATALOGUE, ScriptedFlickr, SentFile};

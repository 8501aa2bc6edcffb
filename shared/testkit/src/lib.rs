#![doc = include_str!("../README.md")]

pub mod build;
mod call;
pub mod contract;
pub mod crowd;
mod fakes;
mod faults;
mod file_script;
pub mod http_client;
pub mod many_apps;
mod mutation;
pub mod openapi;
mod random;
mod scene;
mod scripted_files;
mod scripted_flickr;
mod scripted_sources;
mod signer;
pub mod simulator;
mod woken;

pub use call::Call;
pub use fakes::{History, KeyUnits, OpenedCircuit, QueuedMessage, World};
pub use faults::{Fault, FaultPlan, FaultPoint, Injection};
pub use file_script::SentFile;
pub use mutation::Mutation;
pub use scene::Scene;
pub use scripted_flickr::{CATALOGUE, ScriptedFlickr};
pub use scripted_sources::ScriptedSources;
pub use signer::{Headers, Signer, Unsigned};
pub use woken::run_by_itself;

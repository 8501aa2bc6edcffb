#![doc = include_str!("../README.md")]

mod client;
mod download;
mod error;
mod guard;
mod limits;
mod network;
mod pace;

pub use client::{Answer, Client};
pub use download::Download;
pub use error::{Error, Step};
pub use limits::Limits;
pub use network::{Network, NotBuilt};

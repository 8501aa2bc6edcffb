#![doc = include_str!("../README.md")]

mod answer;
mod catalogue;
mod clock;
mod config;
mod control;
mod delivery;
mod edge;
mod envelope;
mod execute;
mod faults;
mod gate;
mod handler;
mod ids;
mod inject;
mod journal;
mod limit;
mod oauth;
mod params;
mod perms;
mod request;
mod rest;
mod router;
pub mod server;
mod state;
mod upload;
mod world;

use std::sync::Arc;

use axum::{Router, middleware};

use crate::gate::Gate;
pub use crate::oauth::signature;
pub use crate::request::Scheme;
use crate::state::ServerState;
use crate::world::World;
pub use crate::world::app::App;

/// One fake Flickr. Its clones share one state.
#[derive(Clone)]
pub struct Fake {
    state: ServerState,
    gate: Arc<Gate>,
}

impl Fake {
    /// Creates a fake Flickr with `app` and a default user, which clients reach by `scheme` and the names of this machine
    /// or `hosts`.
    #[must_use]
    pub fn new(app: App, scheme: Scheme, hosts: Vec<String>) -> Self {
        Self { state: ServerState::new(World::new(app), scheme), gate: Arc::new(Gate { scheme, hosts }) }
    }

    /// Returns all routes: Flickr's own and the control API, behind the gate.
    pub fn router(&self) -> Router {
        let gate = middleware::from_fn_with_state(Arc::clone(&self.gate), gate::ask);
        router::router().layer(gate).with_state(self.state.clone())
    }
}

#![doc = include_str!("../README.md")]

mod answer;
mod catalogue;
mod clock;
mod config;
mod control;
mod envelope;
mod faults;
mod handler;
mod ids;
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

use axum::Router;

pub use crate::oauth::signature;
pub use crate::request::Scheme;
use crate::state::ServerState;
use crate::world::World;
pub use crate::world::app::App;

/// One fake Flickr. Its clones share one state.
#[derive(Clone)]
pub struct Fake {
    state: ServerState,
}

impl Fake {
    /// Creates a fake Flickr with `app` and a default user, which clients reach by `scheme`.
    #[must_use]
    pub fn new(app: App, scheme: Scheme) -> Self {
        Self { state: ServerState::new(World::new(app), scheme) }
    }

    /// Returns all routes: Flickr's own and the control API.
    pub fn router(&self) -> Router {
        router::router().with_state(self.state.clone())
    }
}

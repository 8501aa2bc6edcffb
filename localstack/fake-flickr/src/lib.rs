#![doc = include_str!("../README.md")]

mod answer;
mod catalogue;
mod clock;
mod config;
mod control;
mod envelope;
mod faults;
mod ids;
mod incoming;
mod journal;
mod limit;
mod oauth;
mod params;
mod perms;
mod play;
mod rest;
mod router;
pub mod server;
mod upload;
mod world;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;

pub use crate::incoming::Scheme;
pub use crate::oauth::signature;
pub use crate::world::App;
use crate::world::World;

/// One fake Flickr. Its clones share all it knows.
#[derive(Clone)]
pub struct Fake {
    world: Arc<Mutex<World>>,
    scheme: Scheme,
}

impl Fake {
    /// A fake Flickr that knows `app` and a default user. `scheme` is what its clients reach it by.
    #[must_use]
    pub fn new(app: App, scheme: Scheme) -> Self {
        Self { world: Arc::new(Mutex::new(World::new(app))), scheme }
    }

    /// All its routes, Flickr's own and the control API.
    pub fn router(&self) -> Router {
        router::router().with_state(self.clone())
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

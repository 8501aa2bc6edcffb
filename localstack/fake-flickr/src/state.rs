//! What all requests share: the world behind its one lock, and the scheme clients reach the server by.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::request::Scheme;
use crate::world::World;

#[derive(Clone)]
pub(crate) struct ServerState {
    world: Arc<Mutex<World>>,
    pub scheme: Scheme,
}

impl ServerState {
    pub(crate) fn new(world: World, scheme: Scheme) -> Self {
        Self { world: Arc::new(Mutex::new(world)), scheme }
    }

    /// Locks the world. A panic in one request leaves the world to the next ones, so a poisoned lock is taken as well.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Whether the things a function depends on answer.

use hub::ports::Health;

use super::world::World;
use crate::call::Call;

impl Health for World {
    async fn probe(&self) -> Vec<(&'static str, bool)> {
        vec![("world", self.call(Call::Probe, |_, _| ()).await.is_ok())]
    }
}

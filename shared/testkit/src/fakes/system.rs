//! Time and randomness.

use domain::Timestamp;
use hub::ports::{Clock, Entropy};

use super::world::World;

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.time()
    }
}

impl Entropy for World {
    fn random(&self) -> [u8; 16] {
        self.bits()
    }
}

//! The ports of time and randomness.

use domain::Timestamp;
use hub::ports::{Clock, Entropy};

use crate::{Cloud, machine};

impl Clock for Cloud {
    fn now(&self) -> Timestamp {
        machine::now()
    }
}

impl Entropy for Cloud {
    fn random(&self) -> [u8; 16] {
        machine::random()
    }
}

//! The ports of time and randomness.

use domain::Timestamp;
use hub::ports::{Clock, Entropy};

use crate::{Cloud, machine};

/// This machine, for who needs nothing else of the ports.
#[derive(Debug, Clone, Copy, Default)]
pub struct Machine;

impl Clock for Machine {
    fn now(&self) -> Timestamp {
        machine::now()
    }
}

impl Entropy for Machine {
    fn random(&self) -> [u8; 16] {
        machine::random()
    }
}

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

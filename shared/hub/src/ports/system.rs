//! Time and randomness.

use domain::{Jitter, Timestamp};

/// The time.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// Randomness fit for secrets.
pub trait Entropy: Send + Sync {
    /// 128 fresh random bits.
    fn random(&self) -> [u8; 16];

    /// Fresh jitter.
    fn jitter(&self) -> Jitter {
        let [a, b, c, d, ..] = self.random();
        Jitter::from_bits(u32::from_be_bytes([a, b, c, d]))
    }
}

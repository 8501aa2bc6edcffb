//! Jitter: what spreads those who would else come back together.

use std::time::Duration;

/// A random number, evenly spread from 0 up to but not including 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jitter(f64);

impl Jitter {
    /// No jitter at all.
    pub const NONE: Jitter = Jitter(0.0);

    /// The number made of 32 random bits.
    pub fn from_bits(bits: u32) -> Self {
        Self(f64::from(bits) / (f64::from(u32::MAX) + 1.0))
    }

    /// This part of `length`.
    pub fn of(self, length: Duration) -> Duration {
        length.mul_f64(self.0)
    }
}

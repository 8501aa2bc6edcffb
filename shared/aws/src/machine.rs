//! Time and randomness of this machine.

use std::time::UNIX_EPOCH;

use domain::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};

/// The time of this machine's clock.
#[expect(clippy::disallowed_methods, reason = "the adapter behind the Clock port")]
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_milliseconds(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// 128 fresh random bits.
///
/// # Panics
/// When the operating system has no randomness: nothing may go on without.
#[expect(clippy::expect_used, reason = "without randomness ids and nonces would repeat")]
pub(crate) fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

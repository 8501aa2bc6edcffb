//! The nonces of past requests, remembered as long as a replayed request could still carry a valid timestamp.

use std::collections::{HashSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

#[derive(Default)]
pub(crate) struct Nonces {
    seen: HashSet<String>,
    order: VecDeque<(Timestamp, String)>,
}

impl Nonces {
    /// Remembers `nonce`, and returns whether it is new. `window` is how far a timestamp may lie from the clock.
    pub(crate) fn insert(&mut self, nonce: String, window: SignedDuration, now: Timestamp) -> bool {
        // A timestamp may lie one window ahead of the clock, and stays valid until one window behind it.
        while let Some((_, old)) = self.order.pop_front_if(|(at, _)| now.duration_since(*at) > window * 2) {
            self.seen.remove(&old);
        }
        let new = self.seen.insert(nonce.clone());
        if new {
            self.order.push_back((now, nonce));
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_refused_until_its_timestamp_is_invalid() {
        let window = SignedDuration::from_mins(30);
        let at = |minutes: i64| Timestamp::from_second(1_700_000_000 + minutes * 60).unwrap();
        let mut nonces = Nonces::default();
        assert!(nonces.insert("a".into(), window, at(0)));
        assert!(!nonces.insert("a".into(), window, at(60)));
        assert!(nonces.insert("b".into(), window, at(60)));
        assert!(nonces.insert("a".into(), window, at(61)));
    }
}

//! Flickr's hourly limit of calls for each API key, over a rolling window.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

#[derive(Default)]
pub(crate) struct Limiter {
    admitted: HashMap<String, VecDeque<Timestamp>>,
}

impl Limiter {
    /// Admits a call of `key` if fewer than `limit` were admitted in the last hour. A refused call does not count.
    pub(crate) fn admit(&mut self, key: &str, limit: u32, now: Timestamp) -> bool {
        let calls = self.admitted.entry(key.to_owned()).or_default();
        while calls.front().is_some_and(|first| now.duration_since(*first) >= HOUR) {
            calls.pop_front();
        }
        let admitted = calls.len() < limit as usize;
        if admitted {
            calls.push_back(now);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    #[test]
    fn each_key_has_its_own_rolling_hour() {
        let mut limiter = Limiter::default();
        assert!(limiter.admit("a", 2, at(0)));
        assert!(limiter.admit("a", 2, at(1800)));
        assert!(!limiter.admit("a", 2, at(3599)));
        assert!(limiter.admit("b", 2, at(3599)));
        assert!(limiter.admit("a", 2, at(3600)));
        assert!(!limiter.admit("a", 2, at(3601)));
    }

    proptest! {
        #[test]
        fn no_rolling_hour_holds_more_than_the_limit(
            limit in 1_u32..20,
            gaps in prop::collection::vec(0_i64..900, 1..200),
        ) {
            let mut limiter = Limiter::default();
            let mut clock = 0;
            let mut admitted = Vec::new();
            for gap in gaps {
                clock += gap;
                if limiter.admit("key", limit, at(clock)) {
                    admitted.push(clock);
                }
            }
            for (index, start) in admitted.iter().enumerate() {
                let within = admitted[index..].iter().take_while(|later| *later - start < 3600).count();
                prop_assert!(within <= limit as usize);
            }
        }
    }
}

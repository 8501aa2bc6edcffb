//! Time and randomness.

use std::{collections::BTreeSet, time::Duration};

use hub::ports::{Clock, Entropy};

/// The time is that of this decade and does not stand far off; random bits do not come twice, and jitter is spread.
pub async fn system(ports: &(impl Clock + Entropy)) {
    let (earlier, later) = (ports.now(), ports.now());
    assert!(later.since(earlier) < Duration::from_secs(60) && earlier.since(later) < Duration::from_secs(60));
    assert!(earlier.to_string().starts_with("20"), "{earlier}");

    let bits: BTreeSet<[u8; 16]> = (0..1_000).map(|_| ports.random()).collect();
    assert_eq!(bits.len(), 1_000);
    let second = Duration::from_secs(1);
    let jitter: Vec<Duration> = (0..1_000).map(|_| ports.jitter().of(second)).collect();
    assert!(jitter.iter().all(|length| *length <= second));
    for part in 0..4 {
        let (from, until) = (second * part / 4, second * (part + 1) / 4);
        let within = jitter.iter().filter(|length| (from..until).contains(length)).count();
        assert!(within > 150, "{within} of 1,000 in quarter {part}");
    }
}

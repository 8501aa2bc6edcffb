//! Other sweeps.

use hub::ports::{SweepScope, Sweeps};

/// Beginning a sweep: it is not waited for, and the same may be begun twice. These have nothing to go through.
pub async fn sweeps(ports: &impl Sweeps) {
    assert!(ports.at_once() >= 1);
    for _ in 0..2 {
        ports.begin(&SweepScope::of(vec![])).await.unwrap();
    }
}

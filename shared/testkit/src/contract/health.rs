//! Whether the things a function depends on answer.

use std::collections::BTreeSet;

use hub::ports::Health;

/// Probing: each dependency is named once, and answers.
pub async fn health(ports: &impl Health) {
    let probed = ports.probe().await;
    let names: BTreeSet<&str> = probed.iter().map(|(name, _)| *name).collect();
    assert!(!names.is_empty() && names.len() == probed.len(), "{probed:?}");
    assert!(probed.iter().all(|(_, answers)| *answers), "{probed:?}");
}

//! Hands over shards to other sweeps.

use crate::{
    chain,
    ports::{SweepScope, Sweeps},
};

/// Deals out the shards that are `left` to as many sweeps as may work at once; the first share is this sweep's own. What
/// cannot be handed over is its own, too.
pub(super) async fn hand_over(others: &impl Sweeps, left: &[u8]) -> Vec<u8> {
    let sweeps = others.at_once().clamp(1, left.len().max(1));
    let share = |number: usize| left.iter().skip(number).step_by(sweeps).copied().collect::<Vec<u8>>();
    let mut own = share(0);
    for number in 1..sweeps {
        let scope = SweepScope::of(share(number));
        if let Err(error) = others.begin(&scope).await {
            tracing::error!(error = chain(&error), shards = ?scope.shards, "shards could not be handed over");
            own.extend(scope.shards.into_iter().flatten());
        }
    }
    own
}

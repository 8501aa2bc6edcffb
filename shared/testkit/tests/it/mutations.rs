//! A contract notices when a fake breaks a rule.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;
use testkit::{Mutation, World, build::NOW, contract};

/// A suite over a world.
type Suite = fn(&World);

/// Runs a suite: the fakes answer at once.
macro_rules! suite {
    ($name:ident) => {
        |world| contract::$name(world).now_or_never().unwrap()
    };
}

#[test]
fn every_rule_that_a_fake_breaks_on_purpose_is_noticed_by_its_contract() {
    let table: [(Mutation, Suite); 11] = [
        (Mutation::ClaimWithoutLease, suite!(claims)),
        (Mutation::FencingNotCompared, suite!(claims)),
        (Mutation::RevisionNotCompared, suite!(revisions)),
        (Mutation::RevisionNotCompared, suite!(resends)),
        (Mutation::KeyIgnored, suite!(insertion)),
        (Mutation::CircuitIgnored, suite!(budgets)),
        (Mutation::NothingInvalidated, suite!(invalidation)),
        (Mutation::AnswersOfAnyone, suite!(cache_entries)),
        (Mutation::SameBytesAtOnce, suite!(upload_locks)),
        (Mutation::SamePhotoAtOnce, suite!(photo_locks)),
        (Mutation::SendingNotMarked, suite!(claims)),
    ];
    for (mutation, suite) in table {
        let world = World::new(NOW, 1);
        suite(&world);
        world.set_mutation(mutation);
        let noticed = catch_unwind(AssertUnwindSafe(|| suite(&world))).is_err();
        assert!(noticed, "{mutation:?} keeps the contract");
    }
}

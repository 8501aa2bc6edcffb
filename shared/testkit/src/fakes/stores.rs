//! What all stores hold: each port's file has a type of its own for its part, and nobody else knows all of them.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
};

use hub::ports::Shards;

use crate::mutation::Mutation;

/// What all stores hold, by part.
#[derive(Default)]
pub(super) struct Stores {
    parts: HashMap<TypeId, Box<dyn Any + Send>>,
    /// The rule that is broken on purpose.
    pub(super) mutation: Option<Mutation>,
    /// The shards of the lists.
    pub(super) shards: Shards,
}

impl Stores {
    /// The part of this type, empty at first.
    #[expect(clippy::expect_used, reason = "a part lies under its own type")]
    pub(super) fn part<T: Default + Send + 'static>(&mut self) -> &mut T {
        let part = self.parts.entry(TypeId::of::<T>()).or_insert_with(|| Box::<T>::default());
        part.downcast_mut().expect("a part lies under its own type")
    }

    /// Whether this rule is broken on purpose.
    pub(super) fn breaks(&self, rule: Mutation) -> bool {
        self.mutation == Some(rule)
    }
}

//! Other sweeps: they are noted, for whoever runs them.

use hub::ports::{Result, SweepScope, Sweeps};

use super::world::World;
use crate::call::Call;

/// The sweeps that were begun, and how many may work at once.
#[derive(Default)]
struct BegunSweeps {
    begun: Vec<SweepScope>,
    at_once: usize,
}

impl World {
    /// Has so many sweeps work at once; one by default, which hands nothing over.
    pub fn set_sweeps_at_once(&self, sweeps: usize) {
        self.stores(|stores, _| stores.part::<BegunSweeps>().at_once = sweeps);
    }

    /// Takes the sweeps that others began, to be run.
    pub fn take_begun_sweeps(&self) -> Vec<SweepScope> {
        self.stores(|stores, _| std::mem::take(&mut stores.part::<BegunSweeps>().begun))
    }
}

impl Sweeps for World {
    fn at_once(&self) -> usize {
        self.stores(|stores, _| stores.part::<BegunSweeps>().at_once.max(1))
    }

    async fn begin(&self, scope: &SweepScope) -> Result<()> {
        self.call(Call::BeginSweep, |stores, _| stores.part::<BegunSweeps>().begun.push(scope.clone())).await
    }
}

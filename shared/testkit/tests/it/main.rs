//! The fakes keep the ports' contracts; the simulator's promises and numbers are held.

mod cache;
mod crowd;
mod fair_queue;
mod mutations;
mod simulation;

use testkit::{World, build::NOW, contract};

contract::suites!(World::new(NOW, 1));

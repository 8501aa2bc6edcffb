//! What comes by from time to time: the sweep, and an operator who replays what is dead.

use std::time::Duration;

use domain::Timestamp;
use hub::{
    dead_jobs,
    ports::{Clock, SweepScope},
    sweep,
};

use super::{agenda::Happening, clients::REQUEST_TIMEOUT, simulation::Simulation};
use crate::{build::NOW, mutation::Mutation, simulator::flickr::marker_of};

/// How long AWS Lambda lets the sweep run.
const SWEEP_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the sweep works before it leaves the rest to the next one.
const SWEEP_TIME: Duration = Duration::from_secs(50);

/// How often the operator replays.
const REPLAY_INTERVAL: Duration = Duration::from_secs(1200);

/// Plans the first of all that comes by from time to time.
pub(super) fn begin(simulation: &mut Simulation) {
    if simulation.profile.mutation != Some(Mutation::NoSweep) {
        plan_sweep(simulation);
    }
    if simulation.profile.replays {
        simulation.plan_in(simulation.profile.span, Happening::Replay);
    }
}

/// The scheduler invokes the sweep at the beginning of each minute, or a little later.
fn plan_sweep(simulation: &mut Simulation) {
    let minute = simulation.now().as_milliseconds().div_euclid(60_000) + 1;
    let at = Timestamp::from_milliseconds(minute * 60_000) + simulation.noise_delay(2_000);
    simulation.agenda.plan(at, Happening::Sweep);
}

/// The sweep runs, now and then twice at once.
pub(super) fn sweep(simulation: &mut Simulation) {
    let times = if simulation.noise_per_mille(100) { 2 } else { 1 };
    for _ in 0..times {
        begin_sweep(simulation, SweepScope::ALL);
    }
    plan_sweep(simulation);
}

/// A sweep that another handed shards over to runs, now and then twice at once.
pub(super) fn take_over(simulation: &mut Simulation, scope: &SweepScope) {
    let times = if simulation.noise_per_mille(100) { 2 } else { 1 };
    for _ in 0..times {
        begin_sweep(simulation, scope.clone());
    }
}

fn begin_sweep(simulation: &mut Simulation, scope: SweepScope) {
    let (ports, limits) = (simulation.with_skewed_clock(), simulation.environment.limits());
    let task = async move {
        let stop_at = ports.now() + SWEEP_TIME;
        // What failed is done by the next one.
        let _ = sweep::run(&ports, &ports, &limits, &scope, stop_at).await;
    };
    simulation.start(task, SWEEP_TIMEOUT);
}

/// The operator replays the dead jobs of every tenant; what is in doubt by force, three times in ten.
pub(super) fn replay(simulation: &mut Simulation) {
    let principals: Vec<_> = simulation.environment.principals().cloned().collect();
    for principal in principals {
        let ports = simulation.with_skewed_clock();
        let force = simulation.random.per_mille(300);
        let inbox = simulation.inbox.clone();
        let task = async move {
            let Ok(page) = dead_jobs::list(&ports, &principal, None).await else { return };
            for job in page.items {
                if force && let Some(job) = ports.jobs().into_iter().find(|stored| stored.id == job.id) {
                    inbox.force(marker_of(&job.spec.work));
                }
                // What failed is replayed the next time.
                let _ = dead_jobs::replay(&ports, &principal, &job.id, force).await;
            }
        };
        simulation.start(task, REQUEST_TIMEOUT);
    }
    if simulation.now() < NOW + simulation.profile.span * 2 {
        simulation.plan_in(REPLAY_INTERVAL, Happening::Replay);
    }
}

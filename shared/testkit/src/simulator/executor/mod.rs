//! Runs a workload with the real use cases over the fakes, in virtual time, on one thread.
//!
//! A simulation is an agenda of things to happen, each at its time: callers ask for jobs, the queue delivers, tasks go
//! on after a wait, the sweep comes by, an operator replays. Between any two calls of ports that one task makes, others
//! may run; at each call a task may wait, fail or crash, before its effect or after it.

mod agenda;
mod clients;
mod environment;
mod files;
mod inbox;
mod queue;
mod routines;
mod simulation;

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use domain::{AccountRef, JobId, UploadId, timing::JOB_DEADLINE};

pub use queue::MAX_RECEIVES;

use self::{agenda::Happening, clients::Clients, inbox::Reported, queue::Queue, simulation::Simulation};
use super::{
    asked_file::AskedFile,
    oracles::{FinalState, file_counts, judge},
    profile::Profile,
    report::{Report, was_answered_by_another},
    workload::{Ask, Workload},
};
use crate::build::NOW;

/// Runs the simulation that a seed and a profile describe: always the same.
pub fn run(seed: u64, profile: &Profile) -> Report {
    let mut executor = Executor::new(seed, profile);
    executor.run();
    executor.report()
}

/// What the file of an ask has, by its upload.
fn file_of((number, ask): (u32, &Ask)) -> Option<(UploadId, Bytes)> {
    ask.file.as_ref().map(|file| (AskedFile::upload_id(number), file.bytes()))
}

struct Executor {
    simulation: Simulation,
    clients: Clients,
    queue: Queue,
    forced: BTreeSet<String>,
    orphaned: Vec<JobId>,
    undercounted: BTreeSet<AccountRef>,
}

impl Executor {
    fn new(seed: u64, profile: &Profile) -> Self {
        let mut simulation = Simulation::new(seed, profile);
        let clients = Clients::new(Workload::new(seed, profile));
        clients.begin(&mut simulation);
        routines::begin(&mut simulation);
        Self {
            simulation,
            clients,
            queue: Queue::default(),
            forced: BTreeSet::new(),
            orphaned: Vec::new(),
            undercounted: BTreeSet::new(),
        }
    }

    fn run(&mut self) {
        let end = NOW + self.simulation.profile.span + JOB_DEADLINE * 3;
        while let Some((at, happening)) = self.simulation.agenda.next(self.simulation.now()) {
            if at > end {
                break;
            }
            self.simulation.environment.world.set_now(at);
            self.happen(happening);
            self.queue.receive_waiting(&mut self.simulation);
            self.collect();
            if self.is_over() {
                break;
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        let simulation = &mut self.simulation;
        match happening {
            Happening::Resume(task) => simulation.resume(task),
            Happening::Stop(task) => simulation.stop(task),
            Happening::Ask(number, times) => self.clients.ask(simulation, number, times),
            Happening::Receive(message) => self.queue.receive(simulation, message),
            Happening::ReceiveDead(message) => self.queue.receive_dead(simulation, message),
            Happening::Sweep => {
                self.find_undercounted();
                routines::sweep(&mut self.simulation);
            }
            Happening::Replay => routines::replay(simulation),
        }
    }

    /// Notes the accounts that have fewer pending than open jobs.
    fn find_undercounted(&mut self) {
        let counts = self.simulation.environment.world.counts();
        let under = counts.into_iter().filter(|(_, (open, pending))| pending < open);
        self.undercounted.extend(under.map(|((account, _), _)| account));
    }

    /// Takes what tasks sent and reported.
    fn collect(&mut self) {
        let now = self.simulation.now();
        let simulation = &mut self.simulation;
        let orphaned = simulation.environment.world.take_orphaned_runs();
        self.orphaned.extend(orphaned.into_iter().filter(|job| !self.queue.has_message_of(job)));
        for sent in simulation.environment.world.take_queue() {
            self.queue.send(simulation, sent, now);
        }
        for scope in simulation.environment.world.take_begun_sweeps() {
            routines::take_over(simulation, &scope);
        }
        let Reported { acknowledged, replies, forced } = simulation.inbox.take();
        for message in acknowledged {
            self.queue.acknowledge(simulation, message);
        }
        for (number, reply) in replies {
            self.clients.record_reply(simulation, number, reply);
        }
        self.forced.extend(forced);
    }

    /// Whether everything was asked for and nothing is left to be done.
    fn is_over(&self) -> bool {
        let simulation = &self.simulation;
        simulation.now() > NOW + simulation.profile.span + Duration::from_secs(3600)
            && simulation.is_idle()
            && self.queue.is_empty()
            && simulation.environment.world.counts().values().all(|(open, _)| *open == 0)
    }

    fn report(self) -> Report {
        let (environment, now) = (&self.simulation.environment, self.simulation.now());
        let final_state = self.final_state();
        let mut report = Report {
            jobs: final_state.accepted.len() as u64,
            simulated: now.since(NOW),
            faults: environment.faults(),
            port_calls: environment.world.calls().len() as u64,
            receives: self.queue.receives(),
            turned_away: self.clients.turned_away(),
            starts: self.clients.starts(&final_state.jobs, &environment.flickr.first_calls()),
            violations: judge(&final_state),
            fingerprint: self.simulation.agenda.fingerprint(),
            ..Report::default()
        };
        report.files = file_counts(&final_state) + environment.flickr.file_counts();
        for job in &final_state.jobs {
            *report.ends.entry(job.state.phase.name()).or_default() += 1;
            report.deferrals += u64::from(job.state.fencing_number.saturating_sub(1));
            report.shared += u64::from(was_answered_by_another(job));
            report.job_time += job.state.phase.ended_at().unwrap_or(now).since(job.created_at);
        }
        Report { flickr_calls: final_state.calls, ..report }
    }

    fn final_state(&self) -> FinalState {
        let (environment, profile) = (&self.simulation.environment, &self.simulation.profile);
        FinalState {
            jobs: environment.world.jobs(),
            accepted: self.clients.accepted(),
            told: self.clients.told().clone(),
            effects: environment.flickr.effects(),
            writes: environment.flickr.writes(),
            photos: environment.flickr.photos(),
            files: self.clients.workload().iter().filter_map(file_of).collect(),
            forced: self.forced.clone(),
            history: environment.world.history(),
            orphaned: self.orphaned.clone(),
            counts: environment.world.counts(),
            faults: environment.faults() + self.simulation.stopped() + u64::from(profile.crash_at.is_some()),
            undercounted: self.undercounted.clone(),
            calls: environment.flickr.calls(),
            limit: profile.limit,
            later_limit: profile.later_limit.map(|(from, limit)| (NOW + from, limit)),
            now: self.simulation.now(),
        }
    }
}

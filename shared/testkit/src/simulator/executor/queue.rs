//! The queue and its workers: messages are received at least once, in no order, until they are acknowledged or go to
//! the dead-letter queue.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use domain::{
    JobId, Timestamp,
    job::{PerTarget, RetryPolicy},
    upload::FileRules,
};
use hub::{
    budget::Grants,
    dead_jobs::{DeadLetterResult, take_dead_letter},
    message::Dispatch,
    response_cache::record_stats,
    run::{Disposition, Worker},
};

use super::{agenda::Happening, simulation::Simulation};
use crate::{QueuedMessage, ScriptedSources, mutation::Mutation, simulator::flickr::CATALOGUE};

/// How often a message is received before it goes to the dead-letter queue: the redrive policy's `maxReceiveCount`.
pub const MAX_RECEIVES: u32 = 10;

/// A message on its way.
#[derive(Debug, Clone)]
struct Message {
    dispatch: Dispatch,
    receives: u32,
}

/// The queue and its workers.
#[derive(Default)]
pub(super) struct Queue {
    messages: BTreeMap<u64, Message>,
    /// Messages that could be received and for which no worker is free.
    waiting: VecDeque<u64>,
    /// The tasks that are workers.
    workers: BTreeSet<u64>,
    receives: u64,
}

impl Queue {
    /// Has a worker receive the message with this number, if it is still there and a worker is free.
    pub(super) fn receive(&mut self, simulation: &mut Simulation, number: u64) {
        let Some(message) = self.messages.get_mut(&number) else { return };
        if simulation.profile.worker_slots.is_some_and(|slots| self.workers.len() >= slots) {
            self.waiting.push_back(number);
            return;
        }
        self.receives += 1;
        message.receives += 1;
        if message.receives > MAX_RECEIVES {
            simulation.plan_in(Duration::from_secs(1), Happening::ReceiveDead(number));
            return;
        }
        let dispatch = message.dispatch.clone();
        if simulation.profile.mutation == Some(Mutation::AcknowledgedFirst) {
            self.messages.remove(&number);
        }
        let timing = dispatch.target.timing();
        simulation.plan_in(timing.visibility_timeout, Happening::Receive(number));
        let worker = Worker {
            ports: simulation.with_skewed_clock(),
            flickr: simulation.environment.flickr.clone(),
            catalogue: &CATALOGUE,
            vaults: simulation.environment.vaults.clone(),
            retries: PerTarget::<RetryPolicy>::default(),
            file_rules: FileRules::default(),
            sources: Arc::new(ScriptedSources::default()),
            limits: simulation.environment.limits(),
            grants: Grants::default(),
        };
        let inbox = simulation.inbox.clone();
        let task = async move {
            let handled = worker.handle(&dispatch).await;
            record_stats(&worker.ports, handled.cache_use).await;
            if let Ok(Disposition::Ack | Disposition::LostLease) = handled.disposition {
                inbox.acknowledge(number);
            }
        };
        self.workers.insert(simulation.start(task, timing.function_timeout));
    }

    /// Has the message with this number received from the dead-letter queue, if it is still there.
    pub(super) fn receive_dead(&self, simulation: &mut Simulation, number: u64) {
        let Some(message) = self.messages.get(&number) else { return };
        let body = serde_json::to_string(&message.dispatch).unwrap_or_default();
        let timing = message.dispatch.target.timing();
        simulation.plan_in(timing.visibility_timeout, Happening::ReceiveDead(number));
        let (ports, inbox) = (simulation.with_skewed_clock(), simulation.inbox.clone());
        let task = async move {
            match take_dead_letter(&ports, "m", &body).await {
                Ok(DeadLetterResult::Retry) | Err(_) => {}
                Ok(_) => inbox.acknowledge(number),
            }
        };
        simulation.start(task, timing.function_timeout);
    }

    /// Has workers that are free again receive the messages that wait for one.
    pub(super) fn receive_waiting(&mut self, simulation: &mut Simulation) {
        self.workers.retain(|worker| simulation.runs(*worker));
        while simulation.profile.worker_slots.is_some_and(|slots| self.workers.len() < slots) {
            let Some(number) = self.waiting.pop_front() else { break };
            self.receive(simulation, number);
            self.workers.retain(|worker| simulation.runs(*worker));
        }
    }

    /// Takes a message that was sent. It comes up to two seconds late, and one in fifty comes twice.
    pub(super) fn send(&mut self, simulation: &mut Simulation, sent: QueuedMessage, now: Timestamp) {
        let number = simulation.agenda.number();
        self.messages.insert(number, Message { dispatch: sent.dispatch, receives: 0 });
        let at = sent.visible_at.max(now) + simulation.noise_delay(2_000);
        if simulation.noise_per_mille(20) {
            let twice = at + simulation.noise_delay(30_000);
            simulation.agenda.plan(twice, Happening::Receive(number));
        }
        simulation.agenda.plan(at, Happening::Receive(number));
    }

    /// Removes an acknowledged message. One acknowledgement in fifty is lost, and the message comes again.
    pub(super) fn acknowledge(&mut self, simulation: &mut Simulation, number: u64) {
        if !simulation.noise_per_mille(20) {
            self.messages.remove(&number);
        }
    }

    /// Whether a message of this job is on its way.
    pub(super) fn has_message_of(&self, job: &JobId) -> bool {
        self.messages.values().any(|message| message.dispatch.job == *job)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// How many messages workers received.
    pub(super) fn receives(&self) -> u64 {
        self.receives
    }
}

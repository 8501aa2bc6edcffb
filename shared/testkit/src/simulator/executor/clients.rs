//! The callers: each asks for its job, and again with the same key when it is not told of success.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{
    JobId, TenantId, Timestamp, TraceId, egress,
    idempotency::Key,
    job::{Job, JobSpec},
};
use hub::{
    Kind,
    submit::{Accepted, Submit, SubmitRequest},
};

use super::{agenda::Happening, files, inbox::ClientReply, simulation::Simulation};
use crate::{
    build,
    simulator::{
        flickr::{CATALOGUE, marker_of},
        report::{JobStart, was_answered_by_another},
        workload::{Ask, Workload},
    },
};

/// How often a caller asks again.
const REPEATS: u32 = 6;

/// How long API Gateway waits for an answer.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(29);

/// An idempotency key of a tenant.
type TenantKey = (TenantId, String);

/// The callers, and what they were told.
pub(super) struct Clients {
    workload: Workload,
    /// The asks whose callers ask no more.
    silent: BTreeSet<u32>,
    /// The ids that were accepted, with the number of the ask that was told so first.
    accepted: BTreeMap<JobId, u32>,
    /// The ids, each with the marker of its payload, that were told for each key.
    told: BTreeMap<TenantKey, BTreeSet<(JobId, String)>>,
    expected: BTreeMap<u32, Timestamp>,
    turned_away: u64,
}

impl Clients {
    pub(super) fn new(workload: Workload) -> Self {
        Self {
            workload,
            silent: BTreeSet::new(),
            accepted: BTreeMap::new(),
            told: BTreeMap::new(),
            expected: BTreeMap::new(),
            turned_away: 0,
        }
    }

    /// Plans the first request of each caller.
    pub(super) fn begin(&self, simulation: &mut Simulation) {
        files::begin(simulation.seed, &simulation.environment, &self.workload);
        for (number, ask) in self.workload.iter() {
            simulation.agenda.plan(ask.at, Happening::Ask(number, 0));
        }
    }

    /// What was asked for.
    pub(super) fn workload(&self) -> &Workload {
        &self.workload
    }

    /// Sends the request with this number, for the n-th time.
    pub(super) fn ask(&self, simulation: &mut Simulation, number: u32, times: u32) {
        let Some(ask) = self.workload.ask(number).filter(|_| !self.silent.contains(&number)) else { return };
        let submit =
            Submit { ports: simulation.with_skewed_clock(), catalogue: &CATALOGUE, sources: egress::Policy::default() };
        let environment = &simulation.environment;
        let Some((account, principal)) = environment.account(ask.account).zip(environment.principal_of(ask.account))
        else {
            return;
        };
        let spec = build::spec(account, ask.method, &format!(r#"{{"marker": "{}"}}"#, ask.marker));
        let work = ask.file.as_ref().and_then(|file| file.work(number, &ask.marker)).unwrap_or(spec.work);
        let request = SubmitRequest {
            spec: JobSpec {
                work,
                priority: ask.priority,
                cache: ask.cache,
                meta: ask.is_long.then(build::long_meta),
                ..spec
            },
            start: ask.start,
            key: Key::parse(&ask.key).ok(),
            trace: TraceId::from_bytes([1; 16]),
        };
        let (principal, inbox) = (principal.clone(), simulation.inbox.clone());
        let task = async move { inbox.reply(number, reply_of(submit.accept(&principal, request).await)) };
        simulation.start(task, REQUEST_TIMEOUT);
        if times < REPEATS {
            simulation.plan_in(Duration::from_secs(30 << times), Happening::Ask(number, times + 1));
        }
    }

    /// Records what the caller with this number was told.
    pub(super) fn record_reply(&mut self, simulation: &mut Simulation, number: u32, reply: ClientReply) {
        let Some(ask) = self.workload.ask(number) else { return };
        let is_final = matches!(reply, ClientReply::Accepted { .. } | ClientReply::Refused);
        match reply {
            ClientReply::Accepted { id, marker, expected_at } => {
                if let Some(expected_at) = expected_at {
                    self.expected.entry(number).or_insert(expected_at);
                }
                if let Some(principal) = simulation.environment.principal_of(ask.account) {
                    let key = (principal.tenant().clone(), ask.key.clone());
                    self.told.entry(key).or_default().insert((id.clone(), marker));
                }
                self.accepted.entry(id).or_insert(number);
            }
            ClientReply::TooManyPending => self.turned_away += 1,
            ClientReply::Refused | ClientReply::Later => {}
        }
        // A caller that is told of success or refusal mostly asks no more.
        if is_final && simulation.random.per_mille(900) {
            self.silent.insert(number);
        }
    }

    /// The ids that callers were told were accepted.
    pub(super) fn accepted(&self) -> BTreeSet<JobId> {
        self.accepted.keys().cloned().collect()
    }

    /// The ids, each with the marker of its payload, that callers were told for each idempotency key.
    pub(super) fn told(&self) -> &BTreeMap<TenantKey, BTreeSet<(JobId, String)>> {
        &self.told
    }

    /// How often a request was refused because too many jobs were pending.
    pub(super) fn turned_away(&self) -> u64 {
        self.turned_away
    }

    /// When each job of which a caller was told started, by flow and acceptance. `first_calls` says when Flickr was
    /// first called with each marker.
    pub(super) fn starts(&self, jobs: &[Job], first_calls: &BTreeMap<String, Timestamp>) -> Vec<JobStart> {
        let start = |job: &Job| {
            let number = self.accepted.get(&job.id)?;
            let ask: &Ask = self.workload.ask(*number)?;
            let called_at = first_calls.get(&marker_of(&job.spec.work)).copied();
            Some(JobStart {
                flow: ask.flow,
                accepted_at: job.created_at,
                expected_at: self.expected.get(number).copied(),
                called_at: called_at.filter(|_| !was_answered_by_another(job)),
                ended_at: job.state.phase.ended_at(),
            })
        };
        let mut starts: Vec<JobStart> = jobs.iter().filter_map(start).collect();
        starts.sort_by_key(|start| (start.flow, start.accepted_at));
        starts
    }
}

fn reply_of(accepted: Result<Accepted, hub::Error>) -> ClientReply {
    match accepted {
        Ok(Accepted { job, forecast, .. }) => ClientReply::Accepted {
            expected_at: forecast.and_then(|forecast| forecast.estimated_start(&job)),
            marker: marker_of(&job.spec.work),
            id: job.id,
        },
        Err(error) => match error.kind() {
            Kind::TooManyPending { .. } => ClientReply::TooManyPending,
            Kind::Unavailable => ClientReply::Later,
            _ => ClientReply::Refused,
        },
    }
}

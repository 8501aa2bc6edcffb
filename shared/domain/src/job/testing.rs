//! Jobs for tests.

use super::{Job, JobSpec, Phase, State, WaitReason, Waiting, Work};
use crate::{
    AccountRef, AppId, ClaimId, JobId, TenantId, Timestamp, TraceId, UserId,
    cache::{CacheOptions, CacheTag},
    call::{Params, RestCall},
    fair_queue::{Priority, QueueTicket},
    idempotency::{Fingerprint, Idempotency},
};

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(seconds * 1000)
}

pub(super) fn claim(number: u8) -> ClaimId {
    ClaimId::from_bytes([number; 16])
}

pub(super) fn job_id(number: u8) -> JobId {
    JobId::from_bytes([number; 16])
}

pub(super) fn ticket(tag: u64) -> QueueTicket {
    QueueTicket { app: AppId::from_bytes([9; 16]), tag }
}

/// The phase of a job that waits for this.
pub(super) fn waits(reason: WaitReason) -> Phase {
    Phase::Waiting(Waiting::until(reason, at(0), at(0)))
}

/// Job 1, accepted at second 0: a write that may have changed photos.
pub(super) fn job(state: State) -> Job {
    let tenant = TenantId::from_bytes([1; 16]);
    let call = RestCall { method: "flickr.photos.setMeta".parse().unwrap(), params: Params::default() };
    let spec = JobSpec {
        account: AccountRef { user: UserId::of(&tenant, "1@N00"), tenant },
        work: Work::Rest(call),
        priority: Priority::Normal,
        cache: CacheOptions::default(),
        meta: None,
    };
    Job {
        id: job_id(1),
        spec,
        idempotency: Idempotency::Idempotent,
        verification: None,
        invalidates: [CacheTag::Photos].into_iter().collect(),
        fingerprint: Fingerprint::from_stored(String::new()),
        trace: TraceId::from_bytes([1; 16]),
        created_at: at(0),
        state,
    }
}

/// The same in this phase, after one attempt.
pub(super) fn job_in(phase: Phase) -> Job {
    job(State { attempts: 1, phase, ..State::first(at(0), at(0)) })
}

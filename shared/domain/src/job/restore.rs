//! What becomes of a job whose table was restored to a point in time.
//!
//! The table knows nothing of what happened since. A job that it shows as open may have ended, and one that it shows as
//! dead may have been replayed: a write that must not be repeated may have taken effect, and is not sent again.

use super::{
    claim::CLOCK_SKEW,
    event::Refusal,
    failure::{Failure, FailureCode},
    spec::Job,
    state::{Activity, Phase},
    wait::WaitReason,
};
use crate::{Timestamp, idempotency::Idempotency};

/// The phase of a job, which is then in doubt, after its table was restored.
///
/// # Errors
/// A [`Refusal`] where the job needs nothing: its call may be repeated ([`Refusal::Repeatable`]), it could not have
/// started yet ([`Refusal::Early`]), it is in doubt already ([`Refusal::InDoubt`]), or it has ended for good
/// ([`Refusal::Ended`]). [`Refusal::Busy`] while a worker holds it.
pub(super) fn phase_after_restore(job: &Job, now: Timestamp) -> Result<Phase, Refusal> {
    if job.idempotency != Idempotency::NonIdempotent {
        return Err(Refusal::Repeatable);
    }
    match &job.state.phase {
        // Nobody verifies what is dead: a replay would send it.
        Phase::Dead { .. } if !job.state.in_doubt => Ok(job.state.phase.clone()),
        Phase::Dead { .. } | Phase::Completed { .. } | Phase::Failed { .. } | Phase::Expired { .. } => {
            Err(Refusal::Ended)
        }
        Phase::Running(held) if held.lease_until > now => Err(Refusal::Busy),
        Phase::Running(held) if held.activity != Activity::Call => Err(Refusal::InDoubt),
        Phase::Waiting(waiting) if matches!(waiting.reason(), WaitReason::Verification { .. }) => Err(Refusal::InDoubt),
        // Workers claim a job this early at most.
        Phase::Waiting(_) if job.state.eligible_at > now + CLOCK_SKEW => Err(Refusal::Early),
        Phase::Running(_) | Phase::Waiting(_) => Ok(Phase::Failed { at: now, failure: lost() }),
    }
}

fn lost() -> Failure {
    Failure::new(
        FailureCode::OutcomeUnknown,
        "the job's record was restored from a backup: the write may have been sent since, and was not sent again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{
        Claim, DeadList, Event, NextCheck, PendingCount, QueueIndex, State, StoredResult, Transition, step,
        testing::{at, claim, job, job_in, ticket, waits},
    };

    /// The same job, which makes a write that must not be repeated.
    fn unrepeatable(job: Job) -> Job {
        Job { idempotency: Idempotency::NonIdempotent, ..job }
    }

    fn restored(job: &Job) -> Result<Transition, Refusal> {
        step(job, Event::Restored, at(100))
    }

    fn running(activity: Activity, lease_until: Timestamp) -> Phase {
        Phase::Running(Claim { id: claim(1), lease_until, activity, waited_for: WaitReason::Worker })
    }

    fn dead(in_doubt: bool) -> Job {
        let failure = Failure::new(FailureCode::AttemptsExhausted, "m");
        let job = unrepeatable(job_in(Phase::Dead { at: at(10), failure }));
        Job { state: State { in_doubt, ..job.state.clone() }, ..job }
    }

    #[test]
    fn an_open_write_that_must_not_be_repeated_ends_and_its_outcome_is_unknown() {
        let in_queue = State::first_in_queue(ticket(7), at(500), at(0));
        let waiting = [WaitReason::Worker, WaitReason::Outage, WaitReason::Circuit].map(|reason| job_in(waits(reason)));
        let open = [job(State::first(at(0), at(0))), job(State::first(at(60), at(0))), job(in_queue)];
        let held = job_in(running(Activity::Call, at(100)));
        for job in open.into_iter().chain(waiting).chain([held]).map(unrepeatable) {
            let Transition { after, effects, .. } = restored(&job).unwrap();
            let Phase::Failed { at: ended_at, failure } = &after.state.phase else { panic!("{after:?}") };
            assert_eq!((*ended_at, failure.code), (at(100), FailureCode::OutcomeUnknown));
            assert_eq!((after.state.in_doubt, after.state.run), (true, 1));
            assert_eq!((effects.message, effects.pending), (None, PendingCount::Down));
            assert_eq!((effects.next_check, effects.dead_list), (NextCheck::Cleared, DeadList::Same));
            let queued = job.state.queued_ticket().is_some();
            assert_eq!(effects.queue_index, if queued { QueueIndex::Left } else { QueueIndex::Same });
            let unsettled_until = effects.invalidation.and_then(|invalidation| invalidation.unsettled_until);
            assert!(unsettled_until > Some(at(100)), "attempts that the record does not know may still take effect");
            assert_eq!(restored(&after), Err(Refusal::Ended), "once");
        }
    }

    #[test]
    fn what_may_be_repeated_or_cannot_have_begun_or_is_never_sent_again_goes_on() {
        let first = |eligible_at| job(State::first(at(eligible_at), at(0)));
        assert_eq!(restored(&first(0)), Err(Refusal::Repeatable));
        assert_eq!(restored(&Job { idempotency: Idempotency::Safe, ..first(0) }), Err(Refusal::Repeatable));
        assert_eq!(restored(&unrepeatable(first(103))), Err(Refusal::Early), "it is scheduled for later");
        assert!(restored(&unrepeatable(first(102))).is_ok(), "clocks differ a little");
        let in_doubt = [
            waits(WaitReason::Verification { until: at(700) }),
            running(Activity::NonIdempotentCall, at(100)),
            running(Activity::Verify { until: at(700) }, at(100)),
        ];
        for phase in in_doubt {
            assert_eq!(restored(&unrepeatable(job_in(phase))), Err(Refusal::InDoubt));
        }
        for activity in [Activity::Call, Activity::NonIdempotentCall] {
            assert_eq!(restored(&unrepeatable(job_in(running(activity, at(101))))), Err(Refusal::Busy));
        }
        let completed = Phase::Completed { at: at(9), result: StoredResult::SeparateItem, page_of_several: false };
        assert_eq!(restored(&unrepeatable(job_in(completed))), Err(Refusal::Ended));
    }

    #[test]
    fn a_dead_job_that_may_have_been_replayed_since_is_replayed_by_force_only() {
        let replay = |force| Event::Replay { force, admission: None };
        assert!(step(&dead(false), replay(false), at(101)).is_ok());
        let Transition { after, effects, .. } = restored(&dead(false)).unwrap();
        assert_eq!((&after.state.phase, after.state.run), (&dead(false).state.phase, 1), "it stays dead, since then");
        let DeadList::Entered(listed) = effects.dead_list else { panic!("{:?}", effects.dead_list) };
        assert!(listed.in_doubt, "the list says so, too");
        assert_eq!(
            (effects.pending, effects.next_check, effects.invalidation),
            (PendingCount::Same, NextCheck::Same, None)
        );
        assert_eq!(step(&after, replay(false), at(101)), Err(Refusal::NeedsForce));
        assert!(step(&after, replay(true), at(101)).is_ok());
        assert_eq!(restored(&dead(true)), Err(Refusal::Ended), "nothing is left to do");
        let repeatable = Job { idempotency: Idempotency::Idempotent, ..dead(false) };
        assert_eq!(restored(&repeatable), Err(Refusal::Repeatable));
    }
}

//! The list of a tenant's dead jobs: what it says of each, and in which order.

use super::{
    event::Refusal,
    failure::Failure,
    spec::Job,
    state::{Phase, State},
    target::Target,
};
use crate::{JobId, Timestamp, UserId, call::MethodName, fair_queue::Priority, timing::JOB_RETENTION};

/// What the list of dead jobs says of one of them: everything that its caller reads of it. It is written when the job
/// dies, and nothing in it changes until the job is replayed, so that the list need not read the jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadJob {
    pub id: JobId,
    /// In the name of which account.
    pub user: UserId,
    pub target: Target,
    /// Flickr's method; a file is sent by none.
    pub method: Option<MethodName>,
    pub priority: Priority,
    /// The caller's own JSON object as it was written.
    pub meta: Option<String>,
    pub created_at: Timestamp,
    /// The number of the run that ended, from 1.
    pub run: u32,
    /// How many claims of that run led, or may have led, to a call.
    pub attempts: u32,
    pub started_at: Option<Timestamp>,
    pub died_at: Timestamp,
    /// Why.
    pub failure: Failure,
    /// Whether a write that must not be repeated may have taken effect.
    pub in_doubt: bool,
}

impl DeadJob {
    /// What the list says of the job; `None` when it is not dead.
    pub fn of(job: &Job) -> Option<Self> {
        let Job { id, spec, created_at, state, .. } = job;
        let Phase::Dead { at, failure } = &state.phase else { return None };
        Some(Self {
            id: id.clone(),
            user: spec.account.user.clone(),
            target: spec.work.target(),
            method: spec.work.method().cloned(),
            priority: spec.priority,
            meta: spec.meta.clone(),
            created_at: *created_at,
            run: state.run,
            attempts: state.attempts,
            started_at: state.started_at,
            died_at: *at,
            failure: failure.clone(),
            in_doubt: state.in_doubt,
        })
    }

    /// Where it stands in the list.
    pub fn cursor(&self) -> String {
        cursor(self.died_at, &self.id)
    }

    /// Whether a replay would begin a new run.
    ///
    /// # Errors
    /// [`Refusal::NeedsForce`] where only force would.
    pub const fn may_replay(&self, force: bool) -> Result<(), Refusal> {
        dead_may_replay(self.in_doubt, force)
    }
}

/// Whether a replay begins a new run of a job in this state.
///
/// # Errors
/// [`Refusal::NeedsForce`] where only force does, [`Refusal::NotDead`] where nothing does.
pub const fn may_replay(state: &State, force: bool) -> Result<(), Refusal> {
    match &state.phase {
        Phase::Dead { .. } => dead_may_replay(state.in_doubt, force),
        _ => Err(Refusal::NotDead),
    }
}

/// What may have taken effect is only done again by force.
const fn dead_may_replay(in_doubt: bool, force: bool) -> Result<(), Refusal> {
    if in_doubt && !force { Err(Refusal::NeedsForce) } else { Ok(()) }
}

/// Where a job in this state stands in the list of dead jobs; `None` when it is not dead.
pub fn dead_list_cursor(state: &State, id: &JobId) -> Option<String> {
    match &state.phase {
        Phase::Dead { at, .. } => Some(cursor(*at, id)),
        _ => None,
    }
}

/// Sorted by time of death, then by id.
fn cursor(at: Timestamp, id: &JobId) -> String {
    format!("{:015}.{id}", at.as_milliseconds())
}

/// Before which cursor all entries of the list have expired at `now`, whether they are deleted yet or not: as the
/// table does, to the second.
pub fn dead_list_start(now: Timestamp) -> String {
    let oldest = Timestamp::from_milliseconds((now.as_seconds() + 1) * 1000).before(JOB_RETENTION);
    format!("{:015}", oldest.as_milliseconds())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::job::{
        Event, FailureCode, State, step,
        testing::{at, job, job_in},
    };

    fn dead(in_doubt: bool) -> Job {
        let phase = Phase::Dead { at: at(10), failure: Failure::new(FailureCode::WorkerCrashed, "m") };
        let job = job_in(phase);
        Job { state: State { in_doubt, ..job.state.clone() }, ..job }
    }

    #[test]
    fn only_a_dead_job_is_listed() {
        let dead = dead(true);
        let listed = DeadJob::of(&dead).unwrap();
        assert_eq!((&listed.id, &listed.user, listed.in_doubt), (&dead.id, &dead.spec.account.user, true));
        assert_eq!(Some(listed.cursor()), dead_list_cursor(&dead.state, &dead.id));
        let open = job(State::first(at(0), at(0)));
        assert_eq!((DeadJob::of(&open), dead_list_cursor(&open.state, &open.id)), (None, None));
    }

    #[test]
    fn what_the_list_says_of_a_replay_is_what_a_replay_does() {
        for (in_doubt, force) in [(false, false), (false, true), (true, false), (true, true)] {
            let job = dead(in_doubt);
            let done = step(&job, Event::Replay { force, admission: None }, at(11)).map(|_| ());
            assert_eq!(DeadJob::of(&job).unwrap().may_replay(force), done, "{in_doubt} {force}");
            assert_eq!(may_replay(&job.state, force), done, "{in_doubt} {force}");
        }
    }

    proptest! {
        #[test]
        fn the_list_is_in_the_order_of_deaths(one in 0i64..1 << 42, other in 0i64..1 << 42) {
            let place = |at| cursor(Timestamp::from_milliseconds(at), &JobId::from_bytes([7; 16]));
            prop_assert_eq!(place(one).cmp(&place(other)), one.cmp(&other));
        }

        #[test]
        fn the_list_begins_with_the_first_that_has_not_expired(
            now in 1_700_000_000_000i64..1_900_000_000_000, age in -2_000i64..2_000,
        ) {
            let now = Timestamp::from_milliseconds(now);
            let died_at = Timestamp::from_milliseconds(now.as_milliseconds() + age).before(JOB_RETENTION);
            let is_expired = (died_at + JOB_RETENTION).as_seconds() <= now.as_seconds();
            let place = cursor(died_at, &JobId::from_bytes([0; 16]));
            prop_assert_eq!(place > dead_list_start(now), !is_expired);
        }
    }
}

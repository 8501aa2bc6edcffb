//! What only one job of an account sends at a time.
//!
//! Nothing frees a lock: whether its holder still needs it is judged by the holder's job, so that a crash leaves none
//! behind. It is taken over from a run that was seen to have ended, and from no other run of that job.

use std::time::Duration;

use domain::{
    ClaimId, JobRef, Timestamp,
    job::{Event, Job, Phase, State},
    timing::LONGEST_QUEUE_DELAY,
    upload::{LockHolder, UploadLock},
};
use vault::DataKeys;

use super::{Flickr, Ports, Worker};
use crate::Error;

/// How long a job waits for another that holds what it needs, before it looks again.
const PAUSE: Duration = Duration::from_secs(30);

impl<P: Ports, F: Flickr, K: DataKeys> Worker<P, F, K> {
    /// Has the job's run hold `lock`; where another needs it, or did just now, what happens to the job.
    pub(super) async fn wait_for_lock(
        &self,
        job: &Job,
        claim: &ClaimId,
        lock: &UploadLock,
    ) -> Result<Option<Event>, Error> {
        let account = &job.spec.account;
        let holder = LockHolder { job: job.id.clone(), run: job.state.run };
        let mut in_place_of = None;
        loop {
            let other = self.ports.acquire_upload_lock(account, lock, &holder, in_place_of.as_ref()).await?;
            let Some(other) = other else { return Ok(None) };
            let now = self.ports.now();
            let state = self.ports.state(&JobRef::new(job.tenant(), &other.job)).await?;
            let free_at = match &state {
                // Its record is gone, so it ended long ago.
                None => now,
                Some(state) => self.free_at(lock, state).unwrap_or_else(|| {
                    // It does nothing before it is due, though that may change.
                    state.due_at.min(now + LONGEST_QUEUE_DELAY).max(now + PAUSE)
                }),
            };
            // Where others take turns with it, the job looks again.
            let again = (in_place_of.as_ref() == Some(&other)).then(|| now + PAUSE);
            let due_at = again.unwrap_or(free_at);
            if due_at > now {
                let due_at = due_at.min(job.deadline());
                return Ok(Some(Event::Follow { claim: claim.clone(), leader: other.job, due_at }));
            }
            in_place_of = Some(other);
        }
    }

    /// When the file of a job in this state is settled at Flickr; `None` while the job is open.
    fn free_at(&self, lock: &UploadLock, state: &State) -> Option<Timestamp> {
        let ended_at = state.phase.ended_at()?;
        let is_completed = matches!(state.phase, Phase::Completed { .. });
        let lag = match lock {
            UploadLock::Bytes(_) if is_completed || state.in_doubt => self.file_rules.dedup_lag,
            // What Flickr did with a photo it shows at once. What it may do yet is over when its search must know it.
            UploadLock::Photo(_) if !is_completed && state.in_doubt => self.file_rules.index_lag,
            UploadLock::Bytes(_) | UploadLock::Photo(_) => Duration::ZERO,
        };
        Some(ended_at + lag)
    }
}

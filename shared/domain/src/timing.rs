//! The lengths of time that must fit one another, each written once.

use std::time::Duration;

/// The time limits of one kind of work.
///
/// A call to Flickr ends before its function is stopped, a function before its lease, a lease before its message is
/// seen again: so two workers never hold one job, and a crashed one is replaced. The template's figures are held to
/// these by a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The longest a call to Flickr may take.
    pub call_deadline: Duration,
    /// The longest a message of a batch may take: its function ends a little later, with the batch's answer sent.
    pub message_deadline: Duration,
    /// How long AWS Lambda lets the worker run.
    pub function_timeout: Duration,
    /// How long a claim holds a job, since it was made or renewed.
    pub lease: Duration,
    /// Whether a claim is renewed while the work goes on: then a lease may be shorter than the work.
    pub renews_lease: bool,
    /// How long a received message stays unseen by other workers: six times the function's timeout, as AWS recommends,
    /// so that a worker that is throttled uses up no receives.
    pub visibility_timeout: Duration,
    /// How long after a message should have been seen, or a lease ran out, a job counts as orphaned, and its message is
    /// sent anew. A message whose worker crashed comes again by itself before that, so that its receives are counted
    /// and a job that crashes its workers ends.
    pub orphaned_after: Duration,
    /// How long after it first could have run a job expires, started or not.
    pub job_deadline: Duration,
}

impl Timing {
    /// Of calls of the REST API.
    pub const REST: Timing = Timing {
        call_deadline: Duration::from_secs(20),
        message_deadline: Duration::from_secs(27),
        function_timeout: Duration::from_secs(30),
        lease: Duration::from_secs(40),
        renews_lease: false,
        visibility_timeout: Duration::from_secs(180),
        orphaned_after: Duration::from_secs(150),
        job_deadline: JOB_DEADLINE,
    };

    /// Of uploads and replaces, which may take all the time that AWS Lambda gives. The lease is short, and is renewed
    /// while bytes flow, so that a crash is noticed within 5 minutes; the message, which must stay unseen for longer, is
    /// sent anew by the sweep.
    pub const FILE: Timing = Timing {
        call_deadline: Duration::from_secs(840),
        message_deadline: Duration::from_secs(890),
        function_timeout: Duration::from_secs(900),
        lease: Duration::from_secs(180),
        renews_lease: true,
        visibility_timeout: Duration::from_secs(6 * 900),
        orphaned_after: Duration::from_secs(60),
        job_deadline: JOB_DEADLINE,
    };

    /// Whether the lengths fit one another.
    const fn is_consistent(&self) -> bool {
        let lease_outlasts_the_work = self.function_timeout.as_secs() <= self.lease.as_secs()
            && self.visibility_timeout.as_secs() < self.found_after();
        let crash_is_noticed = self.found_after() <= LONGEST_CRASH.as_secs();
        self.call_deadline.as_secs() < self.message_deadline.as_secs()
            && self.message_deadline.as_secs() + STATS_DEADLINE.as_secs() < self.function_timeout.as_secs()
            && self.lease.as_secs() < self.visibility_timeout.as_secs()
            && 6 * self.function_timeout.as_secs() <= self.visibility_timeout.as_secs()
            && self.job_deadline.as_secs() <= JOB_DEADLINE.as_secs()
            && if self.renews_lease { crash_is_noticed } else { lease_outlasts_the_work }
    }

    /// How long after the last sign of life of a worker, in seconds, its job counts as orphaned.
    const fn found_after(&self) -> u64 {
        self.lease.as_secs() + self.orphaned_after.as_secs()
    }
}

const _: () = assert!(Timing::REST.is_consistent() && Timing::FILE.is_consistent());

/// The longest that a crash of a worker that renews its lease goes unnoticed; the sweep comes each minute.
const LONGEST_CRASH: Duration = Duration::from_secs(4 * 60);

/// The longest that Flickr may take to answer once it has the whole file. It is shorter than the lease, which is not
/// renewed while nothing flows.
pub const UPLOAD_ANSWER: Duration = Duration::from_secs(150);

const _: () = assert!(UPLOAD_ANSWER.as_secs() + AWS_REQUEST.as_secs() < Timing::FILE.lease.as_secs());

/// The longest that no byte of a file may flow.
pub const UPLOAD_STALL: Duration = Duration::from_secs(60);

/// How long a file can be sent to the URL that its upload was given.
pub const UPLOAD_URL_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// How long after FlickrHub got the id of a new photo Flickr's methods may not know it yet.
pub const NEW_PHOTO_LAG: Duration = Duration::from_secs(10 * 60);

/// The time between two tries of a call that names such a photo.
pub const NEW_PHOTO_PAUSE: Duration = Duration::from_secs(30);

/// How long a file is kept that no job has sent to Flickr.
pub const UPLOAD_RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The longest that one attempt of a small request to AWS may take.
pub const AWS_ATTEMPT: Duration = Duration::from_millis(1_500);

/// The longest that a small request to AWS may take with its retries: a function of 10 seconds can still answer.
pub const AWS_REQUEST: Duration = Duration::from_secs(4);

/// The longest that one attempt of a request may take that carries a long result, or goes to an emulator, which does
/// all services' work on one machine.
pub const SLOW_AWS_ATTEMPT: Duration = Duration::from_secs(5);

/// The longest that such a request may take with its retries.
pub const SLOW_AWS_REQUEST: Duration = Duration::from_secs(9);

/// The longest that writing the cache's statistics may take when a batch has ended: its answer waits for it.
pub const STATS_DEADLINE: Duration = Duration::from_secs(2);

/// The longest that any job has before it expires.
pub const JOB_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long an ended job can be read.
pub const JOB_RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The oldest that a cached answer may be.
pub const LONGEST_CACHE_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// How long an ended job's record is stored: other jobs may have taken its answer for theirs as long as it was in the
/// cache, and can themselves be read for [`JOB_RETENTION`].
pub const RECORD_RETENTION: Duration = Duration::from_secs(JOB_RETENTION.as_secs() + 2 * LONGEST_CACHE_TTL.as_secs());

/// How long the URL of a long result can be used.
pub const RESULT_URL_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// How long a pending login can be completed.
pub const LOGIN_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// How long it is verified whether a write of unknown outcome took effect. Flickr may act after it has answered with
/// an error, and its index lags: an early absence says little.
pub const VERIFICATION: Duration = Duration::from_secs(10 * 60);

/// The time between two verifications of a write.
pub const VERIFICATION_INTERVAL: Duration = Duration::from_secs(30);

/// How far ahead a job can be scheduled.
pub const LONGEST_SCHEDULE: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The longest delay Amazon SQS gives a message.
pub const LONGEST_QUEUE_DELAY: Duration = Duration::from_secs(15 * 60);

/// How often the insertion of a job is tried whose transaction meets other insertions of the same job.
pub const INSERTION_TRIES: u32 = 6;

/// How often another write of a job is tried whose transaction meets others of the same job.
pub const COMMIT_TRIES: u32 = 4;

/// About how long a write that met others waits before its second try.
const CONFLICT_PAUSE: Duration = Duration::from_millis(25);

/// How long a write that met others waits before the try with this number: longer each time, and by `chance`, so that
/// those who met do not meet again. Before the first try, with number 0, it does not wait.
pub fn conflict_pause(attempt: u32, chance: u8) -> Duration {
    CONFLICT_PAUSE * attempt * u32::from(chance) / 128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_met_others_waits_longer_each_time_and_by_chance() {
        let milliseconds = |attempt, chance| conflict_pause(attempt, chance).as_millis();
        assert_eq!([milliseconds(0, 255), milliseconds(3, 0)], [0, 0]);
        assert_eq!([1, 2, 5].map(|attempt| milliseconds(attempt, 128)), [25, 50, 125]);
        assert!(milliseconds(1, 255) < 50);
    }
}

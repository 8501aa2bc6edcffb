//! The lengths of time that must fit one another, each written once.
//!
//! A call to Flickr ends before its function is stopped, a function before its lease, a lease
//! before its message is seen again: so two workers never hold one job, and a crashed one is
//! replaced. The template's figures are held to these by a test.

use std::time::Duration;

/// The longest a REST call to Flickr may take.
pub const CALL_DEADLINE: Duration = Duration::from_secs(20);

/// The longest a message of a batch may take: its function ends a little later, with the batch's
/// answer sent.
pub const MESSAGE_DEADLINE: Duration = Duration::from_secs(27);

/// The longest that counting may take when a batch has ended: its answer waits for it.
pub const COUNTING_DEADLINE: Duration = Duration::from_secs(2);

/// How long AWS Lambda lets the worker of REST jobs run.
pub const WORKER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a claim holds a job.
pub const LEASE: Duration = Duration::from_secs(40);

/// How long a received message stays unseen by other workers.
pub const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(60);

/// How long after it first could have run a job expires, started or not.
pub const JOB_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long an ended job can be read.
pub const JOB_RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The oldest that a kept answer may be that is given again.
pub const LONGEST_CACHE_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// How long an ended job's record is kept: other jobs may have taken its answer for theirs as long
/// as it could be given again, and can themselves be read for [`JOB_RETENTION`].
pub const RECORD_RETENTION: Duration = Duration::from_secs(JOB_RETENTION.as_secs() + 2 * LONGEST_CACHE_TTL.as_secs());

/// How long the URL of a long result can be used.
pub const RESULT_URL_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// How long a begun login can be completed.
pub const LOGIN_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// How long after a message should have been seen its job counts as orphaned, and the message is
/// sent anew. Twice the visibility timeout and more, so that a message whose worker crashed comes
/// again by itself first.
pub const ORPHANED_AFTER: Duration = Duration::from_secs(150);

/// How long a write of unknown outcome is searched for. Flickr may act after it has answered with
/// an error, and its index lags: an early absence says little.
pub const VERIFICATION: Duration = Duration::from_secs(10 * 60);

/// The time between two looks for a write of unknown outcome.
pub const VERIFICATION_INTERVAL: Duration = Duration::from_secs(30);

/// How far ahead a job can be scheduled.
pub const LONGEST_SCHEDULE: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// The longest delay Amazon SQS gives a message.
pub const LONGEST_QUEUE_DELAY: Duration = Duration::from_secs(15 * 60);

const _: () = assert!(CALL_DEADLINE.as_secs() < MESSAGE_DEADLINE.as_secs());
const _: () = assert!(MESSAGE_DEADLINE.as_secs() + COUNTING_DEADLINE.as_secs() < WORKER_TIMEOUT.as_secs());
const _: () = assert!(WORKER_TIMEOUT.as_secs() <= LEASE.as_secs());
const _: () = assert!(LEASE.as_secs() < VISIBILITY_TIMEOUT.as_secs());
const _: () = assert!(2 * VISIBILITY_TIMEOUT.as_secs() < ORPHANED_AFTER.as_secs());

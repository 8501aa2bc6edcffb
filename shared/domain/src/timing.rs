//! The lengths of time that must fit one another, each written once.
//!
//! A call to Flickr ends before its function is stopped, a function before its lease, a lease
//! before its message is seen again: so two workers never hold one job, and a crashed one is
//! replaced. The template's figures are held to these by a test.

use std::time::Duration;

/// The longest a REST call to Flickr may take.
pub const CALL_DEADLINE: Duration = Duration::from_secs(20);

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

/// How long the URL of a long result can be used.
pub const RESULT_URL_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// How long a begun login can be completed.
pub const LOGIN_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// The longest delay Amazon SQS gives a message.
pub const LONGEST_QUEUE_DELAY: Duration = Duration::from_secs(15 * 60);

const _: () = assert!(CALL_DEADLINE.as_secs() < WORKER_TIMEOUT.as_secs());
const _: () = assert!(WORKER_TIMEOUT.as_secs() <= LEASE.as_secs());
const _: () = assert!(LEASE.as_secs() < VISIBILITY_TIMEOUT.as_secs());

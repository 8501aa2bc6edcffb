//! What a run of a job came to.

use domain::{
    cache::CacheEvent,
    job::{Event, Job},
};

/// What a run of a job came to, before it is written.
pub(super) struct Ran {
    /// The job as it stands.
    pub(super) job: Job,
    /// What happens to it.
    pub(super) event: Event,
    /// The outcome of its cache lookup, if it had one.
    pub(super) cache: Option<CacheEvent>,
    /// Whether Flickr was called.
    pub(super) called: bool,
}

impl Ran {
    /// A run without a cache lookup and without a call.
    pub(super) fn new(job: &Job, event: Event) -> Self {
        Self { job: job.clone(), event, cache: None, called: false }
    }
}

//! What only one job of an account sends at a time.

use super::Sha256;
use crate::JobId;

/// What only one job of an account sends at a time: what became of one file could not be told from what became of the
/// other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum UploadLock {
    /// These bytes, as a photo: Flickr tells the second from the first once it knows the first.
    Bytes(Sha256),
    /// The file of the photo with this id: that the photo has another file shows that it was replaced, and not by whom.
    Photo(String),
}

/// Who holds a lock: a run of a job. The job's next run holds it anew, so that whoever saw the run end does not take the
/// lock from the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockHolder {
    pub job: JobId,
    /// The number of the run, from 1.
    pub run: u32,
}

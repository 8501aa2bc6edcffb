//! Results that do not fit the job's own record.

use domain::{JobRef, Timestamp};

use super::Result;

/// Results that do not fit the job's own record.
pub trait Results: Send + Sync {
    /// Stores `result` in a separate item, replacing what was there, until `expires_at`.
    fn put_result(&self, job: &JobRef, result: &str, expires_at: Timestamp) -> impl Future<Output = Result<()>> + Send;

    /// The result in the separate item.
    fn result(&self, job: &JobRef) -> impl Future<Output = Result<Option<String>>> + Send;

    /// Stores `result` as an object, compressed, replacing what was there. It is deleted some time after
    /// [`domain::timing::RECORD_RETENTION`].
    fn put_result_object(&self, job: &JobRef, result: &str) -> impl Future<Output = Result<()>> + Send;

    /// The result in the object.
    fn result_object(&self, job: &JobRef) -> impl Future<Output = Result<Option<String>>> + Send;

    /// Where anyone who holds the URL can read the object for a while ([`domain::timing::RESULT_URL_LIFETIME`]).
    fn result_object_url(&self, job: &JobRef) -> impl Future<Output = Result<String>> + Send;
}

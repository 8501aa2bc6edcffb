//! The audit log.

use domain::Timestamp;

use super::Result;

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// When what it tells of happened.
    pub at: Timestamp,
    /// A JSON object.
    pub text: String,
}

/// The audit log. It is appended to: nothing in it is read, changed or removed here.
pub trait AuditLog: Send + Sync {
    /// Appends lines, in the order of their times, to one of the log's streams, which is made if it is not there. An
    /// append that is repeated appends its lines again; one that fails may have appended some of them.
    fn append(&self, stream: &str, lines: &[AuditLine]) -> impl Future<Output = Result<()>> + Send;
}

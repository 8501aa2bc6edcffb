//! What an answer of `stat=fail` has, in JSON or XML.

/// The content of `stat=fail`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Flickr's error code, where it is a number.
    pub code: Option<i64>,
    /// As Flickr wrote it; may be empty.
    pub message: String,
}

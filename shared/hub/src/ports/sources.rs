//! Files at URLs that callers chose.

use futures_util::future::BoxFuture;

use super::ByteStream;

/// A file that is being fetched. It has no `Debug`, since it is a stream.
pub struct SourceFile {
    /// The content type as the server gave it.
    pub content_type: Option<String>,
    /// Its length in bytes, where the server said it.
    pub bytes: Option<u64>,
    /// Its bytes as they come; they end with an error where they are not all there.
    pub body: ByteStream,
}

/// Why a file could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFailure {
    /// For people. It quotes nothing of the URL.
    pub message: String,
    /// Whether it may pass.
    pub is_transient: bool,
}

/// Fetches files from URLs that callers chose, where that is allowed.
pub trait Sources: Send + Sync {
    /// Begins to fetch the file at `url`, of up to `max_bytes`.
    fn open<'a>(&'a self, url: &'a str, max_bytes: u64) -> BoxFuture<'a, Result<SourceFile, SourceFailure>>;
}

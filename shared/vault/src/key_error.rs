//! What can go wrong when a key service is asked for a data key.

use std::error;

/// What kind of failure of the key service it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyErrorKind {
    /// Too many requests: retry later.
    #[error("the key service is throttling")]
    Throttled,
    /// Out of reach, timed out or failing: retry later.
    #[error("the key service is unavailable")]
    Unavailable,
    /// Refused for good: wrong context, access denied, invalid ciphertext, key disabled.
    #[error("the key service refused")]
    Refused,
}

/// Why the key service gave no data key. Its text is the kind's; the cause is its `source`, which
/// must hold no key material.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct KeyError {
    kind: KeyErrorKind,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

impl KeyError {
    /// A failure whose cause is not known.
    #[must_use]
    pub fn new(kind: KeyErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// A failure with its cause.
    pub fn with_source(kind: KeyErrorKind, source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    /// The kind, to branch on.
    #[must_use]
    pub fn kind(&self) -> KeyErrorKind {
        self.kind
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, KeyErrorKind::Throttled | KeyErrorKind::Unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_its_kind_and_keeps_its_source() {
        let error = KeyError::with_source(KeyErrorKind::Throttled, "ThrottlingException");
        assert_eq!(error.to_string(), "the key service is throttling");
        let source = error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), "ThrottlingException");
        assert!(error.is_retryable());
        assert!(!KeyError::new(KeyErrorKind::Refused).is_retryable());
    }
}

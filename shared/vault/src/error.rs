//! What can go wrong when a secret is sealed or opened.

use crate::key_error::KeyError;

/// Why a secret could not be sealed or opened. No variant holds secret data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not an AWS Encryption SDK message.
    #[error("malformed message: {what}")]
    Malformed {
        /// The rule that is broken.
        what: &'static str,
    },
    /// The message may be valid, but is not of the one kind that is read here.
    #[error("unsupported message: {what}")]
    Unsupported {
        /// The property that differs.
        what: &'static str,
    },
    /// The secret, or the key service's answer, does not fit into a message.
    #[error("too long for a message: {what}")]
    TooLong {
        /// What is too long.
        what: &'static str,
    },
    /// A part of an [`EncryptionContext`](crate::EncryptionContext) is empty or too long.
    #[error("invalid encryption context: {what}")]
    InvalidContext {
        /// The part.
        what: &'static str,
    },
    /// The message was sealed for another tenant, record or purpose.
    #[error("the message was sealed for another context")]
    ContextMismatch,
    /// No data key of the message is under the KMS key of this vault.
    #[error("the message was sealed under another KMS key")]
    ForeignKey,
    /// The data key is not the one that the message commits to.
    #[error("the data key is not the one the message commits to")]
    CommitmentMismatch,
    /// Authentication failed: the message was altered.
    #[error("the message was altered")]
    Tampered,
    /// The key service gave no data key.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The random source or the cipher failed, which no input should cause.
    #[error("the cryptographic library failed")]
    Crypto,
}

impl Error {
    /// Whether the same call may succeed later: only when the key service was busy or out of reach.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Keys(error) if error.is_retryable())
    }
}

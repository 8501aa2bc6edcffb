#![doc = include_str!("../README.md")]

mod cache;
mod context;
mod error;
mod format;
mod key_error;
mod keys;
#[cfg(any(test, feature = "test-keys"))]
pub mod memory;
mod sealing;
mod secret;
mod suite;

pub use cache::{CachingKeys, Limits};
pub use context::{EncryptionContext, Purpose};
pub use error::Error;
pub use format::{MAX_MESSAGE_BYTES, MAX_SECRET_BYTES};
pub use key_error::{KeyError, KeyErrorKind};
pub use keys::{DataKey, DataKeys, EncryptedDataKey, GeneratedDataKey, InvalidKeyArn, KeyArn};
pub use sealing::{SealedMessage, Vault};
pub use secret::Secret;

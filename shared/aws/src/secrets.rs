//! Secrets that the stack itself made.

use aws_sdk_secretsmanager::Client;
use aws_types::SdkConfig;
use hub::{keyed_hash::KeyedHash, ports};

use crate::{error::from_sdk, settings::Keys};

/// The keyed hash under the stack's hash secret, read from Secrets Manager once at start.
///
/// # Errors
/// When the secret cannot be read, or is too short.
pub async fn keyed_hash(config: &SdkConfig, keys: &Keys) -> ports::Result<KeyedHash> {
    const WHAT: &str = "reading the hash secret";
    let answer = Client::new(config).get_secret_value().secret_id(&keys.hash_secret_arn).send().await;
    let answer = answer.map_err(from_sdk(WHAT))?;
    KeyedHash::new(answer.secret_string().unwrap_or_default().as_bytes()).map_err(|e| ports::Error::broken(WHAT, e))
}

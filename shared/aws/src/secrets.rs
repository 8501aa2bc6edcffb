//! The hash secret, in Secrets Manager: the stack makes it, functions read it, an operator rotates it.

use aws_sdk_secretsmanager::Client;
use aws_types::SdkConfig;
use hub::{hash_secret::HashSecret, keyed_hash::KeyedHash, ports};

use crate::{error::from_sdk, settings::Keys};

const READING: &str = "reading the hash secret";
const WRITING: &str = "writing the hash secret";

/// The stack's hash secret.
///
/// # Errors
/// When the secret cannot be read, or is malformed.
pub async fn hash_secret(config: &SdkConfig, keys: &Keys) -> ports::Result<HashSecret> {
    let answer = Client::new(config).get_secret_value().secret_id(&keys.hash_secret_arn).send().await;
    let answer = answer.map_err(from_sdk(READING))?;
    let text = answer.secret_string().ok_or_else(|| ports::Error::broken(READING, "it has no text"))?;
    HashSecret::parse(text).map_err(|invalid| ports::Error::broken(READING, invalid))
}

/// Stores the stack's hash secret. Secrets Manager keeps the one before as `AWSPREVIOUS`.
///
/// # Errors
/// When the secret cannot be written.
pub async fn set_hash_secret(config: &SdkConfig, keys: &Keys, secret: &HashSecret) -> ports::Result<()> {
    let text = secret.to_text().map_err(|error| ports::Error::broken(WRITING, error))?;
    let put = Client::new(config).put_secret_value().secret_id(&keys.hash_secret_arn).secret_string(text.as_str());
    put.send().await.map(|_| ()).map_err(from_sdk(WRITING))
}

/// The keyed hash under the stack's hash secret.
///
/// # Errors
/// When the secret cannot be read, or is malformed.
pub async fn keyed_hash(config: &SdkConfig, keys: &Keys) -> ports::Result<KeyedHash> {
    let secret = hash_secret(config, keys).await?;
    KeyedHash::new(&secret).map_err(|invalid| ports::Error::broken(READING, invalid))
}

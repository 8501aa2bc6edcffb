//! The hash secret: shows its versions, adds one, makes one current, removes one.

use std::error::Error;

use clap::Subcommand;
use hub::{
    hash_secret::HashSecret,
    ports::{Entropy, Tenants},
};
use serde_json::{Value, json};

use crate::stack::Stack;

/// What is done to the hash secret.
#[derive(Subcommand)]
pub enum Command {
    /// Shows the versions, and how many API keys are stored under each. Reads the whole vault table.
    Show,
    /// Adds a version. It stores nothing under it yet: first start the functions that read the secret anew.
    Add,
    /// Stores API keys under this version from now on. They are found under the others, too.
    Use {
        /// The version's number.
        #[arg(long)]
        version: u32,
    },
    /// Removes a version that no API key is stored under. Reads the whole vault table.
    Remove {
        /// The version's number.
        #[arg(long)]
        version: u32,
    },
}

/// API keys are still stored under a version that is to be removed.
#[derive(Debug, thiserror::Error)]
#[error("{keys} API keys are stored under version {version}: store them under the current one by `key rehash`")]
struct InUse {
    version: u32,
    keys: u64,
}

/// Carries out the command; its answer, as JSON.
///
/// # Errors
/// When the secret cannot be read, changed so, or written.
pub async fn run(stack: &Stack, command: Command) -> Result<Value, Box<dyn Error>> {
    let (secret, cloud) = (stack.hash_secret().await?, stack.cloud());
    let changed = match command {
        Command::Show => {
            let keys = cloud.keys_by_version().await?;
            return Ok(json!({ "keys": keys, "secret": shown(&secret) }));
        }
        Command::Add => {
            let mut random = [0; 32];
            for half in random.chunks_exact_mut(16) {
                half.copy_from_slice(&cloud.random());
            }
            secret.with_new_version(&random)
        }
        Command::Use { version } => secret.with_current(version)?,
        Command::Remove { version } => {
            let changed = secret.without(version)?;
            match cloud.keys_by_version().await?.get(&version) {
                Some(keys) => return Err(InUse { version, keys: *keys }.into()),
                None => changed,
            }
        }
    };
    stack.set_hash_secret(&changed).await?;
    Ok(json!({ "secret": shown(&changed) }))
}

/// The secret without its keys.
fn shown(secret: &HashSecret) -> Value {
    let versions: Vec<u32> = secret.versions().collect();
    json!({ "current": secret.current(), "apps": secret.apps(), "versions": versions })
}

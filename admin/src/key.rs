//! API keys: disables and enables one, stores one under the current version of the hash secret, and says how the requests
//! of one are signed.

use std::{error::Error, io::Read};

use aws_smithy_types::base64;
use clap::Subcommand;
use hub::{
    signing::{self, NewSigningSecret},
    tenants::{self, KeyState},
};
use serde_json::{Value, json};

use crate::stack::Stack;

/// What is done to the API key on standard input.
#[derive(Subcommand)]
pub enum Command {
    /// Refuses the key from now on, whatever API Gateway says; functions that remember it, within a minute.
    Disable,
    /// Accepts the key again.
    Enable,
    /// Stores the key under the current version of the hash secret.
    Rehash,
    /// Says how the requests of the key are signed. Functions that remember the key know it within a minute.
    #[command(subcommand)]
    Sign(Signing),
}

/// How the requests of the API key are signed.
#[derive(Subcommand)]
pub enum Signing {
    /// Makes a signing secret, in place of one that is there, and prints it: as base64, this once.
    Enable,
    /// Refuses requests that are not signed.
    Require,
    /// Accepts requests that are not signed, too.
    Permit,
    /// Removes the signing secret: requests are not signed any more, and those that are signed are refused.
    Disable,
}

/// Carries out the command; its answer, as JSON.
///
/// # Errors
/// When standard input or the hash secret cannot be read, or no tenant has the key, or the key has no signing secret where
/// one is needed.
pub async fn run(stack: &Stack, command: Command) -> Result<Value, Box<dyn Error>> {
    let api_key = read(std::io::stdin())?;
    let (keyed_hash, cloud) = (stack.keyed_hash().await?, stack.cloud());
    match command {
        Command::Disable => {
            tenants::set_key_state(&cloud, &keyed_hash, &api_key, KeyState::Disabled).await?;
            Ok(json!({ "disabled": true }))
        }
        Command::Enable => {
            tenants::set_key_state(&cloud, &keyed_hash, &api_key, KeyState::Enabled).await?;
            Ok(json!({ "disabled": false }))
        }
        Command::Rehash => Ok(json!({ "rehashed": tenants::rehash(&cloud, &keyed_hash, &api_key).await? })),
        Command::Sign(Signing::Enable) => {
            let secrets = stack.vaults()?.secrets;
            let NewSigningSecret { id, secret } = signing::give_secret(&cloud, &secrets, &keyed_hash, &api_key).await?;
            Ok(json!({ "keyid": id, "secret": base64::encode(secret.expose()) }))
        }
        Command::Sign(Signing::Require) => {
            signing::set_required(&cloud, &keyed_hash, &api_key, true).await?;
            Ok(json!({ "signature_required": true }))
        }
        Command::Sign(Signing::Permit) => {
            signing::set_required(&cloud, &keyed_hash, &api_key, false).await?;
            Ok(json!({ "signature_required": false }))
        }
        Command::Sign(Signing::Disable) => {
            signing::take_secret(&cloud, &keyed_hash, &api_key).await?;
            Ok(json!({ "signed": false }))
        }
    }
}

/// The API key on the input: all of it but the end of the line.
pub fn read(input: impl Read) -> std::io::Result<String> {
    // Enough for one that is too long to be refused.
    const MAX_BYTES: u64 = 1024;
    let mut api_key = String::new();
    input.take(MAX_BYTES).read_to_string(&mut api_key)?;
    Ok(api_key.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_without_the_end_of_its_line() {
        for input in ["key", "key\n", "key\r\n"] {
            assert_eq!(read(input.as_bytes()).unwrap(), "key");
        }
        assert_eq!(read(" key \n".as_bytes()).unwrap(), " key ", "spaces are refused and not removed");
        assert_eq!(read("k".repeat(5000).as_bytes()).unwrap().len(), 1024);
    }
}

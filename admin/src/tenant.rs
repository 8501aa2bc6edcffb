//! Tenants: creates one with its first API key.

use std::{error::Error, io::Read};

use clap::Subcommand;
use hub::tenants;
use serde_json::{Value, json};

use crate::stack::Stack;

/// What is done to tenants.
#[derive(Subcommand)]
pub enum Command {
    /// Creates a tenant. Its API key, as API Gateway has it, is read from standard input, and stored as a keyed hash
    /// alone.
    Create {
        /// What the tenant is called.
        #[arg(long)]
        name: String,
    },
}

/// Carries out the command; its answer, as JSON.
///
/// # Errors
/// When standard input or the hash secret cannot be read, or the tenant cannot be created.
pub async fn run(stack: &Stack, command: Command) -> Result<Value, Box<dyn Error>> {
    match command {
        Command::Create { name } => {
            let api_key = api_key(std::io::stdin())?;
            let keyed_hash = stack.keyed_hash().await?;
            let tenant = tenants::create(&stack.cloud(), &keyed_hash, &name, &api_key).await?;
            Ok(json!({ "tenant_id": tenant }))
        }
    }
}

/// The API key on the input: all of it but the end of the line.
fn api_key(input: impl Read) -> std::io::Result<String> {
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
            assert_eq!(api_key(input.as_bytes()).unwrap(), "key");
        }
        assert_eq!(api_key(" key \n".as_bytes()).unwrap(), " key ", "spaces are refused and not removed");
        assert_eq!(api_key("k".repeat(5000).as_bytes()).unwrap().len(), 1024);
    }
}

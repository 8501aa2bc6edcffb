//! Tenants: creates one with its first API key.

use std::error::Error;

use clap::Subcommand;
use hub::tenants;
use serde_json::{Value, json};

use crate::{key, stack::Stack};

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
            let api_key = key::read(std::io::stdin())?;
            let keyed_hash = stack.keyed_hash().await?;
            let tenant = tenants::create(&stack.cloud(), &keyed_hash, &name, &api_key).await?;
            Ok(json!({ "tenant_id": tenant }))
        }
    }
}

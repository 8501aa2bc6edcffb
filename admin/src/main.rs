//! `flickrhub-admin`: what an operator does to a deployed stack, with the operator's own AWS
//! credentials and the stack's settings in the environment.

use std::{error::Error, io::Read, process::ExitCode};

use aws::Cloud;
use clap::{Parser, Subcommand};
use hub::tenants;

/// Operates a deployed FlickrHub stack. Its settings (`VAULT_TABLE`, `HASH_SECRET_ARN`, ...) and the
/// operator's AWS credentials are read from the environment.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Tenants.
    #[command(subcommand)]
    Tenant(Tenant),
}

#[derive(Subcommand)]
enum Tenant {
    /// Makes a tenant. Its API key, as API Gateway has it, is read from standard input, and kept as
    /// a keyed hash alone.
    Create {
        /// What the tenant is called.
        #[arg(long)]
        name: String,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    aws::logging::start();
    match run(Arguments::parse().command).await {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("flickrhub-admin: {}", hub::chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Carries out a command; what it answers, as JSON.
async fn run(command: Command) -> Result<serde_json::Value, Box<dyn Error>> {
    let Command::Tenant(Tenant::Create { name }) = command;
    let mut api_key = String::new();
    std::io::stdin().take(1024).read_to_string(&mut api_key)?;
    let settings = aws::Settings::from_env()?;
    let config = aws::sdk_config()?;
    let keyed_hash = aws::keyed_hash(&config, &settings).await?;
    let ports = Cloud::new(&config, &settings);
    let tenant = tenants::create(&ports, &keyed_hash, &name, api_key.trim_end_matches(['\r', '\n'])).await?;
    Ok(serde_json::json!({ "tenant_id": tenant }))
}

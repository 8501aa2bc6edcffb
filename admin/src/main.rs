//! `flickrhub-admin`: what an operator does to a deployed stack, with the operator's own AWS credentials.

mod after_restore;
mod answer;
mod consent;
mod deployed_stack;
mod doctor;
mod hash_secret;
mod key;
mod limits;
mod migrate;
mod pace;
mod requests;
mod rewrap;
mod stack;
mod tenant;
mod token_import;
mod usage;
mod usage_plan;

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{answer::Answer, stack::Stack};

/// Operates a deployed FlickrHub stack, with your own AWS credentials.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The name of the CloudFormation stack. Its outputs say where its tables and keys are, and AWS credentials and
    /// region are found as the AWS CLI finds them: `AWS_PROFILE`, `AWS_REGION`, single sign-on, and so on. Without it
    /// the settings (`VAULT_TABLE`, `HASH_SECRET_ARN`, ...), credentials and region are read from the environment.
    #[arg(long, value_name = "NAME", global = true)]
    stack: Option<String>,
    /// Prints JSON where people would get a table: an array, or for `doctor` one object a line.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes restored tables safe to use, before the stack uses them: sets what a restore leaves out, ends writes that
    /// may have been sent since, and invalidates what is cached. It may be repeated.
    AfterRestore(after_restore::Arguments),
    /// The secret that API keys are hashed with, and its versions.
    #[command(subcommand)]
    HashSecret(hash_secret::Command),
    /// API keys of tenants.
    #[command(subcommand)]
    Key(key::Command),
    /// Stores what a former release stored as this one does, while the stack runs: records of tenants, API keys without
    /// an id, and jobs that the list of jobs lacks. Deploy this release first. It may be repeated. Exits with 1 if a
    /// record could not be migrated.
    Migrate(migrate::Arguments),
    /// Tenants.
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// Tokens of accounts.
    #[command(subcommand)]
    Token(token_import::Command),
    /// Shows what tenants use of what they are held to: accepted, pending and waiting jobs, stored bytes, and the
    /// budgets of their Flickr apps. It costs a read for each app and account.
    Usage(usage::Arguments),
    /// The sealed secrets of the vault.
    #[command(subcommand)]
    Vault(rewrap::Command),
    /// Checks a deployed stack from outside, and says what is wrong and what to do. Exits with 1 if something is broken.
    ///
    /// It needs `--stack`, and rights to read: the policy `ReadOnlyAccess` is enough. More is checked with secrets from
    /// the environment: `FLICKRHUB_API_KEY` is the API key of a tenant, `FLICKR_API_KEY` and `FLICKR_API_SECRET` are
    /// those of a Flickr app.
    Doctor(doctor::Options),
}

/// Only a stack with a name can be described.
#[derive(Debug, thiserror::Error)]
#[error("doctor needs the name of the stack: --stack NAME")]
struct NoStackNamed;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    aws::logging::start(std::io::stderr);
    match Box::pin(run(Arguments::parse())).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("flickrhub-admin: {}", hub::chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Carries out a command and prints its answer; whether all is well.
async fn run(Arguments { stack, json, command }: Arguments) -> Result<bool, Box<dyn Error>> {
    let answer = match command {
        Command::Doctor(options) => {
            let name = stack.ok_or(NoStackNamed)?;
            return doctor::run(&name, json, &options, doctor::Given::from_env()).await;
        }
        Command::AfterRestore(arguments) => after_restore::run(&open(stack).await?, arguments).await.map(Answer::One),
        Command::HashSecret(command) => hash_secret::run(&open(stack).await?, command).await.map(Answer::One),
        Command::Key(command) => key::run(&open(stack).await?, command).await,
        Command::Tenant(command) => tenant::run(&open(stack).await?, command).await,
        Command::Usage(arguments) => usage::run(&open(stack).await?, arguments).await,
        Command::Migrate(arguments) => return done(migrate::run(&open(stack).await?, arguments).await?, json),
        Command::Token(command) => return done(token_import::run(&open(stack).await?, command).await?, json),
        Command::Vault(command) => return done(rewrap::run(&open(stack).await?, command).await?, json),
    };
    answer?.print(json);
    Ok(true)
}

/// Prints the answer of a command that may have left something undone; whether nothing is.
fn done((answer, is_done): (Answer, bool), json: bool) -> Result<bool, Box<dyn Error>> {
    answer.print(json);
    Ok(is_done)
}

/// The stack that is named; without a name, the one that the environment speaks of.
async fn open(name: Option<String>) -> Result<Stack, Box<dyn Error>> {
    Ok(match name {
        Some(name) => Stack::open(&name).await?,
        None => Stack::from_env()?,
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn secrets_are_no_arguments() {
        let parses = |arguments: &str| Arguments::try_parse_from(arguments.split(' ')).is_ok();
        for good in [
            "flickrhub-admin key disable",
            "flickrhub-admin key enable",
            "flickrhub-admin key rehash",
            "flickrhub-admin key sign enable",
            "flickrhub-admin key sign require",
            "flickrhub-admin key sign permit",
            "flickrhub-admin key sign disable",
            "flickrhub-admin key create --tenant ten_01010101010101010101010101010101 --scope jobs:read --scope dlq",
            "flickrhub-admin key list --tenant ten_01010101010101010101010101010101 --json",
            "flickrhub-admin key rotate key_01010101010101010101010101010101 --overlap-hours 1 --yes",
            "flickrhub-admin key revoke key_01010101010101010101010101010101",
            "flickrhub-admin tenant create --name first --new-key",
            "flickrhub-admin tenant limits set ten_01010101010101010101010101010101 --pending-jobs 7 --unset networks",
            "flickrhub-admin token import --tenant ten_01010101010101010101010101010101 tokens.json --yes",
            "flickrhub-admin usage --json",
            "flickrhub-admin migrate --dry-run --per-second 5",
            "flickrhub-admin vault rewrap --from ten_1/ACCOUNT#usr_1 --per-second 5",
            "flickrhub-admin tenant suspend ten_01010101010101010101010101010101 --yes",
            "flickrhub-admin hash-secret add",
            "flickrhub-admin hash-secret use --version 2",
            "flickrhub-admin hash-secret remove --version 1",
            "flickrhub-admin hash-secret show",
        ] {
            assert!(parses(good), "{good}");
        }
        for bad in [
            "flickrhub-admin key disable a-key-of-twenty-letters",
            "flickrhub-admin key sign",
            "flickrhub-admin key sign enable a-key-of-twenty-letters",
            "flickrhub-admin key revoke a-key-of-twenty-letters",
            "flickrhub-admin key create --tenant ten_01010101010101010101010101010101 a-key-of-twenty-letters",
            "flickrhub-admin key create --tenant ten_01010101010101010101010101010101 --scope everything",
            "flickrhub-admin tenant create --name first --new-key a-key-of-twenty-letters",
            "flickrhub-admin vault rewrap --per-second 0",
            "flickrhub-admin token import --yes",
            "flickrhub-admin token import --tenant ten_01010101010101010101010101010101 --oauth-token canary",
            "flickrhub-admin hash-secret use",
            "flickrhub-admin hash-secret use --version two",
            "flickrhub-admin hash-secret add a-secret",
        ] {
            assert!(!parses(bad), "{bad}");
        }
    }

    #[test]
    fn a_restored_table_is_named() {
        let parses = |arguments: &str| Arguments::try_parse_from(arguments.split(' ')).is_ok();
        for good in [
            "flickrhub-admin after-restore --jobs-table restored",
            "flickrhub-admin after-restore --vault-table restored --force",
            "flickrhub-admin after-restore --jobs-table one --vault-table two --dry-run",
        ] {
            assert!(parses(good), "{good}");
        }
        for bad in ["flickrhub-admin after-restore", "flickrhub-admin after-restore --dry-run"] {
            assert!(!parses(bad), "{bad}");
        }
    }

    #[test]
    fn a_stack_may_be_named() {
        let parse = |arguments: &[&str]| Arguments::try_parse_from(arguments).map(|arguments| arguments.stack);
        let create = ["tenant", "create", "--name", "first"];
        let named = [&["flickrhub-admin", "--stack", "flickrhub"][..], &create].concat();
        assert_eq!(parse(&named).unwrap().as_deref(), Some("flickrhub"));
        assert_eq!(parse(&[&["flickrhub-admin"][..], &create].concat()).unwrap(), None);
        assert_eq!(parse(&["flickrhub-admin", "doctor", "--stack", "other"]).unwrap().as_deref(), Some("other"));
        assert!(parse(&["flickrhub-admin", "--stack", "flickrhub"]).is_err(), "a command is needed");
    }
}

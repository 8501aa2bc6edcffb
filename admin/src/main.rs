//! `flickrhub-admin`: what an operator does to a deployed stack, with the operator's own AWS credentials.

mod after_restore;
mod answer;
mod audit;
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

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

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
    #[command(flatten)]
    Operate(Operation),
    /// Checks a deployed stack from outside, and says what is wrong and what to do. Exits with 1 if something is broken.
    ///
    /// It needs `--stack`, and rights to read: the policy `ReadOnlyAccess` is enough. More is checked with secrets from
    /// the environment: `FLICKRHUB_API_KEY` is the API key of a tenant, `FLICKR_API_KEY` and `FLICKR_API_SECRET` are
    /// those of a Flickr app.
    Doctor(doctor::Options),
}

/// What is done to a stack, and told to its audit log where it may change something.
#[derive(Subcommand)]
enum Operation {
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
}

/// Only a stack with a name can be described.
#[derive(Debug, thiserror::Error)]
#[error("doctor needs the name of the stack: --stack NAME")]
struct NoStackNamed;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    aws::logging::start(std::io::stderr);
    let given = Arguments::command().get_matches();
    let arguments = Arguments::from_arg_matches(&given).unwrap_or_else(|error| error.exit());
    match Box::pin(run(&given, arguments)).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("flickrhub-admin: {}", hub::chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Carries out a command, as it was given, and prints its answer; whether all is well.
async fn run(given: &ArgMatches, arguments: Arguments) -> Result<bool, Box<dyn Error>> {
    let Arguments { stack, json, command } = arguments;
    match command {
        Command::Operate(operation) => {
            let stack = open(stack).await?;
            let work = Box::pin(carry_out(&stack, operation));
            let (answer, is_done) = Box::pin(audit::recorded(&stack, audit::Act::of(given), work)).await?;
            answer.print(json);
            Ok(is_done)
        }
        Command::Doctor(options) => {
            let name = stack.ok_or(NoStackNamed)?;
            doctor::run(&name, json, &options, doctor::Given::from_env()).await
        }
    }
}

/// Carries out an operation; its answer, and whether all of it is done.
async fn carry_out(stack: &Stack, operation: Operation) -> Result<(Answer, bool), Box<dyn Error>> {
    let answer = match operation {
        Operation::AfterRestore(arguments) => after_restore::run(stack, arguments).await.map(Answer::One),
        Operation::HashSecret(command) => hash_secret::run(stack, command).await.map(Answer::One),
        Operation::Key(command) => key::run(stack, command).await,
        Operation::Tenant(command) => tenant::run(stack, command).await,
        Operation::Usage(arguments) => usage::run(stack, arguments).await,
        Operation::Migrate(arguments) => return migrate::run(stack, arguments).await,
        Operation::Token(command) => return token_import::run(stack, command).await,
        Operation::Vault(command) => return rewrap::run(stack, command).await,
    };
    Ok((answer?, true))
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

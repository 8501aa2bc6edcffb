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
mod requests;
mod stack;
mod tenant;
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
    /// Tenants.
    #[command(subcommand)]
    Tenant(tenant::Command),
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
            Box::pin(audit::told(&stack, audit::Act::of(given), work)).await?.print(json);
            Ok(true)
        }
        Command::Doctor(options) => {
            let name = stack.ok_or(NoStackNamed)?;
            doctor::run(&name, json, &options, doctor::Given::from_env()).await
        }
    }
}

async fn carry_out(stack: &Stack, operation: Operation) -> Result<Answer, Box<dyn Error>> {
    match operation {
        Operation::AfterRestore(arguments) => after_restore::run(stack, arguments).await.map(Answer::One),
        Operation::HashSecret(command) => hash_secret::run(stack, command).await.map(Answer::One),
        Operation::Key(command) => key::run(stack, command).await,
        Operation::Tenant(command) => tenant::run(stack, command).await,
    }
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

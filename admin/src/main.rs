//! `flickrhub-admin`: what an operator does to a deployed stack, with the operator's own AWS credentials.

mod doctor;
mod formation;
mod stack;
mod tenant;

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::stack::Stack;

/// Operates a deployed FlickrHub stack, with your own AWS credentials.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The name of the CloudFormation stack. Its outputs say where its tables and keys are, and AWS credentials and
    /// region are found as the AWS CLI finds them: `AWS_PROFILE`, `AWS_REGION`, single sign-on, and so on. Without it
    /// the settings (`VAULT_TABLE`, `HASH_SECRET_ARN`, ...), credentials and region are read from the environment.
    #[arg(long, value_name = "NAME", global = true)]
    stack: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Tenants.
    #[command(subcommand)]
    Tenant(tenant::Command),
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
    match run(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("flickrhub-admin: {}", hub::chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Carries out a command and prints its answer; whether all is well.
async fn run(Arguments { stack, command }: Arguments) -> Result<bool, Box<dyn Error>> {
    match command {
        Command::Tenant(command) => {
            let stack = match stack {
                Some(name) => Stack::open(&name).await?,
                None => Stack::from_env()?,
            };
            println!("{}", tenant::run(&stack, command).await?);
            Ok(true)
        }
        Command::Doctor(options) => {
            let name = stack.ok_or(NoStackNamed)?;
            doctor::run(&name, &options, doctor::Given::from_env()).await
        }
    }
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

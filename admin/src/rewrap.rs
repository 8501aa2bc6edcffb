//! The sealed secrets of the vault.

use std::{error::Error, time::Duration};

use clap::Subcommand;
use domain::TenantId;
use hub::rewrap::{self, Report};
use serde_json::json;

use crate::{answer::Answer, pace::Pace, stack::Stack};

/// What is done to sealed secrets.
#[derive(Subcommand)]
pub enum Command {
    /// Seals every secret again, each under a fresh data key and the newest material of its KMS key, while the stack
    /// runs: tokens of accounts, credentials of Flickr apps, and secrets that sign requests. What somebody else replaces
    /// meanwhile stays as they stored it. It may be stopped and repeated; its progress says from where to go on. Exits
    /// with 1 if a secret could not be sealed again.
    ///
    /// It needs the rights to decrypt and to generate data keys with both KMS keys.
    Rewrap {
        /// Only those of this tenant.
        #[arg(long, value_name = "TENANT_ID")]
        tenant: Option<TenantId>,
        /// From where to go on: the `next` of the last line of progress.
        #[arg(long, value_name = "NEXT")]
        from: Option<String>,
        /// The most secrets that are sealed in a second. Each costs two requests to KMS, one write and a part of a read.
        #[arg(long, value_name = "SECRETS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        per_second: u32,
    },
}

/// Carries out the command; its answer, and whether all is done.
///
/// # Errors
/// When a KMS key is none, or the vault table cannot be read.
pub async fn run(stack: &Stack, command: Command) -> Result<(Answer, bool), Box<dyn Error>> {
    let Command::Rewrap { tenant, from, per_second } = command;
    let pace = Pace::new(per_second, Duration::from_secs(1));
    let progress = |report: &Report, next: Option<&str>| {
        let Report { rewrapped, replaced_meanwhile, failed } = report;
        eprintln!(
            "{}",
            json!({
                "rewrapped": rewrapped, "replaced_meanwhile": replaced_meanwhile, "failed": failed, "next": next,
            })
        );
    };
    let (cloud, vaults) = (stack.cloud(), stack.vaults()?);
    let wait = async |secrets| pace.wait(secrets).await;
    let report = rewrap::run(&cloud, &vaults, tenant.as_ref(), from, wait, progress).await?;
    Ok((Answer::One(json!(report)), report.failed == 0))
}

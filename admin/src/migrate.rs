//! Records of a former release, stored as this one does.

use std::{error::Error, time::Duration};

use clap::Args;
use domain::TenantId;
use hub::{
    migration::{self, Report},
    operator_mode::OperatorMode,
};
use serde_json::json;

use crate::{answer::Answer, pace::Pace, stack::Stack};

/// How records are migrated.
#[derive(Args)]
pub struct Arguments {
    /// Only those of this tenant.
    #[arg(long, value_name = "TENANT_ID")]
    tenant: Option<TenantId>,
    /// Counts what would be migrated, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// The most records that are migrated in a second. Each costs up to four write units.
    #[arg(long, value_name = "RECORDS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    per_second: u32,
}

/// Migrates; the answer, and whether all is done.
///
/// # Errors
/// When a table cannot be read.
pub async fn run(
    stack: &Stack,
    Arguments { tenant, dry_run, per_second }: Arguments,
) -> Result<(Answer, bool), Box<dyn Error>> {
    let mode = OperatorMode::of(dry_run);
    let pace = Pace::new(per_second, Duration::from_secs(1));
    let progress = |report: &Report| eprintln!("{}", json!(report));
    let report = migration::run(&stack.cloud(), mode, tenant.as_ref(), async || pace.wait(1).await, progress).await?;
    let mut answer = json!(report);
    answer["dry_run"] = json!(dry_run);
    Ok((Answer::One(answer), report.failed == 0))
}

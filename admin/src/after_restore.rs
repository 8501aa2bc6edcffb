//! After tables were restored to a point in time: their settings, and what the jobs must not do again.

use std::error::Error;

use aws::RestoredTable;
use clap::Args;
use hub::{
    after_restore::{self, Report},
    operator_mode::OperatorMode,
};
use serde_json::{Value, json};

use crate::stack::Stack;

/// Which tables were restored.
#[derive(Args)]
pub struct Arguments {
    /// The jobs table that was restored, which the stack does not use yet. Its open writes that must not be repeated
    /// end as `outcome_unknown`, since they may have been sent after the point to which it was restored; all that is
    /// cached is invalidated.
    #[arg(long, value_name = "NAME", required_unless_present = "vault_table")]
    jobs_table: Option<String>,
    /// The vault table that was restored, which the stack does not use yet.
    #[arg(long, value_name = "NAME")]
    vault_table: Option<String>,
    /// Counts what would be done to jobs, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Goes on although the stack is not paused, uses the table, or is not named.
    #[arg(long)]
    force: bool,
}

/// Why nothing was done, or not all.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Refused {
    #[error("whether the stack is paused is not known: name it by --stack, or use --force")]
    NotNamed,
    #[error("the stack is not paused: deploy it with `Paused=true` first, or use --force")]
    NotPaused,
    #[error("the stack uses the table `{0}`: name the one that was restored, or use --force")]
    InUse(String),
    #[error("{0} jobs or accounts could not be dealt with: repeat the command")]
    Unfinished(u64),
}

/// Carries out the command; its answer, as JSON.
///
/// # Errors
/// When the stack is not paused, uses the tables already, or something could not be read or written.
pub async fn run(stack: &Stack, arguments: Arguments) -> Result<Value, Box<dyn Error>> {
    let Arguments { jobs_table, vault_table, dry_run, force } = arguments;
    if !dry_run {
        let tables = [(&jobs_table, false), (&vault_table, stack.protects_vault())];
        let tables = tables.into_iter().filter_map(|(name, is_protected)| {
            Some(RestoredTable { name: name.clone()?, is_protected, tags: stack.tags().to_vec() })
        });
        let tables: Vec<RestoredTable> = tables.collect();
        if !force {
            check(stack.is_paused(), &stack.table_names(), &tables)?;
        }
        for table in &tables {
            table.set_up(stack.config()).await?;
        }
    }
    // A restored vault needs its settings alone.
    let Some(jobs_table) = jobs_table else { return Ok(json!({ "dry_run": dry_run, "jobs": null })) };
    let mode = OperatorMode::of(dry_run);
    let cloud = stack.cloud_with(vault_table, jobs_table);
    let report = after_restore::run(&cloud, mode, |report: &Report| eprintln!("{}", json!(report))).await?;
    if !dry_run && report.failed > 0 {
        return Err(Refused::Unfinished(report.failed).into());
    }
    Ok(json!({ "dry_run": dry_run, "jobs": report }))
}

/// Whether tables may be changed: nothing uses them, and nothing runs jobs of those that are used, or a job that is
/// scheduled for later would run in both.
fn check(is_paused: Option<bool>, used: &[&str], restored: &[RestoredTable]) -> Result<(), Refused> {
    match is_paused {
        None => return Err(Refused::NotNamed),
        Some(false) => return Err(Refused::NotPaused),
        Some(true) => {}
    }
    let in_use = restored.iter().find(|table| used.contains(&table.name.as_str()));
    in_use.map_or(Ok(()), |table| Err(Refused::InUse(table.name.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_table_that_a_paused_stack_does_not_use_is_changed() {
        let used = ["vault", "jobs", "runtime"];
        let named = |names: &[&str]| -> Vec<RestoredTable> {
            names.iter().map(|name| RestoredTable { name: (*name).to_owned(), ..RestoredTable::default() }).collect()
        };
        let restored = named(&["restored"]);
        assert_eq!(check(Some(true), &used, &restored), Ok(()));
        assert_eq!(check(Some(false), &used, &restored), Err(Refused::NotPaused));
        assert_eq!(check(None, &used, &restored), Err(Refused::NotNamed));
        let both = named(&["restored", "jobs"]);
        assert_eq!(check(Some(true), &used, &both), Err(Refused::InUse("jobs".to_owned())));
    }
}

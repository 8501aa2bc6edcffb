//! What tenants use of what they are held to.

use std::error::Error;

use aws::Cloud;
use clap::Args;
use domain::TenantId;
use hub::{
    limits::Limits,
    ports::Tenants,
    tenants,
    usage::{self, AppUsage, TenantUsage},
};
use serde_json::{Value, json};

use crate::{answer::Answer, stack::Stack};

/// Whose usage is shown.
#[derive(Args)]
pub struct Arguments {
    /// Only that of this tenant. Without it, the whole vault table is read for all tenants.
    #[arg(long, value_name = "TENANT_ID")]
    tenant: Option<TenantId>,
}

/// What the tenants use, one a row.
///
/// # Errors
/// When a tenant is unknown, or a table cannot be read.
pub async fn run(stack: &Stack, Arguments { tenant }: Arguments) -> Result<Answer, Box<dyn Error>> {
    let (cloud, limits) = (stack.cloud(), *stack.limits());
    let tenants = match tenant {
        Some(tenant) => vec![tenant],
        None => cloud.tenants().await?,
    };
    let mut rows = Vec::new();
    for tenant in &tenants {
        rows.push(row(&cloud, &limits, tenant).await?);
    }
    let columns = &[
        "tenant_id",
        "name",
        "state",
        "accounts",
        "jobs_of_hour",
        "jobs_of_day",
        "pending_jobs",
        "stored_bytes",
        "calls_used_percent",
        "waiting_jobs",
    ];
    Ok(Answer::List { columns, rows })
}

async fn row(cloud: &Cloud, limits: &Limits, tenant: &TenantId) -> Result<Value, Box<dyn Error>> {
    let tenant = tenants::get(cloud, tenant).await?;
    let TenantUsage { accounts, accepted, pending_jobs, stored_bytes, apps } =
        usage::of_tenant(cloud, limits, &tenant).await?;
    let limits = limits.of_tenant(&tenant.limits);
    let apps: Vec<Value> = apps.iter().map(app).collect();
    let worst = |member: &str| apps.iter().filter_map(|app| app[member].as_u64()).max();
    Ok(json!({
        "tenant_id": tenant.id, "name": tenant.name,
        "state": if tenant.suspended_at.is_some() { "suspended" } else { "active" },
        "accounts": accounts,
        "jobs_of_hour": accepted.map(|counts| counts.of_hour), "max_jobs_per_hour": limits.job_quotas.per_hour,
        "jobs_of_day": accepted.map(|counts| counts.of_day), "max_jobs_per_day": limits.job_quotas.per_day,
        "pending_jobs": pending_jobs, "max_pending_jobs_per_account": limits.max_pending_jobs,
        "stored_bytes": stored_bytes, "max_stored_bytes": limits.max_stored_bytes,
        "calls_used_percent": worst("calls_used_percent"),
        "waiting_jobs": apps.iter().filter_map(|app| app["waiting_jobs"].as_u64()).sum::<u64>(),
        "apps": apps,
    }))
}

/// How the budget of a Flickr app stands, whoever shares it.
fn app(AppUsage { app, limit, status, waiting_jobs }: &AppUsage) -> Value {
    let left = u64::from(status.remaining_calls.min(limit.burst_calls));
    json!({
        "app_id": app, "calls_per_hour": limit.calls_per_hour, "burst_calls": limit.burst_calls,
        "remaining_calls": status.remaining_calls,
        "calls_used_percent": 100 - left * 100 / u64::from(limit.burst_calls.max(1)),
        "stopped": status.stopped.is_some(), "waiting_jobs": waiting_jobs,
    })
}

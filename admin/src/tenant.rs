//! Tenants: creates, lists, suspends and limits them.

use std::error::Error;

use clap::Subcommand;
use domain::{
    TenantId,
    tenant::{Tenant, TenantChange, TenantLimits, Tier},
};
use hub::{
    ports::{Clock, Tenants},
    tenants,
};
use serde_json::{Value, json};

use crate::{
    answer::Answer,
    consent::Consent,
    key,
    limits::{self, Changes},
    stack::Stack,
    usage_plan::UsagePlan,
};

/// What is done to tenants.
#[derive(Subcommand)]
pub enum Command {
    /// Creates a tenant with its first API key, which may be used for everything.
    Create {
        /// What the tenant is called.
        #[arg(long)]
        name: String,
        /// Makes the key, adds it to the usage plan of the standard tier, and prints it this once. Without it, a key as
        /// API Gateway has it is read from standard input. Either is stored as a keyed hash alone.
        #[arg(long)]
        new_key: bool,
    },
    /// Lists all tenants. Reads the whole vault table.
    List,
    /// Shows a tenant with its limits.
    Show {
        /// Its id.
        tenant: TenantId,
    },
    /// Refuses all requests of a tenant with 403; functions that remember it, within a minute. Its accepted jobs run on.
    Suspend {
        /// Its id.
        tenant: TenantId,
        #[command(flatten)]
        consent: Consent,
    },
    /// Takes requests of a tenant again.
    Resume {
        /// Its id.
        tenant: TenantId,
    },
    /// Gives a tenant another tier. New keys are added to its usage plan; keys that there are stay in theirs.
    Tier {
        /// Its id.
        tenant: TenantId,
        /// The tier's name.
        tier: Tier,
    },
    /// What a tenant is held to.
    #[command(subcommand)]
    Limits(LimitsCommand),
}

/// What is done to limits.
#[derive(Subcommand)]
pub enum LimitsCommand {
    /// Sets the limits that are given, and takes away those that are named by `--unset`; the others stay.
    Set {
        /// The tenant's id.
        tenant: TenantId,
        #[command(flatten)]
        changes: Changes,
    },
}

/// Carries out the command; its answer.
///
/// # Errors
/// When standard input or the hash secret cannot be read, the tenant is unknown or cannot be created, or the operator
/// refuses.
pub async fn run(stack: &Stack, command: Command) -> Result<Answer, Box<dyn Error>> {
    let cloud = stack.cloud();
    match command {
        Command::Create { name, new_key } => {
            let created = if new_key { create_with_new_key(stack, &name).await? } else { create(stack, &name).await? };
            Ok(Answer::One(created))
        }
        Command::List => list(&cloud).await,
        Command::Show { tenant } => Ok(Answer::One(shown(&tenants::get(&cloud, &tenant).await?))),
        Command::Suspend { tenant, consent } => {
            let Tenant { name, .. } = tenants::get(&cloud, &tenant).await?;
            consent.ask(&format!("All requests of {name:?} ({tenant}) will be refused."))?;
            changed(&cloud, &tenant, TenantChange::Suspend(cloud.now())).await
        }
        Command::Resume { tenant } => changed(&cloud, &tenant, TenantChange::Resume).await,
        Command::Tier { tenant, tier } => {
            // A tier that no key can have is a mistake.
            UsagePlan::of(stack, &tier).await?;
            changed(&cloud, &tenant, TenantChange::SetTier(tier)).await
        }
        Command::Limits(LimitsCommand::Set { tenant, changes }) => {
            let before = tenants::get(&cloud, &tenant).await?.limits;
            let limits = limits::changed(before, changes, &stack.allowed_origins()?)?;
            changed(&cloud, &tenant, TenantChange::SetLimits(limits)).await
        }
    }
}

/// Creates a tenant whose key is on standard input.
async fn create(stack: &Stack, name: &str) -> Result<Value, Box<dyn Error>> {
    let api_key = key::read(std::io::stdin())?;
    let keyed_hash = stack.keyed_hash().await?;
    let tenant = tenants::create(&stack.cloud(), &keyed_hash, name, &api_key).await?;
    Ok(json!({ "tenant_id": tenant }))
}

async fn create_with_new_key(stack: &Stack, name: &str) -> Result<Value, Box<dyn Error>> {
    let (cloud, keyed_hash) = (stack.cloud(), stack.keyed_hash().await?);
    let plan = UsagePlan::of(stack, &Tier::default()).await?;
    let key = tenants::generate_key(&cloud);
    let tenant = tenants::create(&cloud, &keyed_hash, name, key.as_str()).await?;
    if let Err(error) = key::register(stack, plan.as_ref(), &key).await {
        eprintln!("flickrhub-admin: the tenant {tenant} is created, without a key: give it one by `key create`");
        return Err(error);
    }
    let mut created = key::shown(&key);
    created["tenant_id"] = json!(tenant);
    Ok(created)
}

/// Changes a tenant, and shows it as it is then.
async fn changed(ports: &impl Tenants, id: &TenantId, change: TenantChange) -> Result<Answer, Box<dyn Error>> {
    tenants::change(ports, id, &change).await?;
    Ok(Answer::One(shown(&tenants::get(ports, id).await?)))
}

async fn list(ports: &impl Tenants) -> Result<Answer, Box<dyn Error>> {
    let mut rows = Vec::new();
    for id in ports.tenants().await? {
        rows.push(shown(&tenants::get(ports, &id).await?));
    }
    Ok(Answer::List { columns: &["tenant_id", "name", "state", "tier", "created_at"], rows })
}

fn shown(tenant: &Tenant) -> Value {
    let Tenant { id, name, created_at, tier, suspended_at, limits } = tenant;
    let limits: &TenantLimits = limits;
    json!({
        "tenant_id": id, "name": name, "state": if suspended_at.is_some() { "suspended" } else { "active" },
        "tier": tier.as_str(), "limits": limits, "created_at": created_at.to_string(),
        "suspended_at": suspended_at.map(|at| at.to_string()),
    })
}

//! API keys: creates, lists, rotates and revokes those of tenants; disables and enables one, stores one under the current
//! version of the hash secret, and says how the requests of one are signed.

use std::{error::Error, io::Read, time::Duration};

use aws_smithy_types::base64;
use clap::Subcommand;
use domain::{
    KeyId, TenantId, Timestamp,
    api_key::{ApiKey, KeyChange, Scope, Scopes},
};
use hub::{
    key_rotation,
    ports::{Clock, KeyUses, Tenants},
    signing::{self, NewSigningSecret},
    tenants::{self, KeyRequest},
};
use serde_json::{Value, json};

use crate::{
    answer::Answer,
    consent::Consent,
    stack::Stack,
    usage_plan::{self, UsagePlan},
};

/// What is done to API keys. A key itself is never an argument: others on the machine can list those.
#[derive(Subcommand)]
pub enum Command {
    /// Makes a new key of a tenant, adds it to the usage plan of the tenant's tier, and prints it. It is printed this
    /// once and stored nowhere by FlickrHub.
    Create {
        /// Whose it is to be.
        #[arg(long, value_name = "TENANT_ID")]
        tenant: TenantId,
        /// What it is called.
        #[arg(long)]
        name: Option<String>,
        /// What it may be used for; repeat it for several. Without it, everything.
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<Scope>,
        /// From when on it is refused, such as 2027-01-31T00:00:00Z. Without it, it has no end.
        #[arg(long, value_name = "TIME")]
        expires_at: Option<Timestamp>,
    },
    /// Lists the keys of a tenant. A key that was stored before keys had ids is not listed.
    List {
        /// Whose they are.
        #[arg(long, value_name = "TENANT_ID")]
        tenant: TenantId,
    },
    /// Makes a key in place of another, for the same, and prints it this once. The other is refused after an overlap.
    /// Where its requests are signed, the new key has a signing secret of its own, which is printed with it.
    Rotate {
        /// The id of the key that is replaced.
        key_id: KeyId,
        /// For how long both are accepted.
        #[arg(long, value_name = "HOURS", default_value_t = 24)]
        overlap_hours: u32,
        #[command(flatten)]
        consent: Consent,
    },
    /// Refuses a key for good, here within a minute and in API Gateway.
    Revoke {
        /// Its id: what stands between the first two underscores of the key, after `key_`.
        key_id: KeyId,
        #[command(flatten)]
        consent: Consent,
    },
    /// Refuses the key on standard input from now on, whatever API Gateway says; functions that remember it, within a
    /// minute.
    Disable,
    /// Accepts the key on standard input again.
    Enable,
    /// Stores the key on standard input under the current version of the hash secret.
    Rehash,
    /// Says how the requests of the key on standard input are signed. Functions that remember the key know it within a
    /// minute.
    #[command(subcommand)]
    Sign(Signing),
}

/// How the requests of the API key are signed.
#[derive(Subcommand)]
pub enum Signing {
    /// Makes a signing secret, in place of one that is there, and prints it: as base64, this once.
    Enable,
    /// Refuses requests that are not signed.
    Require,
    /// Accepts requests that are not signed, too.
    Permit,
    /// Removes the signing secret: requests are not signed any more, and those that are signed are refused.
    Disable,
}

/// Carries out the command; its answer.
///
/// # Errors
/// When the hash secret or standard input cannot be read, no tenant has the key, the key has no signing secret where one
/// is needed, API Gateway refuses, or the operator does.
pub async fn run(stack: &Stack, command: Command) -> Result<Answer, Box<dyn Error>> {
    let cloud = stack.cloud();
    let one = |value: Value| Ok(Answer::One(value));
    match command {
        Command::Create { tenant, name, scopes, expires_at } => {
            let scopes = if scopes.is_empty() { Scopes::all() } else { scopes.into_iter().collect() };
            one(create(stack, &tenant, KeyRequest { name, scopes, expires_at }).await?)
        }
        Command::List { tenant } => list(&cloud, &tenant).await,
        Command::Rotate { key_id, overlap_hours, consent } => {
            consent.ask(&format!("{key_id} will be refused in {overlap_hours} hours."))?;
            one(rotate(stack, &key_id, Duration::from_secs(u64::from(overlap_hours) * 3600)).await?)
        }
        Command::Revoke { key_id, consent } => {
            consent.ask(&format!("{key_id} will be refused for good."))?;
            tenants::change_key_of_id(&cloud, &key_id, KeyChange::Revoke(cloud.now())).await?;
            // API Gateway would only refuse it earlier: the key has ended whatever it says.
            let disabled = usage_plan::disable(stack, &key_id).await;
            let disabled = disabled.inspect_err(|error| eprintln!("flickrhub-admin: {}", hub::chain(error)));
            one(json!({ "key_id": key_id, "revoked": true, "disabled_in_api_gateway": disabled.unwrap_or(false) }))
        }
        Command::Disable => one(change(stack, KeyChange::Disable(cloud.now())).await?),
        Command::Enable => one(change(stack, KeyChange::Enable).await?),
        Command::Rehash => {
            let (api_key, keyed_hash) = (read(std::io::stdin())?, stack.keyed_hash().await?);
            one(json!({ "rehashed": tenants::rehash(&cloud, &keyed_hash, &api_key).await? }))
        }
        Command::Sign(command) => one(sign(stack, command).await?),
    }
}

/// Changes the key on standard input.
async fn change(stack: &Stack, change: KeyChange) -> Result<Value, Box<dyn Error>> {
    let (api_key, keyed_hash) = (read(std::io::stdin())?, stack.keyed_hash().await?);
    tenants::change_key(&stack.cloud(), &keyed_hash, &api_key, change).await?;
    Ok(json!({ "disabled": matches!(change, KeyChange::Disable(_)) }))
}

/// Says how the requests of the key on standard input are signed.
async fn sign(stack: &Stack, command: Signing) -> Result<Value, Box<dyn Error>> {
    let (api_key, keyed_hash, cloud) = (read(std::io::stdin())?, stack.keyed_hash().await?, stack.cloud());
    let require = async |is_required| {
        signing::set_required(&cloud, &keyed_hash, &api_key, is_required).await?;
        Ok(json!({ "signature_required": is_required }))
    };
    match command {
        Signing::Enable => {
            let secrets = stack.vaults()?.secrets;
            Ok(shown_secret(&signing::give_secret(&cloud, &secrets, &keyed_hash, &api_key).await?))
        }
        Signing::Require => require(true).await,
        Signing::Permit => require(false).await,
        Signing::Disable => {
            signing::take_secret(&cloud, &keyed_hash, &api_key).await?;
            Ok(json!({ "signed": false }))
        }
    }
}

async fn create(stack: &Stack, tenant: &TenantId, request: KeyRequest) -> Result<Value, Box<dyn Error>> {
    let (cloud, keyed_hash) = (stack.cloud(), stack.keyed_hash().await?);
    let plan = UsagePlan::of(stack, &tenants::get(&cloud, tenant).await?.tier).await?;
    let key = tenants::generate_key(&cloud);
    tenants::create_key(&cloud, &keyed_hash, tenant, key.as_str(), request).await?;
    register(stack, plan.as_ref(), &key).await?;
    Ok(shown(&key))
}

async fn rotate(stack: &Stack, old: &KeyId, overlap: Duration) -> Result<Value, Box<dyn Error>> {
    let (cloud, keyed_hash) = (stack.cloud(), stack.keyed_hash().await?);
    let stored = cloud.key_of_id(old).await?.ok_or(hub::Error::from(hub::Kind::ApiKeyNotFound))?;
    let plan = UsagePlan::of(stack, &tenants::get(&cloud, &stored.record.tenant).await?.tier).await?;
    let key = tenants::generate_key(&cloud);
    // Known to API Gateway first: the old one must not end for a new one that is refused there.
    if let Some(plan) = &plan {
        plan.register(&key).await?;
    }
    let secrets = stack.vaults()?.secrets;
    let secret = key_rotation::rotate(&cloud, &secrets, &keyed_hash, old, key.as_str(), overlap).await?;
    let (mut shown, secret) = (shown(&key), secret.as_ref().map(shown_secret));
    if let (Value::Object(shown), Some(Value::Object(secret))) = (&mut shown, secret) {
        shown.extend(secret);
    }
    Ok(shown)
}

/// Adds a stored key to its usage plan. One that cannot be added is revoked: nobody has it.
///
/// # Errors
/// When API Gateway refuses.
pub async fn register(stack: &Stack, plan: Option<&UsagePlan>, key: &ApiKey) -> Result<(), Box<dyn Error>> {
    let Some(plan) = plan else {
        eprintln!("flickrhub-admin: the stack is not named, so the key is not added to a usage plan of API Gateway");
        return Ok(());
    };
    if let Err(error) = plan.register(key).await {
        let cloud = stack.cloud();
        tenants::change_key_of_id(&cloud, key.id(), KeyChange::Revoke(cloud.now())).await?;
        return Err(error.into());
    }
    Ok(())
}

/// A new key, as it is printed once.
pub fn shown(key: &ApiKey) -> Value {
    json!({ "key_id": key.id(), "api_key": key.as_str() })
}

/// A new signing secret, as it is printed once.
fn shown_secret(NewSigningSecret { id, secret }: &NewSigningSecret) -> Value {
    json!({ "keyid": id, "secret": base64::encode(secret.expose()) })
}

async fn list(cloud: &(impl Clock + Tenants + KeyUses), tenant: &TenantId) -> Result<Answer, Box<dyn Error>> {
    let (uses, now) = (cloud.key_uses(tenant).await?, cloud.now());
    let row = |key: hub::ports::StoredKey| {
        let key = key.record;
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let used = key.id.as_ref().and_then(|id| uses.get(id)).map(ToString::to_string);
        json!({
            "key_id": key.id, "name": key.name, "state": key.state(now).as_str(),
            "scopes": key.scopes.iter().map(Scope::as_str).collect::<Vec<_>>(),
            "created_at": key.created_at.to_string(), "expires_at": time(key.expires_at),
            "disabled_at": time(key.disabled_at), "revoked_at": time(key.revoked_at), "last_used_on": used,
            "signature_required": key.signing.map(|signing| signing.is_required),
        })
    };
    let rows = cloud.keys_of(tenant).await?.into_iter().map(row).collect();
    Ok(Answer::List { columns: &["key_id", "name", "state", "last_used_on", "expires_at", "scopes"], rows })
}

/// The API key on the input: all of it but the end of the line.
pub fn read(input: impl Read) -> std::io::Result<String> {
    // Enough for one that is too long to be refused.
    const MAX_BYTES: u64 = 1024;
    let mut api_key = String::new();
    input.take(MAX_BYTES).read_to_string(&mut api_key)?;
    Ok(api_key.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_without_the_end_of_its_line() {
        for input in ["key", "key\n", "key\r\n"] {
            assert_eq!(read(input.as_bytes()).unwrap(), "key");
        }
        assert_eq!(read(" key \n".as_bytes()).unwrap(), " key ", "spaces are refused and not removed");
        assert_eq!(read("k".repeat(5000).as_bytes()).unwrap().len(), 1024);
    }
}

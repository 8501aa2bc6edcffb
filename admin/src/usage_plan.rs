//! API Gateway's own store of API keys: a key is known to it under its id, and belongs to the usage plan of its tenant's
//! tier.

use aws::Machine;
use domain::{KeyId, api_key::ApiKey, tenant::Tier};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    requests::{
        aws::{Aws, Service, Unanswered},
        http::Http,
    },
    stack::Stack,
};

/// Where a tier's keys are registered.
pub struct UsagePlan {
    aws: Aws<Machine>,
    id: String,
}

/// Why a key is not registered, or not disabled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stack has no usage plan of this name.
    #[error("the tier `{tier}` has no usage plan: the stack lacks the output `{output}`")]
    NoPlan {
        /// The tier.
        tier: Tier,
        /// The output that would name its plan.
        output: String,
    },
    /// AWS cannot be asked.
    #[error(transparent)]
    Stack(#[from] crate::stack::Error),
    /// API Gateway refuses.
    #[error("API Gateway could not {what}: {why}")]
    Refused {
        /// What it should do.
        what: &'static str,
        /// What it says.
        why: String,
    },
}

#[derive(Deserialize)]
struct GatewayKey {
    id: String,
}

#[derive(Deserialize)]
struct GatewayKeys {
    /// API Gateway's name of the list; the emulator's is the SDKs'.
    #[serde(default, alias = "items")]
    item: Vec<GatewayKey>,
}

impl UsagePlan {
    /// The plan of the tier; `None` where the stack is not named, so that nothing says what its plans are.
    ///
    /// # Errors
    /// [`Error::NoPlan`], or when AWS cannot be asked.
    pub async fn of(stack: &Stack, tier: &Tier) -> Result<Option<Self>, Error> {
        let Some(outputs) = stack.outputs() else { return Ok(None) };
        let output = output(tier);
        let id = outputs.get(&output).cloned();
        let id = id.ok_or_else(|| Error::NoPlan { tier: tier.clone(), output })?;
        Ok(Some(Self { aws: signed_client(stack).await?, id }))
    }

    /// Makes the key known to API Gateway, which then takes it in requests.
    ///
    /// # Errors
    /// When API Gateway refuses. The key may be known to it, and then belongs to no plan and is of no use.
    pub async fn register(&self, key: &ApiKey) -> Result<(), Error> {
        let body = json!({ "name": key.id(), "value": key.as_str(), "enabled": true });
        let made: GatewayKey = self
            .aws
            .ask(Service::ApiGateway, Method::POST, "/apikeys", &body)
            .await
            .map_err(refused("store the key"))?;
        let (path, body) = (format!("/usageplans/{}/keys", self.id), json!({ "keyId": made.id, "keyType": "API_KEY" }));
        let added: Result<Value, Unanswered> = self.aws.ask(Service::ApiGateway, Method::POST, &path, &body).await;
        added.map(|_| ()).map_err(refused("add the key to the usage plan"))
    }
}

/// Disables the key in API Gateway; whether it is known there under its id.
///
/// # Errors
/// When API Gateway refuses.
pub async fn disable(stack: &Stack, id: &KeyId) -> Result<bool, Error> {
    let aws = signed_client(stack).await?;
    let path = format!("/apikeys?name={id}");
    let found: GatewayKeys = aws.get(Service::ApiGateway, &path).await.map_err(refused("find the key"))?;
    let body = json!({ "patchOperations": [{ "op": "replace", "path": "/enabled", "value": "false" }] });
    for key in &found.item {
        let path = format!("/apikeys/{}", key.id);
        let changed: Result<Value, Unanswered> = aws.ask(Service::ApiGateway, Method::PATCH, &path, &body).await;
        changed.map_err(refused("disable the key"))?;
    }
    Ok(!found.item.is_empty())
}

async fn signed_client(stack: &Stack) -> Result<Aws<Machine>, Error> {
    let http = Http::new().map_err(crate::stack::Error::from)?;
    Ok(Aws::new(stack.config(), http, Machine).await?)
}

fn refused(what: &'static str) -> impl FnOnce(Unanswered) -> Error {
    move |unanswered| {
        let why = match unanswered {
            Unanswered::NotFound => "there is no such thing".to_owned(),
            Unanswered::Because(why) => why,
        };
        Error::Refused { what, why }
    }
}

/// The output that names the usage plan of a tier: `UsagePlanId` for the standard one, and for another its name before
/// that, such as `MuseumUsagePlanId`.
fn output(tier: &Tier) -> String {
    if *tier == Tier::default() {
        return "UsagePlanId".to_owned();
    }
    let (first, rest) = tier.as_str().split_at(1);
    format!("{}{rest}UsagePlanId", first.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = include_str!("../../template.yaml");

    #[test]
    fn the_stack_names_the_plan_of_the_standard_tier() {
        assert!(TEMPLATE.contains(&format!("\n  {}:\n", output(&Tier::default()))));
        assert_eq!(output(&"museum2".parse().unwrap()), "Museum2UsagePlanId");
    }

    #[test]
    fn a_list_of_keys_is_read_by_either_name() {
        for text in [r#"{"item":[{"id":"a"}]}"#, r#"{"items":[{"id":"a"}]}"#] {
            assert_eq!(serde_json::from_str::<GatewayKeys>(text).unwrap().item[0].id, "a");
        }
        assert!(serde_json::from_str::<GatewayKeys>("{}").unwrap().item.is_empty());
    }
}

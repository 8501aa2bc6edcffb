//! Records as the release before API keys had ids wrote them, put into the deployed tables and migrated.

use std::collections::HashMap;

use api::AccountList;
use aws::Settings;
use aws_sdk_dynamodb::{Client, primitives::Blob, types::AttributeValue};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{TenantId, UserId};
use hub::ports::Entropy;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    emulator::{ask, cloud, random_key, table},
    operator::admin,
    stack::{Hub, env},
};

type Item = HashMap<String, AttributeValue>;

/// The tenant, the API key's hash and the account in the data.
const TENANT: &str = "ten_01010101010101010101010101010101";
const KEY_HASH: &str = "KEY#8986601a106df752be906e205aab9dabf0b48297c626dc113c255340066163dd";
const USER: &str = "usr_3e8be2b4259bc03a5eb8e7c45534f30a";

fn value(typed: &Value) -> AttributeValue {
    match (&typed["S"], &typed["N"], &typed["B"], &typed["BOOL"]) {
        (Value::String(text), ..) => AttributeValue::S(text.clone()),
        (_, Value::String(digits), ..) => AttributeValue::N(digits.clone()),
        (_, _, Value::String(text), _) => AttributeValue::B(Blob::new(STANDARD.decode(text).unwrap())),
        (.., flag) => AttributeValue::Bool(flag.as_bool().unwrap()),
    }
}

/// The records of the first tenant, as those of a tenant of the test's own with this key, whose requests need not be
/// signed.
async fn records(tenant: &TenantId, user: &UserId, key: &str) -> Vec<Item> {
    let keyed_hash = aws::keyed_hash(&aws::sdk_config().unwrap(), &Settings::from_env().unwrap().keys).await.unwrap();
    let hash = format!("KEY#{}", keyed_hash.api_key(key).current().as_str());
    let text = include_str!("../../shared/aws/data/former-records.json");
    let text = text.replace(KEY_HASH, &hash).replace(TENANT, tenant.as_str()).replace(USER, user.as_str());
    let mut items: Vec<HashMap<String, Value>> = serde_json::from_str(&text).unwrap();
    items.retain(|item| {
        item["pk"]["S"] == hash.as_str() || item["pk"]["S"].as_str().unwrap().starts_with(tenant.as_str())
    });
    for item in &mut items {
        item.retain(|name, _| !["signing_key", "signature_required"].contains(&name.as_str()));
    }
    items.iter().map(|item| item.iter().map(|(name, typed)| (name.clone(), value(typed))).collect()).collect()
}

/// A caller whose key API Gateway takes.
async fn caller(key: &str) -> Hub {
    let body = json!({ "name": "former", "value": key, "enabled": true });
    let made = ask("apigateway", Method::POST, "/apikeys", None, &body).await;
    let plans = ask("apigateway", Method::GET, "/usageplans", None, &Value::Null).await;
    let plan = plans["item"].as_array().or(plans["items"].as_array()).unwrap()[0]["id"].as_str().unwrap().to_owned();
    let body = json!({ "keyId": made["id"], "keyType": "API_KEY" });
    ask("apigateway", Method::POST, &format!("/usageplans/{plan}/keys"), None, &body).await;
    Hub::with_key(Some(key.to_owned()))
}

#[tokio::test]
async fn records_of_the_release_before_work_before_while_and_after_they_are_migrated() {
    let (tenant, key) = (TenantId::from_bytes(cloud().random()), random_key());
    let user = UserId::of(&tenant, "1@N00");
    let dynamo = Client::new(&aws::sdk_config().unwrap());
    for item in records(&tenant, &user, &key).await {
        let of_jobs = item["pk"].as_s().unwrap().starts_with(&format!("{tenant}#"));
        let name = env(if of_jobs { "JOBS_TABLE" } else { "VAULT_TABLE" });
        dynamo.put_item().table_name(name).set_item(Some(item)).send().await.unwrap();
    }
    let hub = caller(&key).await;
    let works = async || {
        let accounts = hub.get("/v1/accounts").await.data::<AccountList>().accounts;
        assert_eq!((accounts.len(), &*accounts[0].user_id, &*accounts[0].nsid), (1, user.as_str(), "1@N00"));
    };
    let keys = async || admin(&["key", "list", "--tenant", tenant.as_str(), "--json"], "").await.json();
    works().await;
    assert_eq!(keys().await, json!([]), "a key without an id is not listed");

    let migrate = ["migrate", "--tenant", tenant.as_str(), "--per-second", "500"];
    let all = json!({ "tenants": 1, "api_keys": 1, "jobs": 0, "failed": 0, "dry_run": true });
    let dry = admin(&[&migrate[..], &["--dry-run"]].concat(), "").await;
    assert_eq!((dry.is_success, dry.json()), (true, all), "{}", dry.errors);
    assert_eq!(keys().await, json!([]), "a dry run changes nothing");

    let migrated = admin(&migrate, "").await;
    let all = json!({ "tenants": 1, "api_keys": 1, "jobs": 0, "failed": 0, "dry_run": false });
    assert_eq!((migrated.is_success, migrated.json()), (true, all), "{}", migrated.errors);
    works().await;
    let listed = keys().await;
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["state"]), (1, &json!("active")), "{listed}");
    let items = table(&env("VAULT_TABLE")).await;
    let records: Vec<_> =
        items.iter().filter(|item| item["sk"] == "TENANT" && item["pk"].contains(tenant.as_str())).collect();
    assert_eq!((records.len(), &*records[0]["pk"]), (1, &*format!("TENANT#{tenant}")), "{records:?}");

    let again = admin(&migrate, "").await;
    let nothing = json!({ "tenants": 0, "api_keys": 0, "jobs": 0, "failed": 0, "dry_run": false });
    assert_eq!((again.is_success, again.json()), (true, nothing), "{}", again.errors);
    assert_eq!(keys().await, listed, "a key keeps its id");
    works().await;

    let id = listed[0]["key_id"].as_str().unwrap();
    assert!(admin(&["key", "revoke", id, "--yes"], "").await.is_success);
    assert_eq!(admin(&["tenant", "show", tenant.as_str()], "").await.json()["name"], "My application 1");
}

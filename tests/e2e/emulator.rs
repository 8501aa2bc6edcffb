//! What the tests ask of AWS itself.

use std::{collections::BTreeMap, io::Read};

use aws::{Cloud, Settings, settings::Stores};
use aws_sdk_dynamodb::types::AttributeValue;
use hub::ports::Shards;
use reqwest::Method;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::stack::{Hub, client, env};

pub fn cloud() -> Cloud {
    Cloud::new(&aws::sdk_config().unwrap(), &Settings::from_env().unwrap().stores)
}

/// The same with shards of its own beyond those that the stack sweeps: what is listed there, the stack leaves alone.
pub fn cloud_with_shards(number: u8) -> Cloud {
    let stores = Settings::from_env().unwrap().stores;
    assert!(number > stores.shards.all().end, "the stack has {:?}", stores.shards);
    Cloud::new(&aws::sdk_config().unwrap(), &Stores { shards: Shards::new(number).unwrap(), ..stores })
}

/// The same with one shard more than the stack sweeps: see [`testkit::build::app`].
pub fn cloud_with_own_shard() -> Cloud {
    cloud_with_shards(Settings::from_env().unwrap().stores.shards.all().end + 1)
}

/// One request to a service of the emulator, which looks at the session token and not at the signature.
pub async fn ask(service: &str, method: Method, path: &str, target: Option<&str>, body: &Value) -> Value {
    let scope = format!("AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request");
    let http = client().no_proxy().build().unwrap();
    let mut request = http.request(method, format!("{}{path}", env("AWS_ENDPOINT_URL")));
    request = request.header("authorization", scope).header("x-amz-security-token", env("AWS_SESSION_TOKEN"));
    if let Some(target) = target {
        request = request.header("x-amz-target", target).header("content-type", "application/x-amz-json-1.1");
    }
    let response = request.body(body.to_string()).send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    assert!(status.is_success(), "{service} {path}: {status} {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

/// Another tenant, with an API key in the stack's usage plan.
pub async fn another_tenant() -> Hub {
    another_tenant_with_id().await.0
}

/// The same, with the tenant's id.
pub async fn another_tenant_with_id() -> (Hub, String) {
    let key = random_key();
    let body = json!({ "name": "another", "value": key, "enabled": true });
    let made = ask("apigateway", Method::POST, "/apikeys", None, &body).await;
    let plans = ask("apigateway", Method::GET, "/usageplans", None, &Value::Null).await;
    let plan = plans["item"].as_array().or(plans["items"].as_array()).unwrap()[0]["id"].as_str().unwrap().to_owned();
    let body = json!({ "keyId": made["id"], "keyType": "API_KEY" });
    ask("apigateway", Method::POST, &format!("/usageplans/{plan}/keys"), None, &body).await;

    let mut admin = Command::new(env("FLICKRHUB_ADMIN"));
    admin.args(["tenant", "create", "--name", "another"]);
    admin.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut admin = admin.spawn().unwrap();
    admin.stdin.take().unwrap().write_all(key.as_bytes()).await.unwrap();
    let output = admin.wait_with_output().await.unwrap();
    assert!(output.status.success());
    let created: Value = serde_json::from_slice(&output.stdout).unwrap();
    (Hub::with_key(Some(key)), created["tenant_id"].as_str().unwrap().to_owned())
}

/// Runs the operator's command for an API key, which must succeed.
pub async fn admin_key(command: &str, key: &str) {
    admin_key_answer(&[command], key).await;
}

/// The same of a command with several words; its answer.
pub async fn admin_key_answer(command: &[&str], key: &str) -> Value {
    let mut admin = Command::new(env("FLICKRHUB_ADMIN"));
    admin.arg("key").args(command).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut admin = admin.spawn().unwrap();
    admin.stdin.take().unwrap().write_all(key.as_bytes()).await.unwrap();
    let output = admin.wait_with_output().await.unwrap();
    assert!(output.status.success(), "key {command:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// An API key nobody has.
pub fn random_key() -> String {
    let mut bytes = [0; 20];
    SystemRandom::new().fill(&mut bytes).unwrap();
    hex::encode(bytes)
}

/// All log lines of a function.
pub async fn logs(function: &str) -> Vec<String> {
    let group = format!("/aws/lambda/{function}");
    let mut lines = Vec::new();
    let mut token = Value::Null;
    loop {
        let mut body = json!({ "logGroupName": group });
        if token.is_string() {
            body["nextToken"] = token;
        }
        let page = ask("logs", Method::POST, "/", Some("Logs_20140328.FilterLogEvents"), &body).await;
        for event in page["events"].as_array().unwrap() {
            lines.push(event["message"].as_str().unwrap().to_owned());
        }
        token = page["nextToken"].clone();
        if !token.is_string() {
            return lines;
        }
    }
}

/// All items of a table, as text: strings, numbers and bytes alike.
pub async fn table(name: &str) -> Vec<BTreeMap<String, String>> {
    let client = aws_sdk_dynamodb::Client::new(&aws::sdk_config().unwrap());
    let mut pages = client.scan().table_name(name).into_paginator().send();
    let mut items = Vec::new();
    while let Some(page) = pages.next().await {
        for item in page.unwrap().items() {
            items.push(item.iter().map(|(name, value)| (name.clone(), shown(value))).collect());
        }
    }
    items
}

/// All objects of the bucket of results, as text.
pub async fn objects() -> Vec<String> {
    let config = aws::sdk_config().unwrap();
    let config = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
    let client = aws_sdk_s3::Client::from_conf(config);
    let bucket = env("RESULTS_BUCKET");
    let mut texts = Vec::new();
    let mut pages = client.list_objects_v2().bucket(&bucket).into_paginator().send();
    while let Some(page) = pages.next().await {
        for object in page.unwrap().contents() {
            let found = client.get_object().bucket(&bucket).key(object.key().unwrap()).send().await.unwrap();
            let bytes = found.body.collect().await.unwrap().into_bytes();
            let mut text = String::new();
            flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
            texts.push(text);
        }
    }
    texts
}

fn shown(value: &AttributeValue) -> String {
    match value {
        AttributeValue::B(bytes) => String::from_utf8_lossy(bytes.as_ref()).into_owned(),
        AttributeValue::S(text) | AttributeValue::N(text) => text.clone(),
        other => format!("{other:?}"),
    }
}

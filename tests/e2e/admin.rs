//! The operator's command, on the stack by its name.

use std::process::{Output, Stdio};

use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::stack::env;

/// Runs the command with this on its standard input.
pub async fn run(arguments: &[&str], input: &str) -> Output {
    let mut admin = Command::new(env("FLICKRHUB_ADMIN"));
    admin.args(["--stack", &env("FLICKRHUB_STACK")]).args(arguments);
    admin.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut admin = admin.spawn().unwrap();
    admin.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    admin.wait_with_output().await.unwrap()
}

/// What the command answers, which must succeed.
pub async fn admin(arguments: &[&str]) -> Value {
    with_key(arguments, "").await
}

/// The same of a command that reads an API key.
pub async fn with_key(arguments: &[&str], api_key: &str) -> Value {
    let Output { status, stdout, stderr } = run(arguments, api_key).await;
    assert!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
    serde_json::from_slice(&stdout).unwrap()
}

/// A tenant with an API key for everything, which API Gateway knows.
#[derive(Debug, Clone)]
pub struct NewTenant {
    pub id: String,
    pub key_id: String,
    pub api_key: String,
}

/// A new tenant.
pub async fn new_tenant(name: &str) -> NewTenant {
    let made = admin(&["tenant", "create", "--name", name, "--new-key"]).await;
    let text = |member: &str| made[member].as_str().unwrap().to_owned();
    NewTenant { id: text("tenant_id"), key_id: text("key_id"), api_key: text("api_key") }
}

/// Another key of a tenant: its id, and the key.
pub async fn new_key(tenant: &NewTenant, more: &[&str]) -> (String, String) {
    let made = admin(&[&["key", "create", "--tenant", &tenant.id], more].concat()).await;
    (made["key_id"].as_str().unwrap().to_owned(), made["api_key"].as_str().unwrap().to_owned())
}

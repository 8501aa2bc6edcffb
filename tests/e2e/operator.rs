//! The operator's command, as one calls it that has the stack's name.

use std::process::Stdio;

use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::stack::{Hub, env};

/// How the command ended.
pub struct Ended {
    /// Whether all is well.
    pub is_success: bool,
    /// What it printed.
    pub output: String,
    /// What it printed to standard error.
    pub errors: String,
}

impl Ended {
    /// What it printed, as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.output).unwrap_or_else(|_| panic!("no JSON: {} {}", self.output, self.errors))
    }
}

/// Runs the command for the stack under test, with this on standard input.
pub async fn admin(arguments: &[&str], input: &str) -> Ended {
    let mut admin = Command::new(env("FLICKRHUB_ADMIN"));
    admin.args(["--stack", &env("FLICKRHUB_STACK")]).args(arguments);
    admin.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut admin = admin.spawn().unwrap();
    // One that is refused at once reads nothing.
    let _ = admin.stdin.take().unwrap().write_all(input.as_bytes()).await;
    let ended = admin.wait_with_output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { is_success: ended.status.success(), output: text(ended.stdout), errors: text(ended.stderr) }
}

/// A tenant of a test's own, with a key in the stack's usage plan: its id, and a caller with its key.
pub async fn new_tenant(name: &str) -> (String, Hub) {
    let created = admin(&["tenant", "create", "--name", name, "--new-key"], "").await.json();
    let text = |member: &str| created[member].as_str().unwrap().to_owned();
    (text("tenant_id"), Hub::with_key(Some(text("api_key"))))
}

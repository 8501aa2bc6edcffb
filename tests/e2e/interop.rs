//! What the vault seals, AWS's own Encryption SDK opens, and the other way round: a token can be
//! recovered with AWS's tools in any language (docs/security.md).

use std::process::Stdio;

use aws::{Settings, vaults};
use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::{io::AsyncWriteExt, process::Command};
use vault::{EncryptionContext, Purpose, Secret};

use crate::stack::env;

/// Runs the Python package under the key of users' tokens; `None` when it refuses.
async fn python(action: &str, record: &str, input: &[u8]) -> Option<Vec<u8>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/encryption_sdk.py");
    let mut command = Command::new(env("TOOLS_PYTHON"));
    command.args([script, action, "--key", &env("TOKEN_KEY_ARN"), "--context"]);
    command.args(["tenant=ten", &format!("record={record}"), "purpose=user-token"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    output.status.success().then_some(output.stdout)
}

#[tokio::test]
async fn secrets_go_both_ways_between_the_vault_and_the_encryption_sdk() {
    let vault = vaults(&aws::sdk_config().unwrap(), &Settings::from_env().unwrap().keys).unwrap().tokens;
    let context = EncryptionContext::new("ten", "usr", Purpose::UserToken).unwrap();
    let other = EncryptionContext::new("ten", "usr2", Purpose::UserToken).unwrap();
    let long = "ü".repeat(5_000);
    for secret in ["s", &long] {
        let sealed = vault.seal(&context, &Secret::from(secret)).await.unwrap();
        let text = STANDARD.encode(sealed.as_bytes());
        assert_eq!(python("decrypt", "usr", text.as_bytes()).await.as_deref(), Some(secret.as_bytes()));
        assert_eq!(python("decrypt", "usr2", text.as_bytes()).await, None, "another record");

        let message = python("encrypt", "usr", secret.as_bytes()).await.unwrap();
        let message = STANDARD.decode(message.trim_ascii()).unwrap();
        assert_eq!(vault.open(&context, &message).await.unwrap().expose(), secret.as_bytes());
        assert!(vault.open(&other, &message).await.is_err(), "another record");
    }
}

//! The rotation of the hash secret, by the operator's command.

use std::process::Stdio;

use api::AccountList;
use aws::Settings;
use hub::{limits::Limits, tenants};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{
    emulator::{ask, cloud, random_key},
    stack::{Hub, env},
};

/// A hash secret of the test's own, as the template has it generated; the stack's functions read another.
struct OwnSecret {
    arn: String,
}

impl OwnSecret {
    async fn new() -> Self {
        let (name, text) = (format!("rotation-{}", random_key()), format!("{0}{0}", random_key())[..64].to_owned());
        let body = json!({ "Name": name, "SecretString": text, "ClientRequestToken": random_key() });
        let target = Some("secretsmanager.CreateSecret");
        let made = ask("secretsmanager", reqwest::Method::POST, "/", target, &body).await;
        Self { arn: made["ARN"].as_str().unwrap().to_owned() }
    }

    /// What the operator's command answers; `None` where it refuses.
    async fn admin(&self, arguments: &[&str], input: &str) -> Option<Value> {
        let mut admin = Command::new(env("FLICKRHUB_ADMIN"));
        admin.args(arguments).env("HASH_SECRET_ARN", &self.arn);
        admin.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut admin = admin.spawn().unwrap();
        // One that is refused at once reads nothing.
        let _ = admin.stdin.take().unwrap().write_all(input.as_bytes()).await;
        let output = admin.wait_with_output().await.unwrap();
        output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
    }

    /// Whether a function that starts now knows the key.
    async fn knows(&self, key: &str) -> bool {
        let mut keys = Settings::from_env().unwrap().keys;
        keys.hash_secret_arn.clone_from(&self.arn);
        let keyed_hash = aws::keyed_hash(&aws::sdk_config().unwrap(), &keys).await.unwrap();
        tenants::authenticate(&cloud(), &keyed_hash, Limits::default(), key).await.is_ok()
    }
}

#[tokio::test]
async fn the_hash_secret_is_rotated_and_rotated_back_and_no_key_is_forgotten() {
    let secret = OwnSecret::new().await;
    let (key, later) = (random_key(), random_key());
    let create = ["tenant", "create", "--name", "rotation"];
    assert!(secret.admin(&create, &key).await.is_some());

    let added = secret.admin(&["hash-secret", "add"], "").await.unwrap();
    assert_eq!(added["secret"], json!({ "current": 1, "apps": 1, "versions": [1, 2] }));
    assert!(secret.knows(&key).await);
    let used = secret.admin(&["hash-secret", "use", "--version", "2"], "").await.unwrap();
    assert_eq!(used["secret"], json!({ "current": 2, "apps": 1, "versions": [1, 2] }));
    assert!(secret.admin(&create, &key).await.is_none(), "a key is one tenant's only");
    assert!(secret.admin(&create, &later).await.is_some());
    assert!(secret.knows(&key).await && secret.knows(&later).await);
    for rehashed in [true, false] {
        assert_eq!(secret.admin(&["key", "rehash"], &key).await.unwrap(), json!({ "rehashed": rehashed }));
    }
    assert!(secret.knows(&key).await);
    assert!(secret.admin(&["hash-secret", "remove", "--version", "1"], "").await.is_none(), "it names the apps");

    let back = secret.admin(&["hash-secret", "use", "--version", "1"], "").await.unwrap();
    assert_eq!(back["secret"]["current"], 1);
    let shown = secret.admin(&["hash-secret", "show"], "").await.unwrap();
    assert!(shown["keys"]["2"].as_u64().unwrap() >= 2, "{shown}");
    assert!(secret.admin(&["hash-secret", "remove", "--version", "2"], "").await.is_none(), "keys are stored under it");
    for key in [&key, &later] {
        assert_eq!(secret.admin(&["key", "rehash"], key).await.unwrap(), json!({ "rehashed": true }));
    }
    secret.admin(&["hash-secret", "remove", "--version", "2"], "").await.unwrap();
    assert!(secret.knows(&key).await && secret.knows(&later).await);
    // The stack's own secret is as it was.
    Hub::first().get("/v1/accounts").await.data::<AccountList>();
}

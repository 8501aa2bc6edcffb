//! The hash secret, in Secrets Manager: the stack makes it, functions read it, an operator rotates it.

use aws_sdk_secretsmanager::{Client, config::Builder};
use aws_types::SdkConfig;
use hub::{hash_secret::HashSecret, keyed_hash::KeyedHash, ports};

use crate::{error::from_sdk, sdk_headers::WithoutSdkHeaders, settings::Keys};

const READING: &str = "reading the hash secret";
const WRITING: &str = "writing the hash secret";

fn client(config: &SdkConfig) -> Client {
    Client::from_conf(Builder::from(config).interceptor(WithoutSdkHeaders).build())
}

/// The stack's hash secret.
///
/// # Errors
/// When the secret cannot be read, or is malformed.
pub async fn hash_secret(config: &SdkConfig, keys: &Keys) -> ports::Result<HashSecret> {
    let answer = client(config).get_secret_value().secret_id(&keys.hash_secret_arn).send().await;
    let answer = answer.map_err(from_sdk(READING))?;
    let text = answer.secret_string().ok_or_else(|| ports::Error::broken(READING, "it has no text"))?;
    HashSecret::parse(text).map_err(|invalid| ports::Error::broken(READING, invalid))
}

/// Stores the stack's hash secret. Secrets Manager keeps the one before as `AWSPREVIOUS`.
///
/// # Errors
/// When the secret cannot be written.
pub async fn set_hash_secret(config: &SdkConfig, keys: &Keys, secret: &HashSecret) -> ports::Result<()> {
    let text = secret.to_text().map_err(|error| ports::Error::broken(WRITING, error))?;
    let put = client(config).put_secret_value().secret_id(&keys.hash_secret_arn).secret_string(text.as_str());
    put.send().await.map(|_| ()).map_err(from_sdk(WRITING))
}

/// The keyed hash under the stack's hash secret.
///
/// # Errors
/// When the secret cannot be read, or is malformed.
pub async fn keyed_hash(config: &SdkConfig, keys: &Keys) -> ports::Result<KeyedHash> {
    let secret = hash_secret(config, keys).await?;
    KeyedHash::new(&secret).map_err(|invalid| ports::Error::broken(READING, invalid))
}

#[cfg(test)]
mod tests {
    use hub::chain;
    use serde_json::{Value, json};

    use super::*;
    use crate::answering::Answering;

    const GENERATED: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01";

    fn keys() -> Keys {
        let [token_key_arn, app_key_arn, hash_secret_arn] = ["token", "app", "hash"].map(str::to_owned);
        Keys { token_key_arn, app_key_arn, hash_secret_arn }
    }

    async fn read(status: u16, answer: &Value) -> Result<HashSecret, String> {
        let aws = Answering::new(status, answer);
        hash_secret(&aws.config(), &keys()).await.map_err(|error| chain(&error))
    }

    #[tokio::test]
    async fn a_secret_that_is_missing_or_malformed_is_told_and_not_quoted() {
        let read_secret = read(200, &json!({ "SecretString": GENERATED })).await.unwrap();
        assert_eq!(Ok(read_secret), HashSecret::parse(GENERATED));
        for (status, answer, reason) in [
            (
                400,
                json!({ "__type": "ResourceNotFoundException", "message": "none" }),
                "ResourceNotFoundException: none",
            ),
            (200, json!({ "SecretBinary": "Y2FuYXJ5" }), "it has no text"),
            (200, json!({ "SecretString": "" }), "version 1 of the hash secret has fewer than 32 bytes"),
            (200, json!({ "SecretString": "canary" }), "version 1 of the hash secret has fewer than 32 bytes"),
            (
                200,
                json!({ "SecretString": "{\"canary\": 1}" }),
                "the hash secret is JSON without `current`, `apps` and `versions` alone",
            ),
        ] {
            let refused = read(status, &answer).await.unwrap_err();
            assert_eq!(refused, format!("reading the hash secret: {reason}"));
        }
    }

    #[tokio::test]
    async fn what_is_stored_reads_as_the_same_secret() {
        let secret = HashSecret::parse(GENERATED).unwrap().with_new_version(&[7; 32]);
        let aws = Answering::new(200, &json!({}));
        set_hash_secret(&aws.config(), &keys(), &secret).await.unwrap();
        let [request] = &aws.requests()[..] else { panic!("one request is made") };
        let request: Value = serde_json::from_str(request).unwrap();
        assert_eq!(request["SecretId"], "hash");
        assert_eq!(HashSecret::parse(request["SecretString"].as_str().unwrap()), Ok(secret));
    }
}

//! Data keys from AWS KMS.

use std::{collections::HashMap, sync::Arc};

use aws_sdk_kms::{Client, config::Builder, primitives::Blob, types::DataKeySpec};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SdkConfig;
use hub::vaults::Vaults;
use vault::{
    CachingKeys, DataKey, DataKeys, EncryptedDataKey, EncryptionContext, GeneratedDataKey, InvalidKeyArn, KeyArn,
    KeyError, KeyErrorKind, Limits, Vault,
};

use crate::{
    config::{Lazily, lazily},
    error,
    machine::now,
    sdk_headers::WithoutSdkHeaders,
    settings::Keys,
};

/// One KMS key.
#[derive(Clone)]
pub struct KmsKey {
    client: Lazily<Client>,
    arn: KeyArn,
}

/// A KMS key whose decrypted data keys are remembered for a while.
pub type CachedKmsKey = CachingKeys<KmsKey, fn() -> u64>;

/// The vaults under the two KMS keys.
///
/// # Errors
/// When one of them is no key ARN.
pub fn vaults(config: &SdkConfig, keys: &Keys) -> Result<Vaults<CachedKmsKey>, InvalidKeyArn> {
    let client: Lazily<Client> =
        lazily(config, |config| Client::from_conf(Builder::from(config).interceptor(WithoutSdkHeaders).build()));
    let vault = |arn: &str| {
        let key = KmsKey { client: Arc::clone(&client), arn: arn.parse()? };
        Ok(Vault::new(CachingKeys::new(key, Limits::default(), milliseconds as fn() -> u64)))
    };
    Ok(Vaults { tokens: vault(&keys.token_key_arn)?, secrets: vault(&keys.app_key_arn)? })
}

fn milliseconds() -> u64 {
    u64::try_from(now().as_milliseconds()).unwrap_or(0)
}

impl DataKeys for KmsKey {
    fn key(&self) -> &KeyArn {
        &self.arn
    }

    async fn generate(&self, context: &EncryptionContext) -> Result<GeneratedDataKey, KeyError> {
        let answer = self
            .client
            .generate_data_key()
            .key_id(self.arn.as_str())
            .key_spec(DataKeySpec::Aes256)
            .set_encryption_context(Some(pairs(context)))
            .send()
            .await
            .map_err(failed)?;
        let key = answered_by(&self.arn, answer.key_id())?;
        let ciphertext = answer.ciphertext_blob.unwrap_or_else(|| Blob::new([])).into_inner();
        let plaintext = answer.plaintext.unwrap_or_else(|| Blob::new([])).into_inner();
        Ok(GeneratedDataKey {
            plaintext: DataKey::from_vec(plaintext)?,
            encrypted: EncryptedDataKey { key, ciphertext },
        })
    }

    async fn decrypt(&self, encrypted: &EncryptedDataKey, context: &EncryptionContext) -> Result<DataKey, KeyError> {
        let answer = self
            .client
            .decrypt()
            .key_id(self.arn.as_str())
            .ciphertext_blob(Blob::new(encrypted.ciphertext.clone()))
            .set_encryption_context(Some(pairs(context)))
            .send()
            .await
            .map_err(failed)?;
        answered_by(&self.arn, answer.key_id())?;
        DataKey::from_vec(answer.plaintext.unwrap_or_else(|| Blob::new([])).into_inner())
    }
}

fn pairs(context: &EncryptionContext) -> HashMap<String, String> {
    context.pairs().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn failed<E>(error: SdkError<E, HttpResponse>) -> KeyError
where
    E: ProvideErrorMetadata,
{
    let kind = if error::is_passing(&error) { KeyErrorKind::Unavailable } else { KeyErrorKind::Refused };
    KeyError::with_source(kind, error::text(error))
}

/// The key that answered, which must be the one that was asked (AWS Encryption SDK specification, "AWS KMS Keyring",
/// OnDecrypt): an answer of another key is not to be trusted.
fn answered_by(asked: &KeyArn, answered: Option<&str>) -> Result<KeyArn, KeyError> {
    if answered == Some(asked.as_str()) {
        return Ok(asked.clone());
    }
    Err(KeyError::with_source(KeyErrorKind::Refused, "another key answered than was asked"))
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::base64;
    use serde_json::json;
    use vault::Purpose;

    use super::*;
    use crate::answering::Answering;

    fn arn(id: &str) -> String {
        format!("arn:aws:kms:us-east-1:000000000000:key/00000000-0000-0000-0000-{id}")
    }

    #[test]
    fn another_key_does_not_answer_for_the_one_that_was_asked() {
        let asked: KeyArn = arn("000000000001").parse().unwrap();
        assert_eq!(answered_by(&asked, Some(&arn("000000000001"))).unwrap(), asked);
        for other in [None, Some(""), Some("00000000-0000-0000-0000-000000000001"), Some(arn("000000000002").as_str())]
        {
            assert_eq!(answered_by(&asked, other).unwrap_err().kind(), KeyErrorKind::Refused, "{other:?}");
        }
    }

    #[tokio::test]
    async fn no_data_key_is_taken_from_an_answer_of_another_key() {
        let asked: KeyArn = arn("000000000001").parse().unwrap();
        let context = EncryptionContext::new("ten_1", "usr_1", Purpose::UserToken).unwrap();
        let encrypted = EncryptedDataKey { key: asked.clone(), ciphertext: vec![1, 2, 3] };
        for (answering, is_taken) in [(arn("000000000001"), true), (arn("000000000002"), false)] {
            let answer = json!({
                "KeyId": answering,
                "CiphertextBlob": base64::encode([1, 2, 3]),
                "Plaintext": base64::encode([7; DataKey::LEN]),
            });
            let client = lazily(&Answering::new(200, &answer).config(), |config| Client::new(config));
            let key = KmsKey { client, arn: asked.clone() };
            assert_eq!(key.generate(&context).await.is_ok(), is_taken, "{answering}");
            assert_eq!(key.decrypt(&encrypted, &context).await.is_ok(), is_taken, "{answering}");
        }
    }
}

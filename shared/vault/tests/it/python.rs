//! Messages made by the Python package `aws-encryption-sdk`, see `tests/data/generate.py`.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use vault::{
    DataKey, DataKeys, EncryptedDataKey, EncryptionContext, Error, GeneratedDataKey, KeyArn, KeyError, KeyErrorKind,
    Purpose, Secret, Vault,
};

use crate::world::{context, now};

#[derive(Deserialize)]
struct Document {
    key_arn: String,
    context: Context,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Context {
    purpose: String,
    record: String,
    tenant: String,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    data_key: String,
    encrypted_data_key: String,
    plaintext: String,
    message: String,
}

fn document() -> Document {
    serde_json::from_str(include_str!("../data/encryption_sdk.json")).unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

/// Knows one data key, for one context.
struct KnownKey {
    key: KeyArn,
    context: EncryptionContext,
    data_key: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl DataKeys for KnownKey {
    fn key(&self) -> &KeyArn {
        &self.key
    }

    async fn generate(&self, _: &EncryptionContext) -> Result<GeneratedDataKey, KeyError> {
        Ok(GeneratedDataKey {
            plaintext: DataKey::from_vec(self.data_key.clone())?,
            encrypted: EncryptedDataKey { key: self.key.clone(), ciphertext: self.ciphertext.clone() },
        })
    }

    async fn decrypt(&self, encrypted: &EncryptedDataKey, context: &EncryptionContext) -> Result<DataKey, KeyError> {
        let known = encrypted.key == self.key && encrypted.ciphertext == self.ciphertext && *context == self.context;
        if !known {
            return Err(KeyError::new(KeyErrorKind::Refused));
        }
        DataKey::from_vec(self.data_key.clone())
    }
}

/// Each vector with the vault that knows its data key.
fn vectors() -> Vec<(Vector, EncryptionContext, Vault<KnownKey>)> {
    let document = document();
    assert_eq!(document.context.purpose, "user-token");
    let context = context(&document.context.tenant, &document.context.record, Purpose::UserToken);
    let vault_for = |vector: &Vector| {
        Vault::new(KnownKey {
            key: document.key_arn.parse().unwrap(),
            context: context.clone(),
            data_key: bytes(&vector.data_key),
            ciphertext: bytes(&vector.encrypted_data_key),
        })
    };
    let with_vault = |vector| {
        let vault = vault_for(&vector);
        (vector, context.clone(), vault)
    };
    document.vectors.into_iter().map(with_vault).collect()
}

#[test]
fn messages_of_the_python_package_open() {
    let mut opened = 0;
    for (vector, context, vault) in vectors() {
        if vector.name == "unframed" {
            continue;
        }
        let secret = now(vault.open(&context, &bytes(&vector.message))).unwrap();
        assert_eq!(secret.expose(), bytes(&vector.plaintext), "{}", vector.name);
        opened += 1;
    }
    assert_eq!(opened, 5);
}

#[test]
fn an_unframed_message_is_refused() {
    let (vector, context, vault) = vectors().pop().unwrap();
    assert_eq!(vector.name, "unframed");
    let refused = now(vault.open(&context, &bytes(&vector.message)));
    assert!(matches!(refused, Err(Error::Unsupported { what: "content type" })));
}

/// All but what is random or derived from it: message id, commitment, tags and ciphertext.
#[test]
fn what_is_not_random_is_written_as_the_python_package_writes_it() {
    let (vector, context, vault) = vectors().swap_remove(0);
    assert_eq!(vector.name, "one frame");
    let secret = Secret::from(bytes(&vector.plaintext));
    let ours = now(vault.seal(&context, &secret)).unwrap().into_bytes();
    let theirs = bytes(&vector.message);
    assert_eq!(ours.len(), theirs.len());

    let sealed = ours.len() - secret.expose().len() - 16;
    let frame = sealed - (4 + 4 + 12 + 4);
    let commitment = frame - 16 - 32;
    assert_eq!(ours[..3], theirs[..3]);
    assert_eq!(ours[3 + 32..commitment], theirs[3 + 32..commitment]);
    assert_eq!(ours[frame..sealed], theirs[frame..sealed]);
}

#[test]
fn a_message_of_the_python_package_with_any_byte_changed_is_refused() {
    let (vector, context, vault) = vectors().swap_remove(4);
    assert_eq!(vector.name, "small frames");
    let message = bytes(&vector.message);
    for at in 0..message.len() {
        let mut altered = message.clone();
        altered[at] ^= 0x10;
        let refused = now(vault.open(&context, &altered));
        assert!(refused.is_err(), "byte {at}");
    }
}

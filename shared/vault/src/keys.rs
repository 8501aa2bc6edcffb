//! The port to the service that keeps the key-encrypting key, such as AWS KMS.

use std::{fmt, future::Future, str::FromStr, sync::Arc};

use zeroize::Zeroize;

use crate::key_error::{KeyError, KeyErrorKind};

/// One KMS key: makes data keys and decrypts its own again.
///
/// An instance stands for one key, so "another key for another kind of secret" is another instance.
/// An implementation may be written with `async fn`.
pub trait DataKeys: Send + Sync {
    /// The KMS key that this instance stands for.
    fn key(&self) -> &KeyArn;

    /// A fresh 32-byte data key, in clear and encrypted under [`key`](Self::key), with the
    /// context's [pairs](crate::EncryptionContext::pairs) bound to it (KMS `GenerateDataKey`).
    ///
    /// # Errors
    /// [`KeyError`], by kind.
    fn generate(
        &self,
        context: &crate::EncryptionContext,
    ) -> impl Future<Output = Result<GeneratedDataKey, KeyError>> + Send;

    /// The data key in clear (KMS `Decrypt`). The vault asks only for keys under
    /// [`key`](Self::key); a multi-region key may be named by the ARN of another region, so ask KMS
    /// with `KeyId` = [`key`](Self::key), which is the one of this region.
    ///
    /// # Errors
    /// [`KeyError`]; of kind [`Refused`](KeyErrorKind::Refused) if `context` is not the one the key
    /// was generated with.
    fn decrypt(
        &self,
        encrypted: &EncryptedDataKey,
        context: &crate::EncryptionContext,
    ) -> impl Future<Output = Result<DataKey, KeyError>> + Send;
}

impl<K: DataKeys> DataKeys for Arc<K> {
    fn key(&self) -> &KeyArn {
        (**self).key()
    }

    async fn generate(&self, context: &crate::EncryptionContext) -> Result<GeneratedDataKey, KeyError> {
        (**self).generate(context).await
    }

    async fn decrypt(
        &self,
        encrypted: &EncryptedDataKey,
        context: &crate::EncryptionContext,
    ) -> Result<DataKey, KeyError> {
        (**self).decrypt(encrypted, context).await
    }
}

/// A data key in clear: 32 bytes, kept in one place on the heap and overwritten when dropped.
#[derive(Clone)]
pub struct DataKey(Box<[u8; Self::LEN]>);

impl DataKey {
    /// Its length in bytes, as AES-256 asks.
    pub const LEN: usize = 32;

    /// Takes a data key from the key service's answer, which is overwritten.
    ///
    /// # Errors
    /// [`KeyError`] of kind [`Refused`](KeyErrorKind::Refused) if it is not 32 bytes.
    pub fn from_vec(mut bytes: Vec<u8>) -> Result<Self, KeyError> {
        let mut key = Self(Box::new([0; Self::LEN]));
        let fits = bytes.len() == Self::LEN;
        if fits {
            key.0.copy_from_slice(&bytes);
        }
        bytes.zeroize();
        if fits {
            Ok(key)
        } else {
            Err(KeyError::with_source(KeyErrorKind::Refused, "the data key is not 32 bytes long"))
        }
    }

    /// The key's bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl Drop for DataKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

/// A data key encrypted under a KMS key, as it stands in a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EncryptedDataKey {
    /// The KMS key it is encrypted under.
    pub key: KeyArn,
    /// What KMS calls the ciphertext blob.
    pub ciphertext: Vec<u8>,
}

/// A fresh data key, in both forms.
#[derive(Debug)]
pub struct GeneratedDataKey {
    /// In clear, to encrypt with and forget.
    pub plaintext: DataKey,
    /// Encrypted, to store.
    pub encrypted: EncryptedDataKey,
}

/// The ARN of a KMS key: `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`. Aliases are refused, as an
/// alias can be pointed at another key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyArn(String);

impl KeyArn {
    /// The ARN as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both name one key: equal, or replicas of one multi-region key, which differ in the
    /// region only (KMS developer guide, "Multi-Region keys": their ids start with `mrk-`).
    #[must_use]
    pub fn is_same_key(&self, other: &Self) -> bool {
        let (own, others) = (self.without_region(), other.without_region());
        self == other || (own == others && own.2.starts_with("key/mrk-"))
    }

    /// Partition, account and resource.
    fn without_region(&self) -> (&str, &str, &str) {
        let mut parts = self.0.splitn(6, ':').skip(1);
        let mut next = || parts.next().unwrap_or_default();
        let (partition, _service, _region, account) = (next(), next(), next(), next());
        (partition, account, next())
    }
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not the ARN of a KMS key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the ARN of a KMS key (arn:PARTITION:kms:REGION:ACCOUNT:key/ID)")]
pub struct InvalidKeyArn;

impl FromStr for KeyArn {
    type Err = InvalidKeyArn;

    fn from_str(text: &str) -> Result<Self, InvalidKeyArn> {
        let is_arn = match *text.split(':').collect::<Vec<_>>() {
            ["arn", partition, "kms", region, account, resource] => {
                let id = resource.strip_prefix("key/").unwrap_or_default();
                [partition, region, account, id].iter().all(|part| !part.is_empty())
            }
            _ => false,
        };
        if is_arn { Ok(Self(text.to_owned())) } else { Err(InvalidKeyArn) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(text: &str) -> KeyArn {
        text.parse().unwrap()
    }

    #[test]
    fn only_key_arns_parse() {
        for (text, is_arn) in [
            ("arn:aws:kms:us-east-1:000000000000:key/1234-abcd", true),
            ("arn:aws-cn:kms:cn-north-1:000000000000:key/mrk-12", true),
            ("arn:aws:kms:us-east-1:000000000000:alias/tokens", false),
            ("arn:aws:kms:us-east-1:000000000000:key/", false),
            ("arn:aws:kms::000000000000:key/1234", false),
            ("arn:aws:s3:us-east-1:000000000000:key/1234", false),
            ("arn:aws:kms:us-east-1:000000000000:key/1234:5", false),
            ("key/1234", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<KeyArn>().is_ok(), is_arn, "{text}");
        }
    }

    #[test]
    fn replicas_of_a_multi_region_key_are_one_key() {
        let home = arn("arn:aws:kms:us-east-1:000000000000:key/mrk-1");
        let single = arn("arn:aws:kms:us-east-1:000000000000:key/1");
        for (one, other, same) in [
            (&home, "arn:aws:kms:us-east-1:000000000000:key/mrk-1", true),
            (&home, "arn:aws:kms:eu-west-1:000000000000:key/mrk-1", true),
            (&home, "arn:aws:kms:eu-west-1:000000000000:key/mrk-2", false),
            (&home, "arn:aws:kms:eu-west-1:111111111111:key/mrk-1", false),
            (&home, "arn:aws-cn:kms:eu-west-1:000000000000:key/mrk-1", false),
            (&single, "arn:aws:kms:us-east-1:000000000000:key/1", true),
            (&single, "arn:aws:kms:eu-west-1:000000000000:key/1", false),
        ] {
            assert_eq!(one.is_same_key(&arn(other)), same, "{one} {other}");
        }
    }

    #[test]
    fn a_data_key_is_32_bytes() {
        assert_eq!(DataKey::from_vec(vec![7; 32]).unwrap().expose(), &[7_u8; 32]);
        for len in [0, 16, 31, 33] {
            let refused = DataKey::from_vec(vec![7; len]).unwrap_err();
            assert_eq!(refused.kind(), KeyErrorKind::Refused);
        }
    }

    #[test]
    fn debug_hides_the_data_key() {
        let key = DataKey::from_vec(vec![7; 32]).unwrap();
        assert_eq!(format!("{key:?}"), "DataKey(..)");
    }
}

//! A key service in memory, **for tests only**: it keeps its key in the process.
//!
//! Like KMS it enforces the context (a data key is AES-256-GCM encrypted with the KMS key's name
//! and the context as associated data). It counts its calls and fails on demand.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};

use crate::{
    context::EncryptionContext,
    key_error::{KeyError, KeyErrorKind},
    keys::{DataKey, DataKeys, EncryptedDataKey, GeneratedDataKey, KeyArn},
};

/// One key in memory. Put it in an [`Arc`](std::sync::Arc) to keep a handle on its counts.
#[derive(Debug)]
pub struct MemoryKeys {
    key: KeyArn,
    wrapping: LessSafeKey,
    generated: AtomicU32,
    decrypted: AtomicU32,
    failure: Mutex<Option<KeyErrorKind>>,
}

impl MemoryKeys {
    /// A fresh random key with this name. Two instances never open each other's data keys, even of
    /// one name.
    ///
    /// # Errors
    /// [`KeyError`] if there is no randomness.
    pub fn new(key: KeyArn) -> Result<Self, KeyError> {
        let wrapping = UnboundKey::new(&AES_256_GCM, &random::<32>()?).map_err(refused)?;
        Ok(Self {
            key,
            wrapping: LessSafeKey::new(wrapping),
            generated: AtomicU32::new(0),
            decrypted: AtomicU32::new(0),
            failure: Mutex::new(None),
        })
    }

    /// Calls of [`generate`](DataKeys::generate) so far, failed ones included.
    #[must_use]
    pub fn generate_calls(&self) -> u32 {
        self.generated.load(Ordering::Relaxed)
    }

    /// Calls of [`decrypt`](DataKeys::decrypt) so far, failed ones included.
    #[must_use]
    pub fn decrypt_calls(&self) -> u32 {
        self.decrypted.load(Ordering::Relaxed)
    }

    /// Every call fails in this way from now on; `None` ends it.
    pub fn fail_with(&self, failure: Option<KeyErrorKind>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    fn count(&self, calls: &AtomicU32) -> Result<(), KeyError> {
        calls.fetch_add(1, Ordering::Relaxed);
        let failure = *self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.map_or(Ok(()), |kind| Err(KeyError::new(kind)))
    }
}

impl DataKeys for MemoryKeys {
    fn key(&self) -> &KeyArn {
        &self.key
    }

    async fn generate(&self, context: &EncryptionContext) -> Result<GeneratedDataKey, KeyError> {
        self.count(&self.generated)?;
        let data_key = random::<{ DataKey::LEN }>()?.to_vec();
        let nonce = random::<NONCE_LEN>()?;
        let mut wrapped = data_key.clone();
        self.wrapping
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound(&self.key, context)),
                &mut wrapped,
            )
            .map_err(refused)?;
        Ok(GeneratedDataKey {
            plaintext: DataKey::from_vec(data_key)?,
            encrypted: EncryptedDataKey { key: self.key.clone(), ciphertext: [&nonce, &*wrapped].concat() },
        })
    }

    async fn decrypt(&self, encrypted: &EncryptedDataKey, context: &EncryptionContext) -> Result<DataKey, KeyError> {
        self.count(&self.decrypted)?;
        let (nonce, wrapped) = encrypted.ciphertext.split_first_chunk().ok_or(KeyError::new(KeyErrorKind::Refused))?;
        let mut wrapped = wrapped.to_vec();
        let data_key = self
            .wrapping
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(bound(&encrypted.key, context)),
                &mut wrapped,
            )
            .map_err(refused)?;
        DataKey::from_vec(data_key.to_vec())
    }
}

/// What a data key is bound to.
fn bound(key: &KeyArn, context: &EncryptionContext) -> Vec<u8> {
    [key.as_str().as_bytes(), &context.to_bytes()].concat()
}

fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(refused)?;
    Ok(bytes)
}

fn refused(_: ring::error::Unspecified) -> KeyError {
    KeyError::new(KeyErrorKind::Refused)
}

//! Algorithm suite 0x0478: AES-256-GCM with keys derived by HKDF-SHA-512, and key commitment.
//!
//! A message's cipher key and its commitment come from the data key and the message id, so one
//! data key never meets the same IV twice, and a message opens under no second key. Source: AWS
//! Encryption SDK specification, `framework/algorithm-suites.md` ("HKDF with key commitment").

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf::{HKDF_SHA512, KeyType, Salt},
    rand::{SecureRandom, SystemRandom},
};
use subtle::ConstantTimeEq;

use crate::{
    error::Error,
    format::{COMMITMENT_LEN, IV_LEN, MESSAGE_ID_LEN, SUITE_ID, TAG_LEN},
    keys::DataKey,
};

/// A fresh message id: the salt of everything derived for the message.
pub(crate) fn random_message_id() -> Result<[u8; MESSAGE_ID_LEN], Error> {
    let mut id = [0; MESSAGE_ID_LEN];
    SystemRandom::new().fill(&mut id).map_err(failed)?;
    Ok(id)
}

/// The keys of one message.
pub(crate) struct MessageKey {
    cipher: LessSafeKey,
    commitment: [u8; COMMITMENT_LEN],
}

impl MessageKey {
    /// Derives them from the data key and the message's id.
    pub(crate) fn derive(data_key: &DataKey, message_id: &[u8; MESSAGE_ID_LEN]) -> Result<Self, Error> {
        let extracted = Salt::new(HKDF_SHA512, message_id).extract(data_key.expose());
        let cipher: UnboundKey =
            extracted.expand(&[&SUITE_ID.to_be_bytes(), b"DERIVEKEY"], &AES_256_GCM).map_err(failed)?.into();
        let mut commitment = [0; COMMITMENT_LEN];
        extracted
            .expand(&[b"COMMITKEY"], CommitmentLen)
            .and_then(|derived| derived.fill(&mut commitment))
            .map_err(failed)?;
        Ok(Self { cipher: LessSafeKey::new(cipher), commitment })
    }

    /// What the message's header must state.
    pub(crate) fn commitment(&self) -> &[u8; COMMITMENT_LEN] {
        &self.commitment
    }

    /// Compares the commitment in constant time.
    ///
    /// # Errors
    /// [`Error::CommitmentMismatch`] if the header states another.
    pub(crate) fn check_commitment(&self, stated: &[u8; COMMITMENT_LEN]) -> Result<(), Error> {
        if self.commitment.ct_eq(stated).into() { Ok(()) } else { Err(Error::CommitmentMismatch) }
    }

    /// Encrypts `buffer` in place; the tag is returned.
    pub(crate) fn seal(&self, iv: [u8; IV_LEN], aad: &[u8], buffer: &mut [u8]) -> Result<[u8; TAG_LEN], Error> {
        let nonce = Nonce::assume_unique_for_key(iv);
        let tag = self.cipher.seal_in_place_separate_tag(nonce, Aad::from(aad), buffer).map_err(failed)?;
        tag.as_ref().try_into().map_err(|_| Error::Crypto)
    }

    /// Decrypts `buffer`, a ciphertext and its tag, in place: the content then stands at its start.
    ///
    /// # Errors
    /// [`Error::Tampered`] if the tag does not fit; the buffer then holds no plaintext.
    pub(crate) fn open(&self, iv: [u8; IV_LEN], aad: &[u8], buffer: &mut [u8]) -> Result<(), Error> {
        let nonce = Nonce::assume_unique_for_key(iv);
        self.cipher.open_in_place(nonce, Aad::from(aad), buffer).map(|_| ()).map_err(|_| Error::Tampered)
    }
}

struct CommitmentLen;

impl KeyType for CommitmentLen {
    fn len(&self) -> usize {
        COMMITMENT_LEN
    }
}

fn failed(_: ring::error::Unspecified) -> Error {
    Error::Crypto
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(data_key: u8, message_id: u8) -> MessageKey {
        let data_key = DataKey::from_vec(vec![data_key; 32]).unwrap();
        MessageKey::derive(&data_key, &[message_id; MESSAGE_ID_LEN]).unwrap()
    }

    #[test]
    fn the_commitment_depends_on_the_data_key_and_the_message() {
        let one = key(1, 1);
        assert!(one.check_commitment(key(1, 1).commitment()).is_ok());
        for other in [key(2, 1), key(1, 2)] {
            let refused = one.check_commitment(other.commitment());
            assert!(matches!(refused, Err(Error::CommitmentMismatch)));
        }
    }

    #[test]
    fn what_is_sealed_opens_only_unaltered_and_with_the_same_iv_and_data() {
        let key = key(1, 1);
        let mut sealed = b"content".to_vec();
        let tag = key.seal([1; IV_LEN], b"aad", &mut sealed).unwrap();
        sealed.extend(tag);
        let open = |iv, aad: &[u8], mut bytes: Vec<u8>| {
            key.open(iv, aad, &mut bytes)?;
            bytes.truncate(b"content".len());
            Ok::<_, Error>(bytes)
        };
        assert_eq!(open([1; IV_LEN], b"aad", sealed.clone()).unwrap(), b"content");
        assert!(open([2; IV_LEN], b"aad", sealed.clone()).is_err());
        assert!(open([1; IV_LEN], b"other", sealed.clone()).is_err());
        sealed[0] ^= 1;
        assert!(open([1; IV_LEN], b"aad", sealed).is_err());
    }

    #[test]
    fn message_ids_differ() {
        assert_ne!(random_message_id().unwrap(), random_message_id().unwrap());
    }
}

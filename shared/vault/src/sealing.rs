//! Seals secrets into messages and opens them.
//!
//! Order of reading, each step refusing before the next: structure, context, KMS key, data key,
//! commitment, header, frames. So nothing is asked of the key service for a message that could not
//! open, and no plaintext is released before all of it is authenticated.

use std::{fmt, str};

use zeroize::Zeroizing;

use crate::{
    context::EncryptionContext,
    error::Error,
    format::{FRAME_LENGTH, Frame, HEADER_IV, Header, KeyEntry, MAX_SECRET_BYTES, Message, TAG_LEN, frame_aad, iv},
    keys::{DataKey, DataKeys, EncryptedDataKey, GeneratedDataKey, KeyArn},
    secret::Secret,
    suite::{MessageKey, random_message_id},
};

/// The key provider's name of KMS in a message.
const PROVIDER: &[u8] = b"aws-kms";

/// An encrypted secret: an AWS Encryption SDK message, safe to store.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedMessage(Vec<u8>);

impl SealedMessage {
    /// The message's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The message's bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl fmt::Debug for SealedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedMessage({} bytes)", self.0.len())
    }
}

/// Seals and opens secrets under one KMS key.
#[derive(Clone, Debug)]
pub struct Vault<K> {
    keys: K,
}

impl<K: DataKeys> Vault<K> {
    /// A vault under the KMS key that `keys` stands for.
    pub fn new(keys: K) -> Self {
        Self { keys }
    }

    /// Encrypts `secret` for `context` under a data key of its own: one request to the key service.
    ///
    /// # Errors
    /// [`Error::TooLong`] over [`MAX_SECRET_BYTES`], [`Error::Keys`], [`Error::ForeignKey`] if the
    /// key service answers with a data key under another KMS key.
    pub async fn seal(&self, context: &EncryptionContext, secret: &Secret) -> Result<SealedMessage, Error> {
        if secret.expose().len() > MAX_SECRET_BYTES {
            return Err(Error::TooLong { what: "secret" });
        }
        let data_key = self.keys.generate(context).await?;
        if !data_key.encrypted.key.is_same_key(self.keys.key()) {
            return Err(Error::ForeignKey);
        }
        encrypt(context, &data_key, secret).map(SealedMessage)
    }

    /// Decrypts a message that was sealed for exactly this `context`: at most one request to the
    /// key service.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Unsupported`], [`Error::ContextMismatch`],
    /// [`Error::ForeignKey`], [`Error::Keys`], [`Error::CommitmentMismatch`] or
    /// [`Error::Tampered`], in the order of this module's checks.
    pub async fn open(&self, context: &EncryptionContext, message: &[u8]) -> Result<Secret, Error> {
        let message = Message::parse(message)?;
        if message.header.context != context.to_bytes() {
            return Err(Error::ContextMismatch);
        }
        let encrypted = own_data_key(&message.header, self.keys.key())?;
        let data_key = self.keys.decrypt(&encrypted, context).await?;
        decrypt(&message, &data_key)
    }

    /// Opens a message and seals its secret anew, under a fresh data key and the newest version of
    /// the KMS key.
    ///
    /// # Errors
    /// Those of [`open`](Self::open) and [`seal`](Self::seal).
    pub async fn rewrap(&self, context: &EncryptionContext, message: &[u8]) -> Result<SealedMessage, Error> {
        let secret = self.open(context, message).await?;
        self.seal(context, &secret).await
    }
}

/// The first data key of the message that is under `key`.
fn own_data_key(header: &Header<'_>, key: &KeyArn) -> Result<EncryptedDataKey, Error> {
    let mut own = None;
    for entry in &header.data_keys {
        if entry.provider != PROVIDER {
            return Err(Error::Unsupported { what: "key provider" });
        }
        let arn: KeyArn = str::from_utf8(entry.info)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or(Error::Malformed { what: "key ARN" })?;
        if own.is_none() && arn.is_same_key(key) {
            own = Some(EncryptedDataKey { key: arn, ciphertext: entry.ciphertext.to_vec() });
        }
    }
    own.ok_or(Error::ForeignKey)
}

fn encrypt(context: &EncryptionContext, data_key: &GeneratedDataKey, secret: &Secret) -> Result<Vec<u8>, Error> {
    let message_id = random_message_id()?;
    let key = MessageKey::derive(&data_key.plaintext, &message_id)?;
    let mut message = Header {
        message_id: &message_id,
        context: &context.to_bytes(),
        data_keys: vec![KeyEntry {
            provider: PROVIDER,
            info: data_key.encrypted.key.as_str().as_bytes(),
            ciphertext: &data_key.encrypted.ciphertext,
        }],
        frame_length: FRAME_LENGTH,
        commitment: key.commitment(),
    }
    .to_bytes()?;
    let header_tag = key.seal(HEADER_IV, &message, &mut [])?;
    message.extend(header_tag);

    let mut rest = secret.expose();
    for sequence in 1.. {
        let (content, after) = rest.split_at(rest.len().min(FRAME_LENGTH as usize));
        let is_final = after.is_empty();
        let mut sealed = Zeroizing::new(Vec::with_capacity(content.len() + TAG_LEN));
        sealed.extend(content);
        let aad = frame_aad(&message_id, sequence, is_final, content.len());
        let tag = key.seal(iv(sequence), &aad, &mut sealed)?;
        sealed.extend(tag);
        Frame { sequence, is_final, sealed: &sealed }.write(&mut message);
        if is_final {
            break;
        }
        rest = after;
    }
    Ok(message)
}

fn decrypt(message: &Message<'_>, data_key: &DataKey) -> Result<Secret, Error> {
    let message_id = message.header.message_id;
    let key = MessageKey::derive(data_key, message_id)?;
    key.check_commitment(message.header.commitment)?;
    let mut header_tag = *message.header_tag;
    key.open(HEADER_IV, message.header_bytes, &mut header_tag)?;

    // Room for all from the start: a buffer that grew would leave plaintext behind.
    let room = message.content_len() + TAG_LEN;
    let mut plaintext = Zeroizing::new(Vec::with_capacity(room));
    for frame in &message.frames {
        let start = plaintext.len();
        plaintext.extend(frame.sealed);
        let len = frame.content_len();
        let aad = frame_aad(message_id, frame.sequence, frame.is_final, len);
        key.open(iv(frame.sequence), &aad, &mut plaintext[start..])?;
        plaintext.truncate(start + len);
    }
    Ok(Secret::from(std::mem::take(&mut *plaintext)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "arn:aws:kms:us-east-1:000000000000:key/mrk-1";
    const REPLICA: &str = "arn:aws:kms:eu-west-1:000000000000:key/mrk-1";
    const FOREIGN: &str = "arn:aws:kms:us-east-1:111111111111:key/mrk-1";

    /// The number of the data key chosen among these providers and ARNs.
    fn chosen(entries: &[(&str, &str)]) -> Result<u8, Error> {
        let numbers: Vec<_> = (0..entries.len() as u8).map(|number| [number]).collect();
        let data_keys = entries.iter().zip(&numbers);
        let header = Header {
            message_id: &[0; 32],
            context: b"",
            data_keys: data_keys
                .map(|((provider, info), number)| KeyEntry {
                    provider: provider.as_bytes(),
                    info: info.as_bytes(),
                    ciphertext: number,
                })
                .collect(),
            frame_length: FRAME_LENGTH,
            commitment: &[0; 32],
        };
        own_data_key(&header, &OURS.parse().unwrap()).map(|own| own.ciphertext[0])
    }

    #[test]
    fn the_data_key_under_our_kms_key_is_chosen() {
        for (entries, number) in [
            ([("aws-kms", OURS), ("aws-kms", FOREIGN)], 0),
            ([("aws-kms", FOREIGN), ("aws-kms", OURS)], 1),
            ([("aws-kms", FOREIGN), ("aws-kms", REPLICA)], 1),
        ] {
            assert_eq!(chosen(&entries).unwrap(), number, "{entries:?}");
        }
    }

    #[test]
    fn a_message_without_one_is_refused() {
        let refused = chosen(&[("aws-kms", FOREIGN)]);
        assert!(matches!(refused, Err(Error::ForeignKey)));
    }

    #[test]
    fn another_provider_or_a_wrong_arn_is_refused_even_beside_our_key() {
        let refused = chosen(&[("aws-kms", OURS), ("raw", OURS)]);
        assert!(matches!(refused, Err(Error::Unsupported { what: "key provider" })));
        for wrong in ["", "alias/tokens", "mrk-1"] {
            let refused = chosen(&[("aws-kms", OURS), ("aws-kms", wrong)]);
            assert!(matches!(refused, Err(Error::Malformed { what: "key ARN" })));
        }
    }
}

//! Sealed messages from a database that others may write to.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use vault::{
    DataKey, DataKeys, EncryptedDataKey, EncryptionContext, Error, GeneratedDataKey, KeyArn, KeyError, KeyErrorKind,
    MAX_MESSAGE_BYTES, Purpose, Secret, Vault, memory::MemoryKeys,
};

use crate::now;

/// Any bytes, under keys for which a few messages are known to be genuine: those of the Python package
/// `aws-encryption-sdk` in the vault's test data. Only a genuine message opens, and only to its own plaintext.
pub fn sealed_message(data: &[u8]) {
    let genuine = GENUINE.messages.iter().find(|(message, _)| message == data).map(|(_, plaintext)| plaintext);
    match now(GENUINE.vault.open(&GENUINE.context, data)) {
        Ok(secret) => {
            assert_eq!(Some(secret.expose()), genuine.map(Vec::as_slice), "a forged message opened");
            let sealed = now(GENUINE.vault.rewrap(&GENUINE.context, data)).expect("what opened can be sealed anew");
            let opened = now(GENUINE.vault.open(&GENUINE.context, sealed.as_bytes())).expect("what was sealed opens");
            assert_eq!(opened.expose(), secret.expose());
        }
        Err(error) => assert!(!error.is_retryable(), "{error}"),
    }
}

/// A message altered by a script, a line each: `set AT BYTE`, `flip AT MASK`, `insert AT BYTE`, `remove AT COUNT`, `cut
/// AT`, `copy FROM COUNT TO` within the message, and `older FROM COUNT TO` and `hers FROM COUNT TO`, which put bytes of
/// other messages under the same keys in its place: of an older secret of the same record, and of another record.
/// Numbers are decimal, and limited to the length of the message; other lines do nothing.
///
/// The altered message opens only if it is one of the record's own messages, and then to that message's secret.
pub fn sealed_message_altered(data: &[u8]) {
    let altered = altered(&String::from_utf8_lossy(data));
    let own = [(&SEALED.mine, MINE), (&SEALED.older, OLDER)];
    let genuine = own.into_iter().find(|(message, _)| **message == altered).map(|(_, word)| secret(word));
    match now(SEALED.vault.open(&SEALED.context, &altered)) {
        Ok(opened) => {
            assert_eq!(Some(opened.expose()), genuine.as_ref().map(Secret::expose), "a forged message opened")
        }
        Err(error) => {
            assert!(genuine.is_none(), "a genuine message is refused: {error}");
            let shown = format!("{error} {error:?}");
            assert!(![MINE, OLDER, HERS].iter().any(|word| shown.contains(word)), "{shown}");
            let is_foreign = *altered == *SEALED.hers;
            assert!(!is_foreign || matches!(error, Error::ContextMismatch), "{shown}");
        }
    }
}

const MINE: &str = "mine-canary ";
const OLDER: &str = "oldr-canary ";
const HERS: &str = "hers-canary ";

/// Messages under the same keys, of the same layout, in two frames each.
struct Sealed {
    vault: Vault<MemoryKeys>,
    context: EncryptionContext,
    mine: Vec<u8>,
    older: Vec<u8>,
    hers: Vec<u8>,
}

static SEALED: LazyLock<Sealed> = LazyLock::new(|| {
    let key: KeyArn = "arn:aws:kms:us-east-1:000000000000:key/user-tokens".parse().expect("an ARN");
    let vault = Vault::new(MemoryKeys::new(key).expect("randomness"));
    let context = |record| EncryptionContext::new("tenant", record, Purpose::UserToken).expect("a context");
    let seal = |record, word| now(vault.seal(&context(record), &secret(word))).expect("a message").into_bytes();
    let (mine, older, hers) = (seal("mine", MINE), seal("mine", OLDER), seal("hers", HERS));
    Sealed { context: context("mine"), mine, older, hers, vault }
});

/// Longer than a frame.
fn secret(word: &str) -> Secret {
    Secret::from(word.repeat(400))
}

/// `SEALED.mine`, altered by a script.
fn altered(script: &str) -> Vec<u8> {
    let mut bytes = SEALED.mine.clone();
    for line in script.lines() {
        let mut words = line.split_ascii_whitespace();
        let verb = words.next().unwrap_or_default();
        let numbers: Vec<usize> = words.map_while(|word| word.parse().ok()).collect();
        let number = |at: usize| numbers.get(at).copied().unwrap_or_default();
        let byte = number(1).to_le_bytes()[0];
        let at = number(0).min(bytes.len());
        match verb {
            "set" | "flip" if at < bytes.len() => bytes[at] = if verb == "set" { byte } else { bytes[at] ^ byte },
            "insert" => bytes.insert(at, byte),
            "remove" => drop(bytes.drain(at..at.saturating_add(number(1)).min(bytes.len()))),
            "cut" => bytes.truncate(at),
            "copy" => {
                let copied = piece(&bytes, at, number(1)).to_vec();
                let to = number(2).min(bytes.len());
                bytes.splice(to..to, copied);
            }
            "older" | "hers" => {
                let other = if verb == "older" { &SEALED.older } else { &SEALED.hers };
                let piece = piece(other, number(0), number(1));
                let to = number(2).min(bytes.len());
                let end = (to + piece.len()).min(bytes.len());
                bytes.splice(to..end, piece.iter().copied());
            }
            _ => {}
        }
        if bytes.len() > MAX_MESSAGE_BYTES {
            break;
        }
    }
    bytes
}

/// At most `count` bytes from `from`.
fn piece(bytes: &[u8], from: usize, count: usize) -> &[u8] {
    let from = from.min(bytes.len());
    &bytes[from..from.saturating_add(count).min(bytes.len())]
}

/// Genuine messages and their plaintexts, with a vault that knows their data keys.
struct Genuine {
    vault: Vault<KnownKeys>,
    context: EncryptionContext,
    messages: Vec<(Vec<u8>, Vec<u8>)>,
}

#[derive(Deserialize)]
struct Document {
    key_arn: String,
    context: Context,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Context {
    record: String,
    tenant: String,
}

#[derive(Deserialize)]
struct Vector {
    data_key: String,
    encrypted_data_key: String,
    plaintext: String,
    message: String,
}

static GENUINE: LazyLock<Genuine> = LazyLock::new(|| {
    const DOCUMENT: &str = include_str!("../../../shared/vault/tests/data/encryption_sdk.json");
    let document: Document = serde_json::from_str(DOCUMENT).expect("the vault's test data");
    let Context { tenant, record } = document.context;
    let context = EncryptionContext::new(tenant, record, Purpose::UserToken).expect("a context");
    let bytes = |text: &str| STANDARD.decode(text).expect("base64");
    let known = |vector: &Vector| (bytes(&vector.encrypted_data_key), bytes(&vector.data_key));
    let keys = KnownKeys {
        key: document.key_arn.parse().expect("an ARN"),
        context: context.clone(),
        known: document.vectors.iter().map(known).collect(),
    };
    let messages = document.vectors.iter().map(|vector| (bytes(&vector.message), bytes(&vector.plaintext))).collect();
    Genuine { vault: Vault::new(keys), context, messages }
});

/// A key service that knows a few data keys, for one context.
struct KnownKeys {
    key: KeyArn,
    context: EncryptionContext,
    /// Each encrypted, and in clear.
    known: Vec<(Vec<u8>, Vec<u8>)>,
}

impl DataKeys for KnownKeys {
    fn key(&self) -> &KeyArn {
        &self.key
    }

    async fn generate(&self, _: &EncryptionContext) -> Result<GeneratedDataKey, KeyError> {
        let (ciphertext, data_key) = self.known.first().ok_or(KeyError::new(KeyErrorKind::Refused))?.clone();
        Ok(GeneratedDataKey {
            plaintext: DataKey::from_vec(data_key)?,
            encrypted: EncryptedDataKey { key: self.key.clone(), ciphertext },
        })
    }

    async fn decrypt(&self, encrypted: &EncryptedDataKey, context: &EncryptionContext) -> Result<DataKey, KeyError> {
        let known = self.known.iter().find(|(ciphertext, _)| *ciphertext == encrypted.ciphertext);
        match known.filter(|_| *context == self.context) {
            Some((_, data_key)) => DataKey::from_vec(data_key.clone()),
            None => Err(KeyError::new(KeyErrorKind::Refused)),
        }
    }
}

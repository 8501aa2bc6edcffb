//! An API key as its holder has it: `fh_<id>_<secret>_<checksum>`.
//!
//! - The id, 32 hexadecimal digits, is the key's [`KeyId`] and no secret: who finds a key somewhere can tell which one
//!   to revoke.
//! - The secret, 52 digits in base 32, is 256 random bits.
//! - The checksum, 7 digits in base 32, is the beginning of the SHA-256 of all before it. It finds a typing error
//!   without asking a store, and lets a scanner of source code tell a key from what only looks like one.
//!
//! All of it is lower-case letters, digits and `_`, so that a double click selects it whole, and 96 characters: API
//! Gateway takes 20 to 128 (`CreateApiKey`).

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    KeyId,
    base32::{base32, is_base32},
};

/// What each key begins with.
const PREFIX: &str = "fh_";

/// What ids of keys begin with elsewhere.
const ID_PREFIX: &str = "key_";

const ID_DIGITS: usize = 32;
const SECRET_DIGITS: usize = 52;
const CHECKSUM_DIGITS: usize = 7;

/// The characters of a key.
const CHARACTERS: usize = PREFIX.len() + ID_DIGITS + 1 + SECRET_DIGITS + 1 + CHECKSUM_DIGITS;

/// An API key that FlickrHub made. It does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    text: Zeroizing<String>,
    id: KeyId,
}

/// The text is no API key, or was changed on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the API key is malformed, or a character of it is wrong")]
pub struct Invalid;

impl ApiKey {
    /// The key with this id, and a secret of 256 random bits.
    pub fn new(id: KeyId, secret: &[u8; 32]) -> Self {
        let digits = id.as_str().trim_start_matches(ID_PREFIX);
        let secret = Zeroizing::new(base32(secret));
        let mut text = Zeroizing::new(String::with_capacity(CHARACTERS));
        text.extend([PREFIX, digits, "_", &secret]);
        let checksum = checksum(&text);
        text.extend(["_", &checksum]);
        Self { text, id }
    }

    /// What its holder sends. It is a secret.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its id, which is none.
    pub fn id(&self) -> &KeyId {
        &self.id
    }
}

/// Whether `text` can only be meant as an [`ApiKey`]: it has the beginning and the length of one. Keys that were made
/// elsewhere look otherwise.
pub fn is_meant(text: &str) -> bool {
    text.len() == CHARACTERS && text.starts_with(PREFIX)
}

impl FromStr for ApiKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (checked, checksum) = text.rsplit_once('_').ok_or(Invalid)?;
        let (id, secret) = checked.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(Invalid)?;
        if !is_base32(secret, SECRET_DIGITS) || checksum != self::checksum(checked) {
            return Err(Invalid);
        }
        let id = format!("{ID_PREFIX}{id}").parse().map_err(|_| Invalid)?;
        Ok(Self { text: Zeroizing::new(text.to_owned()), id })
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}, ..)", self.id)
    }
}

fn checksum(text: &str) -> String {
    let mut digits = base32(&Sha256::digest(text));
    digits.truncate(CHECKSUM_DIGITS);
    digits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The checksum was computed outside of this program.
    const EXAMPLE: &str =
        "fh_000102030405060708090a0b0c0d0e0f_000g40r40m30e209185gr38e1w8124gk2gahc5rr34d1p70x3rfg_pk6dftt";

    fn key() -> impl Strategy<Value = ApiKey> {
        (any::<[u8; 16]>(), any::<[u8; 32]>()).prop_map(|(id, secret)| ApiKey::new(KeyId::from_bytes(id), &secret))
    }

    proptest! {
        #[test]
        fn a_key_reads_back_with_its_id(key in key()) {
            prop_assert_eq!(key.as_str().parse::<ApiKey>(), Ok(key.clone()));
            prop_assert!(is_meant(key.as_str()));
        }

        #[test]
        fn a_key_fits_api_gateway_and_is_selected_as_one_word(key in key()) {
            prop_assert!((20..=128).contains(&key.as_str().len()));
            prop_assert!(key.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
        }

        #[test]
        fn a_typing_error_is_found(key in key(), at in 0..CHARACTERS, typed in "[!-~]") {
            let mut text = key.as_str().to_owned();
            text.replace_range(at..=at, &typed);
            prop_assert_eq!(text.parse::<ApiKey>().is_ok(), text == key.as_str());
            let mut swapped = key.as_str().as_bytes().to_vec();
            swapped.swap(at, (at + 1) % CHARACTERS);
            let swapped = String::from_utf8(swapped).unwrap();
            prop_assert_eq!(swapped.parse::<ApiKey>().is_ok(), swapped == key.as_str());
            let mut short = key.as_str().to_owned();
            short.remove(at);
            prop_assert_eq!(short.parse::<ApiKey>(), Err(Invalid));
        }

        #[test]
        fn keys_of_other_secrets_differ(id: [u8; 16], one: [u8; 32], two: [u8; 32]) {
            let [a, b] = [one, two].map(|secret| ApiKey::new(KeyId::from_bytes(id), &secret));
            prop_assert_eq!(a == b, one == two);
        }

        #[test]
        fn no_text_makes_the_parser_fail(text in any::<String>()) {
            let _ = text.parse::<ApiKey>();
        }

        #[test]
        fn only_its_id_prints(key in key()) {
            let printed = format!("{key:?}");
            let secret = key.as_str().split('_').nth(2).unwrap();
            prop_assert!(printed.contains(key.id().as_str()) && !printed.contains(secret));
        }
    }

    #[test]
    fn the_format_stays() {
        let id = std::array::from_fn(|byte| u8::try_from(byte).unwrap());
        let secret = std::array::from_fn(|byte| u8::try_from(byte).unwrap());
        assert_eq!(ApiKey::new(KeyId::from_bytes(id), &secret).as_str(), EXAMPLE);
        assert_eq!(EXAMPLE.parse::<ApiKey>().unwrap().id(), &KeyId::from_bytes(id));
    }

    #[test]
    fn keys_that_api_gateway_made_are_not_meant() {
        for text in ["", "fh_", "a-key-of-twenty-letters", "fh_a-key-of-an-operators-own", &"x".repeat(CHARACTERS)] {
            assert!(!is_meant(text), "{text}");
        }
    }
}

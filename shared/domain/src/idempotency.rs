//! Idempotency: of calls to Flickr, and of requests to us, where one key makes at most one job (promise I4).

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::hex::hex;

/// Whether repeating a call can change its result (RFC 9110, section 9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Idempotency {
    /// Changes nothing.
    Safe,
    /// A write that may be repeated with the same result: set, edit, delete, favourite, tag.
    Idempotent,
    /// A write that must never be sent again once it may have taken effect (promise I7).
    NonIdempotent,
}

/// The longest key, in characters.
pub const MAX_KEY_CHARACTERS: usize = 255;

/// A caller's idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

/// The header's value is not a usable key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key is 1 to {MAX_KEY_CHARACTERS} printable ASCII characters, bare or in double quotes")]
pub struct InvalidKey;

impl Key {
    /// Reads the value of an `Idempotency-Key` header, quoted (as a Structured Field string,
    /// RFC 9651 section 3.3.3) or bare; both spellings are the same key.
    ///
    /// # Errors
    /// When the key is empty, over [`MAX_KEY_CHARACTERS`], not printable ASCII, or badly quoted.
    pub fn parse(header: &str) -> Result<Self, InvalidKey> {
        let text = match header.trim_matches([' ', '\t']).strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => header.trim_matches([' ', '\t']).to_owned(),
        };
        let printable = text.bytes().all(|b| (b' '..=b'~').contains(&b));
        if text.is_empty() || text.len() > MAX_KEY_CHARACTERS || !printable {
            return Err(InvalidKey);
        }
        Ok(Self(text))
    }

    /// The key without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What follows an opening quote, up to the closing one, which must be the last character.
fn unquote(rest: &str) -> Result<String, InvalidKey> {
    let mut text = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next().ok_or(InvalidKey)? {
            '"' if characters.as_str().is_empty() => return Ok(text),
            '"' => return Err(InvalidKey),
            '\\' => match characters.next() {
                Some(escaped @ ('"' | '\\')) => text.push(escaped),
                _ => return Err(InvalidKey),
            },
            plain => text.push(plain),
        }
    }
}

/// The SHA-256 of a request's payload, in hexadecimal: two requests with one key must agree in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of `payload` in its canonical JSON form: members that are maps must be
    /// sorted, so that two spellings of the same request agree.
    ///
    /// # Errors
    /// When `payload` cannot be written as JSON.
    pub fn of(payload: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self::of_text(&serde_json::to_string(payload)?))
    }

    /// The fingerprint of a payload's canonical JSON text.
    pub(crate) fn of_text(text: &str) -> Self {
        Self(hex(&Sha256::digest(text)))
    }

    /// A fingerprint as it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_and_bare_are_one_key() {
        for header in ["abc-1", "\"abc-1\"", "  abc-1\t", " \"abc-1\" "] {
            assert_eq!(Key::parse(header).map(|key| key.0), Ok("abc-1".to_owned()), "{header:?}");
        }
        assert_eq!(Key::parse(r#""a\"b\\c""#).map(|key| key.0), Ok(r#"a"b\c"#.to_owned()));
        assert!(Key::parse(&"k".repeat(MAX_KEY_CHARACTERS)).is_ok());
    }

    #[test]
    fn unusable_keys_are_refused() {
        let long = "k".repeat(MAX_KEY_CHARACTERS + 1);
        for header in ["", " ", "\"\"", "\"open", "\"a\"b", "\"a\\n\"", "\"a\\", "\"", "käse", "a\u{7f}", "a\nb", &long]
        {
            assert_eq!(Key::parse(header), Err(InvalidKey), "{header:?}");
        }
    }
}

//! Keyed hashes: what is looked up by a secret is found by an HMAC-SHA-256 of it (RFC 2104), so
//! that the table alone cannot confirm a guess.

use domain::AppId;
use ring::hmac;

/// The fewest bytes a hash key may have.
const MIN_KEY_BYTES: usize = 32;

/// The keyed hash of an API key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ApiKeyHash(String);

impl ApiKeyHash {
    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Makes keyed hashes.
#[derive(Clone)]
pub struct KeyedHash(hmac::Key);

/// The hash key is too short to be secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hash key must have at least {MIN_KEY_BYTES} bytes")]
pub struct ShortKey;

impl KeyedHash {
    /// Hashes under `key`.
    ///
    /// # Errors
    /// When `key` has fewer than 32 bytes.
    pub fn new(key: &[u8]) -> Result<Self, ShortKey> {
        if key.len() < MIN_KEY_BYTES { Err(ShortKey) } else { Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, key))) }
    }

    /// The hash an API key is found by.
    pub fn api_key(&self, key: &str) -> ApiKeyHash {
        ApiKeyHash(hex::encode(self.hash("api-key", &[key])))
    }

    /// The identity of a Flickr app: of its key *and* its secret, so that knowing a public key is
    /// not enough to name it.
    pub fn flickr_app(&self, key: &str, secret: &str) -> AppId {
        let hash = self.hash("flickr-app", &[key, secret]);
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_ref()[..16]);
        AppId::from_bytes(id)
    }

    fn hash(&self, purpose: &str, parts: &[&str]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        for part in std::iter::once(&purpose).chain(parts) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        context.sign()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_depends_on_its_key_and_on_all_it_hashes() {
        let (one, two) = (KeyedHash::new(&[1; 32]).unwrap(), KeyedHash::new(&[2; 32]).unwrap());
        assert_eq!(one.api_key("k"), one.api_key("k"));
        assert_ne!(one.api_key("k"), two.api_key("k"));
        assert_ne!(one.api_key("k"), one.api_key("l"));
        assert_ne!(one.flickr_app("ab", "c"), one.flickr_app("a", "bc"));
        assert_eq!(KeyedHash::new(&[1; 31]).err(), Some(ShortKey));
    }
}

//! Keyed hashes: what is looked up by a secret is found by an HMAC-SHA-256 of it (RFC 2104), so
//! that the table alone cannot confirm a guess.
//!
//! The key of the hash has versions ([`HashSecret`]). An API key is stored under one of them and found under each, so
//! that the versions overlap. An app is named under one version alone.

use domain::AppId;
use ring::hmac;

use crate::hash_secret::{FIRST_VERSION, HashSecret, Invalid};

/// The keyed hash of an API key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ApiKeyHash(String);

impl ApiKeyHash {
    fn new(version: u32, tag: hmac::Tag) -> Self {
        let digits = hex::encode(tag);
        Self(if version == FIRST_VERSION { digits } else { format!("{version}{SEPARATOR}{digits}") })
    }

    /// A hash that was stored as [`ApiKeyHash::as_str`] writes it.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Its version before a dot, unless it is the first, and 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What stands between the version of a hash and its digits.
const SEPARATOR: char = '.';

/// The version of the hash that `text` begins with, as [`ApiKeyHash::as_str`] writes it; `None` when it is none.
pub fn version_of(text: &str) -> Option<u32> {
    text.split_once(SEPARATOR).map_or(Some(FIRST_VERSION), |(version, _)| version.parse().ok())
}

/// The hashes of one API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyHashes {
    current: ApiKeyHash,
    others: Vec<ApiKeyHash>,
}

impl ApiKeyHashes {
    /// The one that it is stored under.
    pub fn current(&self) -> &ApiKeyHash {
        &self.current
    }

    /// Those under the other versions, the latest first: it may be stored under one of them.
    pub fn others(&self) -> &[ApiKeyHash] {
        &self.others
    }

    /// All of them, in the order in which they are looked up.
    pub fn all(&self) -> impl Iterator<Item = &ApiKeyHash> {
        std::iter::once(&self.current).chain(&self.others)
    }
}

/// Makes keyed hashes.
#[derive(Clone)]
pub struct KeyedHash {
    current: Version,
    /// The latest first.
    others: Vec<Version>,
    apps: Version,
}

/// A version of the hash secret.
#[derive(Clone)]
struct Version {
    number: u32,
    key: hmac::Key,
}

impl KeyedHash {
    /// Hashes under the versions of `secret`.
    ///
    /// # Errors
    /// When `secret` lacks a version that it uses.
    pub fn new(secret: &HashSecret) -> Result<Self, Invalid> {
        let version = |number| Ok(Version { number, key: hmac::Key::new(hmac::HMAC_SHA256, secret.key(number)?) });
        let others = secret.versions().rev().filter(|number| *number != secret.current());
        Ok(Self {
            current: version(secret.current())?,
            others: others.map(version).collect::<Result<_, Invalid>>()?,
            apps: version(secret.apps())?,
        })
    }

    /// The hashes an API key is found by.
    pub fn api_key(&self, key: &str) -> ApiKeyHashes {
        let hash = |version: &Version| ApiKeyHash::new(version.number, version.hash("api-key", &[key]));
        ApiKeyHashes { current: hash(&self.current), others: self.others.iter().map(hash).collect() }
    }

    /// The identity of a Flickr app: of its key *and* its secret, so that knowing a public key is
    /// not enough to name it.
    pub fn flickr_app(&self, key: &str, secret: &str) -> AppId {
        let hash = self.apps.hash("flickr-app", &[key, secret]);
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_ref()[..16]);
        AppId::from_bytes(id)
    }
}

impl Version {
    fn hash(&self, purpose: &str, parts: &[&str]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
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

    /// As a stack's template has it generated: 64 letters and digits.
    const GENERATED: &str = "FlickrHubs0Secret1Of2A3Stack4That5Was6Made7Before8Rotation9Began";

    fn first() -> HashSecret {
        HashSecret::parse(GENERATED).unwrap()
    }

    fn hashes(secret: &HashSecret) -> KeyedHash {
        KeyedHash::new(secret).unwrap()
    }

    #[test]
    fn a_hash_depends_on_its_key_and_on_all_it_hashes() {
        let (one, two) = (hashes(&first()), hashes(&HashSecret::parse(&GENERATED.to_lowercase()).unwrap()));
        assert_eq!(one.api_key("k"), one.api_key("k"));
        assert_ne!(one.api_key("k"), two.api_key("k"));
        assert_ne!(one.api_key("k"), one.api_key("l"));
        assert_ne!(one.flickr_app("ab", "c"), one.flickr_app("a", "bc"));
    }

    /// What stacks have stored must be found: these hashes were computed outside of this program.
    #[test]
    fn a_stack_that_was_made_before_finds_its_keys_and_apps() {
        const API_KEY: &str = "8986601a106df752be906e205aab9dabf0b48297c626dc113c255340066163dd";
        let rotated = first().with_new_version(&[7; 32]).with_current(2).unwrap();
        for secret in [first(), first().with_new_version(&[7; 32]), rotated] {
            let hashes = hashes(&secret);
            let of_key = hashes.api_key("an-api-key-of-twenty-letters");
            assert!(of_key.all().any(|hash| hash.as_str() == API_KEY), "{of_key:?}");
            assert_eq!(hashes.flickr_app("key", "secret").as_str(), "app_fca7b3228597bcfd49577fb426538a9e");
        }
    }

    #[test]
    fn a_key_is_stored_under_the_current_version_and_found_under_each() {
        let three = first().with_new_version(&[7; 32]).with_new_version(&[8; 32]).with_current(2).unwrap();
        let found = hashes(&three).api_key("k");
        let versions: Vec<_> = found.all().map(|hash| version_of(hash.as_str())).collect();
        assert_eq!(versions, [Some(2), Some(3), Some(1)], "the current one, then the latest");
        assert_eq!(found.current(), found.all().next().unwrap());
        assert!(found.current().as_str().starts_with("2.") && found.current().as_str().len() == 66);
        assert_eq!(found.others()[1], *hashes(&first()).api_key("k").current());
        assert_eq!((version_of("x.00"), version_of("00")), (None, Some(1)));
    }
}

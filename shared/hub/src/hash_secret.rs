//! The secret that keyed hashes are made with, in versions, so that it can be rotated with an overlap.
//!
//! A stack begins with a text of random characters, which Secrets Manager generates: that is version 1, alone. A secret
//! of several versions is JSON, `{"current": 2, "apps": 1, "versions": {"1": "..", "2": ".."}}`. What is malformed is
//! refused as a whole, by a reason that quotes nothing.

use std::collections::{BTreeMap, btree_map::Entry};

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The version of a secret that was never rotated, and of each hash that names none.
pub const FIRST_VERSION: u32 = 1;

/// The fewest bytes the key of a version may have.
const MIN_KEY_BYTES: usize = 32;

/// The secret that keyed hashes are made with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashSecret {
    /// The version that API keys are stored under.
    current: u32,
    /// The version that names Flickr apps.
    apps: u32,
    versions: BTreeMap<u32, HashKey>,
}

/// The key of a version.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
struct HashKey(String);

/// Why a text is no hash secret, or a change of one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It is neither of the two forms.
    #[error("the hash secret is JSON without `current`, `apps` and `versions` alone")]
    Malformed,
    /// A version's key is too short to be secret.
    #[error("version {0} of the hash secret has fewer than {MIN_KEY_BYTES} bytes")]
    Short(u32),
    /// A version that is to be used is not there.
    #[error("the hash secret has no version {0}")]
    NoVersion(u32),
    /// A version that is to be removed is the current one.
    #[error("version {0} of the hash secret is the current one")]
    Current(u32),
    /// A version that is to be removed names Flickr apps.
    #[error("version {0} of the hash secret names the Flickr apps")]
    NamesApps(u32),
}

impl HashSecret {
    /// Reads the secret.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let secret = if text.starts_with('{') {
            // The cause could quote the secret, and is left out.
            serde_json::from_str(text).map_err(|_| Invalid::Malformed)?
        } else {
            let versions = [(FIRST_VERSION, HashKey(text.to_owned()))].into();
            Self { current: FIRST_VERSION, apps: FIRST_VERSION, versions }
        };
        for version in [secret.current, secret.apps] {
            secret.key(version)?;
        }
        match secret.versions.iter().find(|(_, key)| key.0.len() < MIN_KEY_BYTES) {
            Some((version, _)) => Err(Invalid::Short(*version)),
            None => Ok(secret),
        }
    }

    /// The secret as it is stored. One that has its first version alone is stored as its stack made it.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn to_text(&self) -> Result<Zeroizing<String>, serde_json::Error> {
        match self.versions.get(&FIRST_VERSION) {
            Some(HashKey(only)) if self.versions.len() == 1 => Ok(Zeroizing::new(only.clone())),
            _ => serde_json::to_string(self).map(Zeroizing::new),
        }
    }

    /// The version that API keys are stored under.
    pub fn current(&self) -> u32 {
        self.current
    }

    /// The version that names Flickr apps. An app's id is that of a budget which all its tenants share, so it must not
    /// change: rotation leaves it.
    pub fn apps(&self) -> u32 {
        self.apps
    }

    /// The numbers of the versions, the earliest first.
    pub fn versions(&self) -> impl DoubleEndedIterator<Item = u32> {
        self.versions.keys().copied()
    }

    /// The secret with a further version of these random bytes, by which hashes are found and under which none is
    /// stored yet.
    #[must_use]
    pub fn with_new_version(mut self, random: &[u8; 32]) -> Self {
        let last = self.versions.keys().next_back().copied().unwrap_or_default();
        self.versions.insert(last.saturating_add(1), HashKey(hex::encode(random)));
        self
    }

    /// The secret with another current version.
    ///
    /// # Errors
    /// [`Invalid::NoVersion`].
    pub fn with_current(mut self, version: u32) -> Result<Self, Invalid> {
        self.key(version)?;
        self.current = version;
        Ok(self)
    }

    /// The secret without a version: hashes under it are found no more.
    ///
    /// # Errors
    /// [`Invalid::Current`], [`Invalid::NamesApps`], [`Invalid::NoVersion`].
    pub fn without(mut self, version: u32) -> Result<Self, Invalid> {
        if version == self.current {
            return Err(Invalid::Current(version));
        }
        if version == self.apps {
            return Err(Invalid::NamesApps(version));
        }
        match self.versions.entry(version) {
            Entry::Occupied(entry) => drop(entry.remove()),
            Entry::Vacant(_) => return Err(Invalid::NoVersion(version)),
        }
        Ok(self)
    }

    /// The key of a version.
    pub(crate) fn key(&self, version: u32) -> Result<&[u8], Invalid> {
        self.versions.get(&version).map(|HashKey(key)| key.as_bytes()).ok_or(Invalid::NoVersion(version))
    }
}

/// Prints no key.
impl std::fmt::Debug for HashSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01";

    fn first() -> HashSecret {
        HashSecret::parse(FIRST).unwrap()
    }

    fn stored(secret: &HashSecret) -> String {
        secret.to_text().unwrap().to_string()
    }

    #[test]
    fn a_generated_text_is_the_first_version_and_stays_as_it_is() {
        let secret = first();
        assert_eq!((secret.current(), secret.apps()), (1, 1));
        assert_eq!((secret.versions().collect::<Vec<_>>(), secret.key(1)), (vec![1], Ok(FIRST.as_bytes())));
        assert_eq!(stored(&secret), FIRST);
        assert_eq!(format!("{secret:?}"), "HashSecret(..)");
    }

    #[test]
    fn a_rotation_goes_step_by_step_and_back() {
        let added = first().with_new_version(&[7; 32]);
        assert_eq!((added.current(), added.apps()), (1, 1), "nothing is stored under it yet");
        assert_eq!(added.versions().collect::<Vec<_>>(), [1, 2]);
        let key = "07".repeat(32);
        let text = format!(r#"{{"current":1,"apps":1,"versions":{{"1":"{FIRST}","2":"{key}"}}}}"#);
        assert_eq!(stored(&added), text);
        assert_eq!(HashSecret::parse(&text), Ok(added.clone()));

        let rotated = added.clone().with_current(2).unwrap();
        assert_eq!((rotated.current(), rotated.apps()), (2, 1), "apps keep their names");
        assert_eq!(HashSecret::parse(&stored(&rotated)), Ok(rotated.clone()));
        assert_eq!(rotated.clone().without(1), Err(Invalid::NamesApps(1)));
        assert_eq!(rotated.clone().without(2), Err(Invalid::Current(2)));
        assert_eq!(rotated.clone().without(3), Err(Invalid::NoVersion(3)));

        let third = rotated.clone().with_new_version(&[8; 32]).with_current(3).unwrap().without(2).unwrap();
        assert_eq!(third.versions().collect::<Vec<_>>(), [1, 3]);

        let back = rotated.with_current(1).unwrap().without(2).unwrap();
        assert_eq!(stored(&back), FIRST, "as the stack made it");
        assert_eq!(back.with_current(2), Err(Invalid::NoVersion(2)));
    }

    #[test]
    fn what_is_no_secret_is_refused_by_a_reason_that_quotes_nothing() {
        let json = |current: u32, apps: u32, second: &str| {
            format!(r#"{{"current":{current},"apps":{apps},"versions":{{"1":"{FIRST}","2":"{second}"}}}}"#)
        };
        let short = "canary".repeat(5);
        for (text, why) in [
            (String::new(), Invalid::Short(1)),
            (short.clone(), Invalid::Short(1)),
            (json(1, 1, &short), Invalid::Short(2)),
            (json(3, 1, FIRST), Invalid::NoVersion(3)),
            (json(1, 3, FIRST), Invalid::NoVersion(3)),
            (format!("{{{FIRST}"), Invalid::Malformed),
            (format!(r#"{{"current":1,"versions":{{"1":"{FIRST}"}}}}"#), Invalid::Malformed),
            (json(1, 1, FIRST).replace("\"apps\"", "\"canary\":1,\"apps\""), Invalid::Malformed),
            (json(1, 1, FIRST).replace("\"2\"", "\"canary\""), Invalid::Malformed),
        ] {
            let refused = HashSecret::parse(&text).unwrap_err();
            assert_eq!(refused, why, "{text}");
            assert!(!refused.to_string().contains("canary"), "{refused}");
        }
    }
}

//! A secret in clear.

use std::{fmt, str};

use zeroize::Zeroizing;

/// A secret in clear, overwritten when dropped.
///
/// It has no `Display` and cannot be serialised, and its `Debug` prints `Secret(..)`, so it reaches
/// a log only through an `expose` call that a reader can search for.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The secret's bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The secret as text.
    ///
    /// # Errors
    /// [`str::Utf8Error`] if it is not text; the error holds positions only.
    pub fn expose_str(&self) -> Result<&str, str::Utf8Error> {
        str::from_utf8(&self.0)
    }
}

/// Takes the bytes over without a copy.
impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

/// Takes the text over without a copy.
impl From<String> for Secret {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

/// Copies the text: overwriting the original is the caller's duty.
impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        text.as_bytes().to_vec().into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_not_even_the_length() {
        assert_eq!(format!("{:?}", Secret::from("canary")), "Secret(..)");
        assert_eq!(format!("{:#?}", Some(Secret::from(""))), "Some(\n    Secret(..),\n)");
    }

    #[test]
    fn text_and_bytes_come_back() {
        assert_eq!(Secret::from("token".to_owned()).expose_str(), Ok("token"));
        let binary = Secret::from(vec![0xff, 0x00]);
        assert_eq!(binary.expose(), [0xff, 0x00]);
        assert!(binary.expose_str().is_err());
    }
}

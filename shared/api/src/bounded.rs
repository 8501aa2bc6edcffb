//! Texts of requests that have at most so many characters.
//!
//! What a text must look like is for whoever reads it to say. That it ends is said here, before anybody looks at it.

use serde::{Deserialize, Deserializer, de::Error};
use zeroize::Zeroizing;

/// What has texts.
pub(crate) trait Texts {
    /// The characters of the longest.
    fn characters(&self) -> usize;
}

impl Texts for String {
    fn characters(&self) -> usize {
        self.chars().count()
    }
}

impl Texts for Zeroizing<String> {
    fn characters(&self) -> usize {
        self.chars().count()
    }
}

impl<T: Texts> Texts for Option<T> {
    fn characters(&self) -> usize {
        self.as_ref().map_or(0, T::characters)
    }
}

impl<T: Texts> Texts for Vec<T> {
    fn characters(&self) -> usize {
        self.iter().map(T::characters).max().unwrap_or(0)
    }
}

/// Reads what has no text with more than `MOST` characters.
///
/// # Errors
/// When it has one, or is no `T`.
pub(crate) fn at_most<'de, D: Deserializer<'de>, T: Deserialize<'de> + Texts, const MOST: usize>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = T::deserialize(deserializer)?;
    if value.characters() <= MOST {
        Ok(value)
    } else {
        Err(D::Error::custom(format!("expected at most {MOST} characters")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Sample {
        #[serde(deserialize_with = "at_most::<_, _, 3>")]
        #[expect(dead_code, reason = "only read")]
        text: String,
        #[serde(default, deserialize_with = "at_most::<_, _, 2>")]
        secret: Option<Zeroizing<String>>,
        #[serde(default, deserialize_with = "at_most::<_, _, 2>")]
        #[expect(dead_code, reason = "only read")]
        list: Vec<String>,
    }

    #[test]
    fn a_text_has_so_many_characters_and_no_more() {
        let read = |text: &str| serde_json::from_str::<Sample>(text).map_err(|error| error.to_string());
        assert!(read(r#"{"text": "äöü"}"#).unwrap().secret.is_none(), "characters, not bytes");
        assert!(read(r#"{"text": "", "secret": "ab", "list": ["ab", ""]}"#).is_ok());
        for (bad, most) in [
            (r#"{"text": "abcd"}"#, 3),
            (r#"{"text": "a", "secret": "abc"}"#, 2),
            (r#"{"text": "a", "list": ["a", "abc"]}"#, 2),
        ] {
            let message = read(bad).unwrap_err();
            assert!(message.starts_with(&format!("expected at most {most} characters")), "{bad}: {message}");
        }
        assert!(read(r#"{"text": 1}"#).unwrap_err().contains("expected a string"));
    }
}

//! The tiers of tenants: each has a usage plan of API Gateway.

use std::{fmt, str::FromStr};

/// A tier: 1 to 32 lower-case letters and digits, a letter first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tier(String);

/// The text names no tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 32 lower-case letters and digits, a letter first")]
pub struct InvalidTier;

impl Tier {
    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// That of a tenant for which nothing else is said.
impl Default for Tier {
    fn default() -> Self {
        Self("standard".to_owned())
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Tier {
    type Err = InvalidTier;

    fn from_str(text: &str) -> Result<Self, InvalidTier> {
        let fits = text.len() <= 32
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidTier) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_is_a_short_name() {
        for good in ["standard", "a", "museum2"] {
            assert_eq!(good.parse::<Tier>().unwrap().as_str(), good);
        }
        for bad in ["", "Standard", "2a", "a-b", "a b", &"a".repeat(33)] {
            assert!(bad.parse::<Tier>().is_err(), "{bad}");
        }
    }
}

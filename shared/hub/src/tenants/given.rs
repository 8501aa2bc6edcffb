//! What names and API keys must look like, whoever gives them.

use crate::Error;

/// The fewest characters an API key may have: API Gateway's own minimum (`CreateApiKey`).
pub const MIN_API_KEY_CHARACTERS: usize = 20;

/// The most characters an API key may have: API Gateway's own maximum (`CreateApiKey`).
pub const MAX_API_KEY_CHARACTERS: usize = 128;

/// The longest name of a tenant or a key, in characters.
const MAX_NAME_CHARACTERS: usize = 100;

pub(super) fn check_name(name: &str) -> Result<(), Error> {
    if name.trim().is_empty() || name.chars().count() > MAX_NAME_CHARACTERS {
        return Err(Error::invalid("name", "must have 1 to 100 characters"));
    }
    Ok(())
}

pub(super) fn is_api_key(text: &str) -> bool {
    (MIN_API_KEY_CHARACTERS..=MAX_API_KEY_CHARACTERS).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic())
}

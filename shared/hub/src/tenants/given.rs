//! What names and API keys must look like, whoever gives them.

use crate::Error;

/// The fewest characters an API key may have: API Gateway's own minimum (`CreateApiKey`).
pub const MIN_API_KEY_CHARACTERS: usize = 20;

/// The most characters an API key may have: API Gateway's own maximum (`CreateApiKey`).
pub const MAX_API_KEY_CHARACTERS: usize = 128;

/// The name of a tenant or a key, as it is kept.
pub(super) fn name(text: &str) -> Result<String, Error> {
    domain::name::name(text).map_err(|error| Error::invalid("name", error.to_string()))
}

pub(super) fn is_api_key(text: &str) -> bool {
    (MIN_API_KEY_CHARACTERS..=MAX_API_KEY_CHARACTERS).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic())
}

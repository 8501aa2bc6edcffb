//! The details of an upload's error: as elements beside `<err>`, or as its attributes.

use crate::config::Config;
use crate::envelope::{ApiError, Element};

pub(super) fn with(config: &Config, error: ApiError, details: &[(&'static str, String)]) -> ApiError {
    if config.error_details_as_attributes {
        return ApiError { extra_attributes: details.to_vec(), ..error };
    }
    let elements = details.iter().map(|(name, value)| Element::with_text(*name, value.as_str()));
    ApiError { extra_elements: elements.collect(), ..error }
}

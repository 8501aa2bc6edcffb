//! API keys of tenants.

mod text;

pub use text::{ApiKey, Invalid, is_meant};

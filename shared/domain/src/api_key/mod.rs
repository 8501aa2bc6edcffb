//! API keys of tenants.

mod record;
mod scope;
mod text;

pub use record::{KeyChange, KeyRecord, KeyState, RequestSigning};
pub use scope::{Scope, Scopes, UnknownScope};
pub use text::{ApiKey, Invalid, is_meant};

#![doc = include_str!("../README.md")]

mod audit;
mod auth;
pub mod batch;
mod body;
mod context;
mod cors;
mod entity_tag;
mod envelope;
mod event;
mod nearest;
mod problem;
mod rate_limit;
mod scopes;
mod serve;
mod signature;
pub mod translate;

pub use api::{ErrorCode, MAX_BODY_BYTES};
pub use audit::Touched;
pub use auth::{AuthPorts, Authenticated, Authenticator, require_key};
pub use body::{Json, PathText, Query, parse};
pub use context::{API_KEY_HEADER, RequestContext};
pub use entity_tag::EntityTag;
pub use envelope::Envelope;
pub use problem::Problem;
pub use rate_limit::RateLimit;
pub use serve::{Gateway, lambda, serve};

#![doc = include_str!("../README.md")]

mod audit;
mod auth;
pub mod batch;
mod body;
mod context;
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

pub use api::ErrorCode;
pub use audit::Touched;
pub use auth::{AuthPorts, Authenticated, Authenticator, require_key};
pub use body::{Json, MAX_BODY_BYTES, PathText, Query, parse};
pub use context::{API_KEY_HEADER, RequestContext};
pub use entity_tag::EntityTag;
pub use envelope::Envelope;
pub use problem::Problem;
pub use rate_limit::RateLimit;
pub use serve::{Gateway, lambda, serve};

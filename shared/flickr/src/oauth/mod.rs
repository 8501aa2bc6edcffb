//! OAuth 1.0a signing (RFC 5849) as pure functions: the time stamp and the nonce are passed in.

mod encoding;
mod header;
mod signature;

pub use encoding::{form, percent_encode};
pub use header::Signer;
pub use signature::{base_string, sign};

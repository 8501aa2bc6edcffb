//! Where requests may go whose URL a caller chose: no address that leads into a network of the operator, of AWS or of
//! the function itself (server-side request forgery).
//!
//! A [`Policy`] decides twice. [`Policy::url`] reads a URL, once, into the value that is also connected to.
//! [`Policy::answer`] judges what a host's name resolves to, and belongs into the resolver that the connection uses, so
//! that a name gains nothing by changing its answer between a check and the connection.

mod address;
mod policy;
mod runtime_api;

pub use address::AddressKind;
pub use ipnet::IpNet;
pub use policy::{AddressNotAllowed, DEFAULT_PORTS, MAX_URL_BYTES, Policy, UrlNotAllowed};
pub use runtime_api::{InvalidRuntimeApi, RuntimeApi};

#[cfg(test)]
mod tests;

//! Lambda's Runtime API.

use std::str::FromStr;

use url::Url;

/// Where a running function finds its Runtime API, which hands out invocations and takes their answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuntimeApi {
    port: u16,
}

/// A text that is not a host and its port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the Runtime API must be given as `host:port`")]
pub struct InvalidRuntimeApi;

impl RuntimeApi {
    /// Whether a URL with `port` could lead to it. The host does not matter: a name may resolve to any address, and a
    /// server that listens on one loopback address may listen on all.
    pub fn listens_at(self, port: u16) -> bool {
        self.port == port
    }
}

/// Reads the value of `AWS_LAMBDA_RUNTIME_API`.
impl FromStr for RuntimeApi {
    type Err = InvalidRuntimeApi;

    fn from_str(text: &str) -> Result<Self, InvalidRuntimeApi> {
        let url = Url::parse(&format!("http://{text}")).map_err(|_| InvalidRuntimeApi)?;
        let port = url.port_or_known_default().ok_or(InvalidRuntimeApi)?;
        Ok(Self { port })
    }
}

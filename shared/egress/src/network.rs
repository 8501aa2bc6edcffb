//! What a client relies on: names, certificate authorities, and an HTTP client without conveniences.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use domain::egress::Policy;
use reqwest::{
    dns::{Addrs, Name, Resolve, Resolving},
    redirect, retry,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::guard::Guard;

const USER_AGENT: &str = concat!("FlickrHub/", env!("CARGO_PKG_VERSION"));

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be made")]
pub struct NotBuilt(#[source] Box<dyn StdError + Send + Sync>);

/// Who resolves names, and which certificate authorities are trusted.
#[derive(Clone)]
pub struct Network {
    /// Resolves names. Its answers are checked.
    pub names: Arc<dyn Resolve>,
    /// The certificate authorities.
    pub roots: RootCertStore,
}

/// The system's resolver, and the certificate authorities that Mozilla trusts.
impl Default for Network {
    fn default() -> Self {
        let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        Self { names: Arc::new(System), roots }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

impl Network {
    /// An HTTP/1.1 client that connects to what `policy` allows. Each request has a connection of its own, so that its
    /// host is resolved and checked each time.
    pub(crate) fn http(self, policy: Arc<Policy>, connect_deadline: Duration) -> Result<reqwest::Client, NotBuilt> {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| NotBuilt(error.into()))?
            .with_root_certificates(self.roots)
            .with_no_client_auth();
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::new(Guard { policy, names: self.names }))
            .user_agent(USER_AGENT)
            .connect_timeout(connect_deadline)
            .pool_max_idle_per_host(0)
            .http1_only()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            // A proxy would resolve the name itself.
            .no_proxy()
            // Bytes are counted and given as they come.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .build()
            .map_err(|error| NotBuilt(error.into()))
    }
}

/// The system's resolver.
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses: Addrs =
                Box::new(tokio::net::lookup_host((name.as_str(), 0)).await?.collect::<Vec<_>>().into_iter());
            Ok(addresses)
        })
    }
}

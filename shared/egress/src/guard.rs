//! The resolver that connections use: it gives allowed addresses, or none.
//!
//! The addresses that are judged are those that are connected to. A name that is judged once and resolved again for the
//! connection could answer with another address the second time (DNS rebinding).

use std::{
    error::Error as StdError,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use domain::egress::{AddressNotAllowed, Policy};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Why a name gave no address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Address(AddressNotAllowed),
    #[error("the name was not resolved")]
    Name(#[source] Option<Box<dyn StdError + Send + Sync>>),
}

/// A resolver whose answers follow a policy.
pub(crate) struct Guard {
    pub(crate) policy: Arc<Policy>,
    pub(crate) names: Arc<dyn Resolve>,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.policy.clone();
        let host = name.as_str().to_owned();
        let answer = self.names.resolve(name);
        Box::pin(async move {
            let addresses: Vec<IpAddr> =
                answer.await.map_err(|error| Refusal::Name(Some(error)))?.map(|address| address.ip()).collect();
            if addresses.is_empty() {
                return Err(Refusal::Name(None).into());
            }
            policy.answer(&host, &addresses).map_err(Refusal::Address)?;
            // Port 0 stands for the URL's.
            let allowed: Addrs = Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(allowed)
        })
    }
}

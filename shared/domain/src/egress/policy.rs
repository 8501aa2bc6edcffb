//! Which URLs and addresses are allowed.

use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;
use url::{Host, Url};

use super::{address::AddressKind, runtime_api::RuntimeApi};

/// The longest URL that is read, in bytes. A presigned URL of S3 has about 2,000.
pub const MAX_URL_BYTES: usize = 8192;

/// The ports that are allowed where an operator names none.
pub const DEFAULT_PORTS: [u16; 2] = [443, 8443];

/// The name of the machine itself (RFC 6761 section 6.3).
const LOCALHOST: &str = "localhost";

/// Which URLs and addresses a request may go to that a caller chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    ports: BTreeSet<u16>,
    networks: Vec<IpNet>,
    runtime_api: Option<RuntimeApi>,
    is_local: bool,
}

/// A URL that no request goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlNotAllowed {
    /// It is longer than [`MAX_URL_BYTES`].
    #[error("the URL is longer than {MAX_URL_BYTES} bytes")]
    TooLong,
    /// It is no absolute URL with a valid host.
    #[error("the URL cannot be read")]
    Unreadable,
    /// Its scheme is not `https`.
    #[error("the URL must begin with https://")]
    Scheme,
    /// It has a user or a password.
    #[error("the URL must not hold a user or a password")]
    UserInfo,
    /// Its port is not on the list.
    #[error("port {0} is not allowed")]
    Port(u16),
    /// Its port is that of Lambda's Runtime API.
    #[error("the port of the Runtime API is not allowed")]
    RuntimeApi,
    /// Its host is an address that is not allowed.
    #[error(transparent)]
    Address(#[from] AddressNotAllowed),
}

/// An address that no request goes to, by what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the host is {0}, which is not allowed")]
pub struct AddressNotAllowed(pub AddressKind);

/// Public addresses alone, at [`DEFAULT_PORTS`].
impl Default for Policy {
    fn default() -> Self {
        Self { ports: DEFAULT_PORTS.into(), networks: Vec::new(), runtime_api: None, is_local: false }
    }
}

impl Policy {
    /// Allows `ports` in place of those that are allowed now.
    pub fn with_ports(self, ports: impl IntoIterator<Item = u16>) -> Self {
        Self { ports: ports.into_iter().collect(), ..self }
    }

    /// Allows the addresses in `networks` besides public ones, at the same ports. It opens private, carrier-grade NAT,
    /// documentation, benchmarking and reserved addresses; any other kind stays closed whatever the list says. A
    /// network matches addresses as they are written: one of IPv4 does not match an address inside an IPv6 address.
    pub fn with_networks(self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self { networks: networks.into_iter().collect(), ..self }
    }

    /// Refuses the port of Lambda's Runtime API, where a function has one.
    pub fn with_runtime_api(self, runtime_api: Option<RuntimeApi>) -> Self {
        Self { runtime_api, ..self }
    }

    /// For a stack on one machine: allows loopback addresses, and `http` and any port where the host is a loopback
    /// address or `localhost`.
    pub fn local(self) -> Self {
        Self { is_local: true, ..self }
    }

    /// Reads `text` as browsers and the HTTP client do (the URL Standard), and checks all of it but what the name of a
    /// host resolves to. Connect to the value that is returned and to no other reading of the text.
    ///
    /// # Errors
    /// [`UrlNotAllowed`], which quotes nothing of the URL but its port.
    pub fn url(&self, text: &str) -> Result<Url, UrlNotAllowed> {
        if text.len() > MAX_URL_BYTES {
            return Err(UrlNotAllowed::TooLong);
        }
        let url = Url::parse(text).map_err(|_| UrlNotAllowed::Unreadable)?;
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(if url.scheme() == "https" { UrlNotAllowed::Unreadable } else { UrlNotAllowed::Scheme });
        };
        let address = match host {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain(_) => None,
        };
        let is_local = self.is_local
            && address.map_or(host == Host::Domain(LOCALHOST), |ip| AddressKind::of(ip) == AddressKind::Loopback);
        if url.scheme() != "https" && !(is_local && url.scheme() == "http") {
            return Err(UrlNotAllowed::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlNotAllowed::UserInfo);
        }
        if let Some(address) = address {
            self.address(address)?;
        }
        if self.runtime_api.is_some_and(|api| api.listens_at(port)) {
            return Err(UrlNotAllowed::RuntimeApi);
        }
        if !is_local && !self.ports.contains(&port) {
            return Err(UrlNotAllowed::Port(port));
        }
        Ok(url)
    }

    /// Checks all addresses that the name `host` resolves to.
    ///
    /// One that is not allowed refuses the answer as a whole. Such a mixture is a mistake or an attack in which the
    /// first connection is to fail, and an answer that is half good must not be a matter of luck.
    ///
    /// # Errors
    /// [`AddressNotAllowed`] for the first that is not allowed.
    pub fn answer(&self, host: &str, addresses: &[IpAddr]) -> Result<(), AddressNotAllowed> {
        addresses.iter().try_for_each(|address| match AddressKind::of(*address) {
            // It may be asked in clear, so it must not leave the machine.
            kind if host == LOCALHOST && self.is_local && kind != AddressKind::Loopback => Err(AddressNotAllowed(kind)),
            _ => self.address(*address),
        })
    }

    fn address(&self, address: IpAddr) -> Result<(), AddressNotAllowed> {
        let kind = AddressKind::of(address);
        let is_allowed = match kind {
            AddressKind::Public => true,
            AddressKind::Loopback => self.is_local,
            AddressKind::Private
            | AddressKind::CarrierGradeNat
            | AddressKind::Documentation
            | AddressKind::Benchmarking
            | AddressKind::Reserved => self.networks.iter().any(|network| network.contains(&address)),
            AddressKind::Unspecified
            | AddressKind::LinkLocal
            | AddressKind::Metadata
            | AddressKind::Multicast
            | AddressKind::Embedded => false,
        };
        if is_allowed { Ok(()) } else { Err(AddressNotAllowed(kind)) }
    }
}

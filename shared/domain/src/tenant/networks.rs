//! The networks that a tenant's requests may come from.

use std::{net::IpAddr, str::FromStr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Networks of IP addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Networks(Vec<IpNet>);

/// The text is no address, and no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address such as 192.0.2.7, and no network such as 192.0.2.0/24 or 2001:db8::/32")]
pub struct Invalid(String);

impl Networks {
    /// Whether the address is in one of them. An IPv4 address in an IPv6 address counts as itself.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Reads each: a network, or an address alone.
    ///
    /// # Errors
    /// [`Invalid`] for the first that cannot be read.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, Invalid> {
        texts.into_iter().map(|text| network(text.as_ref())).collect::<Result<_, _>>().map(Self)
    }
}

fn network(text: &str) -> Result<IpNet, Invalid> {
    let alone = || IpAddr::from_str(text).map(IpNet::from);
    text.parse().or_else(|_| alone()).map_err(|_| Invalid(text.to_owned()))
}

impl TryFrom<Vec<String>> for Networks {
    type Error = Invalid;

    fn try_from(texts: Vec<String>) -> Result<Self, Invalid> {
        Self::parse(texts)
    }
}

impl From<Networks> for Vec<String> {
    fn from(networks: Networks) -> Self {
        networks.0.iter().map(ToString::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_a_network_or_not() {
        let networks = Networks::parse(["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]).unwrap();
        for (address, expected) in [
            ("192.0.2.255", true),
            ("192.0.3.0", false),
            ("::ffff:192.0.2.1", true),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
        ] {
            assert_eq!(networks.contains(address.parse().unwrap()), expected, "{address}");
        }
        assert!(!Networks::default().contains("192.0.2.1".parse().unwrap()), "an empty list allows nobody");
        for bad in ["", "192.0.2.0/33", "example.org", "192.0.2"] {
            assert!(Networks::parse([bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn networks_read_back() {
        let networks = Networks::parse(["192.0.2.7/32", "2001:db8::/32"]).unwrap();
        let text = serde_json::to_string(&networks).unwrap();
        assert_eq!(text, r#"["192.0.2.7/32","2001:db8::/32"]"#);
        assert_eq!(serde_json::from_str::<Networks>(&text).unwrap(), networks);
    }
}

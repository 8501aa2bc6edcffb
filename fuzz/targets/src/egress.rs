//! URLs that callers choose.

use std::net::IpAddr;

use domain::egress::{AddressKind, DEFAULT_PORTS, MAX_URL_BYTES, Policy};
use url::Host;

/// A URL to fetch: what is allowed is HTTPS at a listed port of a public address or of a name that is no address, and
/// is read the same when it is written again.
pub fn egress_url(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(url) = Policy::default().url(&text) else { return };
    assert!(text.len() <= MAX_URL_BYTES && url.scheme() == "https", "{text:?}");
    assert!(url.username().is_empty() && url.password().is_none(), "{text:?}");
    assert!(url.port_or_known_default().is_some_and(|port| DEFAULT_PORTS.contains(&port)), "{text:?}");
    let address = match url.host().expect("HTTPS has a host") {
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
        Host::Domain(name) => {
            assert!(
                !name.is_empty() && name.is_ascii() && !name.contains(['@', '/', '\\', ':', '%', '[', ' ']),
                "{text:?}"
            );
            // As the connection reads it: with or without a final dot.
            name.trim_end_matches('.').parse().ok()
        }
    };
    assert!(address.is_none_or(|address| AddressKind::of(address) == AddressKind::Public), "{text:?}");
    // Writing a URL can make it longer, by what it escapes.
    if url.as_str().len() <= MAX_URL_BYTES {
        assert_eq!(Policy::default().url(url.as_str()).as_ref(), Ok(&url), "{text:?}");
    }
}

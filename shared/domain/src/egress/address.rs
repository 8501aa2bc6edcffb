//! What an IP address is for.
//!
//! The networks are those of IANA's registries of special-purpose addresses (RFC 6890, as of 2026) and of multicast,
//! with the addresses of metadata services. What the registries call globally reachable inside a block that is not, such
//! as `192.0.0.9`, counts as its block: no web server has such an address.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::{Ipv4Net, Ipv6Net};

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressKind {
    /// A host on the internet.
    Public,
    /// No host, or this one (RFC 1122 section 3.2.1.3).
    Unspecified,
    /// The machine itself.
    Loopback,
    /// A host on the same link, also in the form that was called site-local.
    LinkLocal,
    /// A service that gives a cloud's machines and functions their credentials.
    Metadata,
    /// A private network (RFC 1918, RFC 4193).
    Private,
    /// A carrier's network behind its address translation (RFC 6598).
    CarrierGradeNat,
    /// Examples in documents.
    Documentation,
    /// Measurements between devices (RFC 2544, RFC 5180).
    Benchmarking,
    /// Many hosts at once.
    Multicast,
    /// An IPv4 address inside an IPv6 address: mapped, compatible, translated, 6to4, Teredo, ISATAP.
    Embedded,
    /// Nothing yet, or no longer.
    Reserved,
}

impl AddressKind {
    /// What `address` is for.
    ///
    /// An address under NAT64's well-known prefix is for what the IPv4 address in it is for: in a network with DNS64,
    /// public hosts without an IPv6 address of their own have such addresses (RFC 6052, RFC 6147).
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "a public address",
            Self::Unspecified => "an unspecified address",
            Self::Loopback => "a loopback address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "the address of a metadata service",
            Self::Private => "a private address",
            Self::CarrierGradeNat => "an address behind carrier-grade NAT",
            Self::Documentation => "an address for documentation",
            Self::Benchmarking => "an address for benchmarks",
            Self::Multicast => "a multicast address",
            Self::Embedded => "an IPv4 address inside an IPv6 address",
            Self::Reserved => "a reserved address",
        })
    }
}

const fn v4(address: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = address;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(address: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = address;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

/// The first network that holds an address says what it is for.
const SPECIAL_V4: [(Ipv4Net, AddressKind); 23] = [
    (v4([169, 254, 169, 254], 32), AddressKind::Metadata), // AWS, Google, Azure and others
    (v4([169, 254, 170, 2], 32), AddressKind::Metadata),   // AWS ECS
    (v4([169, 254, 170, 23], 32), AddressKind::Metadata),  // AWS EKS
    (v4([100, 100, 100, 200], 32), AddressKind::Metadata), // Alibaba
    (v4([168, 63, 129, 16], 32), AddressKind::Metadata),   // Azure
    (v4([192, 0, 0, 192], 32), AddressKind::Metadata),     // Oracle
    (v4([0, 0, 0, 0], 8), AddressKind::Unspecified),
    (v4([10, 0, 0, 0], 8), AddressKind::Private),
    (v4([100, 64, 0, 0], 10), AddressKind::CarrierGradeNat),
    (v4([127, 0, 0, 0], 8), AddressKind::Loopback),
    (v4([169, 254, 0, 0], 16), AddressKind::LinkLocal),
    (v4([172, 16, 0, 0], 12), AddressKind::Private),
    (v4([192, 0, 0, 0], 24), AddressKind::Reserved), // protocol assignments
    (v4([192, 0, 2, 0], 24), AddressKind::Documentation),
    (v4([192, 88, 99, 0], 24), AddressKind::Reserved), // once the relays of 6to4
    (v4([192, 168, 0, 0], 16), AddressKind::Private),
    (v4([198, 18, 0, 0], 15), AddressKind::Benchmarking),
    (v4([198, 51, 100, 0], 24), AddressKind::Documentation),
    (v4([203, 0, 113, 0], 24), AddressKind::Documentation),
    (v4([233, 252, 0, 0], 24), AddressKind::Documentation),
    (v4([224, 0, 0, 0], 4), AddressKind::Multicast),
    (v4([255, 255, 255, 255], 32), AddressKind::Multicast), // broadcast
    (v4([240, 0, 0, 0], 4), AddressKind::Reserved),
];

/// The same for IPv6. What is neither here nor global unicast is reserved.
const SPECIAL_V6: [(Ipv6Net, AddressKind); 18] = [
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0], 32), AddressKind::Metadata), // AWS
    (v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128), AddressKind::Metadata), // Google
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), AddressKind::Unspecified),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), AddressKind::Loopback),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 96), AddressKind::Embedded), // IPv4-compatible
    (v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), AddressKind::Embedded), // IPv4-mapped
    (v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96), AddressKind::Embedded), // IPv4-translated (RFC 2765)
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), AddressKind::Embedded), // NAT64 of a local prefix (RFC 8215)
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), AddressKind::Embedded), // Teredo
    (v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48), AddressKind::Benchmarking),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), AddressKind::Reserved), // protocol assignments
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), AddressKind::Documentation),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), AddressKind::Embedded), // 6to4
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), AddressKind::Documentation),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), AddressKind::Private),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), AddressKind::LinkLocal),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), AddressKind::LinkLocal), // site-local (RFC 3879)
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), AddressKind::Multicast),
];

/// The only block of IPv6 with addresses of hosts on the internet (RFC 4291 section 2.4, IANA's allocations).
const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// NAT64's well-known prefix (RFC 6052 section 2.1).
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

fn of_v4(address: Ipv4Addr) -> AddressKind {
    let special = SPECIAL_V4.iter().find(|(network, _)| network.contains(&address));
    special.map_or(AddressKind::Public, |(_, kind)| *kind)
}

fn of_v6(address: Ipv6Addr) -> AddressKind {
    if NAT64.contains(&address) {
        let [.., a, b, c, d] = address.octets();
        return of_v4(Ipv4Addr::new(a, b, c, d));
    }
    match SPECIAL_V6.iter().find(|(network, _)| network.contains(&address)) {
        Some((_, kind)) => *kind,
        None if is_isatap(address) => AddressKind::Embedded,
        None if GLOBAL_UNICAST.contains(&address) => AddressKind::Public,
        None => AddressKind::Reserved,
    }
}

/// Whether the interface's identifier is ISATAP's, under any prefix (RFC 5214 section 6.1).
fn is_isatap(address: Ipv6Addr) -> bool {
    let [.., high, low, _, _] = address.segments();
    // The two bits that say whether the identifier is unique, and whether it is a group's.
    high & !0x0300 == 0 && low == 0x5efe
}

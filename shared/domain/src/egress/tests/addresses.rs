//! Every address of a network that is not public is refused, in every form; every other is allowed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::prelude::*;

use super::super::{AddressKind, AddressNotAllowed, Policy};

/// The networks whose addresses are refused, written again.
const CLOSED_V4: [&str; 20] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/29",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "233.252.0.0/24",
    "239.0.0.0/8",
    "240.0.0.0/4",
    "255.255.255.255/32",
];

/// Those inside global unicast apart, all other addresses of IPv6 but NAT64's are refused.
const CLOSED_GLOBAL_V6: [&str; 5] = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2001:2::/48"];

const CLOSED_V6: [&str; 13] = [
    "::/128",
    "::1/128",
    "::/96",
    "::ffff:0:0/96",
    "::ffff:0:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "5f00::/16",
    "fc00::/7",
    "fd00:ec2::/32",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

fn is_open(address: impl Into<IpAddr>) -> bool {
    Policy::default().answer("example.com", &[address.into()]).is_ok()
}

fn closed_v4() -> Vec<Ipv4Net> {
    CLOSED_V4.iter().map(|network| network.parse().unwrap()).collect()
}

fn closed_v6() -> Vec<Ipv6Net> {
    CLOSED_GLOBAL_V6.iter().chain(&CLOSED_V6).map(|network| network.parse().unwrap()).collect()
}

fn inside_v4(network: Ipv4Net, bits: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(network.network().to_bits() | (bits & network.hostmask().to_bits()))
}

fn inside_v6(network: Ipv6Net, bits: u128) -> Ipv6Addr {
    Ipv6Addr::from_bits(network.network().to_bits() | (bits & network.hostmask().to_bits()))
}

/// `inner` in every form of IPv6 that holds an IPv4 address, `rest` in the bits that are free.
fn embeddings(inner: Ipv4Addr, rest: u64) -> Vec<Ipv6Addr> {
    let inner = u128::from(inner.to_bits());
    let prefix = (0x2606_4700_u128 << 96) | (u128::from(rest as u32) << 64);
    let forms = [
        inner,                                                                   // compatible
        (0xffff << 32) | inner,                                                  // mapped
        (0xffff << 48) | inner,                                                  // translated
        (0x0064_ff9b_u128 << 96) | inner,                                        // NAT64
        (0x0064_ff9b_0001_u128 << 80) | inner,                                   // NAT64, local prefix
        (0x2002_u128 << 112) | (inner << 80) | u128::from(rest),                 // 6to4
        (0x2001_u128 << 112) | (u128::from(rest) << 32) | (inner ^ 0xffff_ffff), // Teredo: the client
        (0x2001_u128 << 112) | (inner << 64) | u128::from(rest),                 // Teredo: the server
        prefix | (0x5efe << 32) | inner,                                         // ISATAP
        prefix | (0x0200_5efe << 32) | inner,                                    // ISATAP, of a unique address
    ];
    forms.into_iter().map(Ipv6Addr::from_bits).collect()
}

fn is_isatap(address: Ipv6Addr) -> bool {
    (address.to_bits() >> 32) as u32 & 0xfcff_ffff == 0x5efe
}

proptest! {
    #[test]
    fn no_address_of_a_closed_network_is_open_in_any_form(bits: u32, rest: u64, wide: u128) {
        for network in closed_v4() {
            let address = inside_v4(network, bits);
            prop_assert!(!is_open(address), "{address} of {network}");
            for form in embeddings(address, rest) {
                prop_assert!(!is_open(form), "{address} as {form}");
            }
        }
        for network in closed_v6() {
            let address = inside_v6(network, wide);
            prop_assert!(!is_open(address), "{address} of {network}");
        }
    }

    #[test]
    fn every_other_address_is_open_by_itself_and_through_nat64(bits: u32, rest: u64) {
        let address = Ipv4Addr::from_bits(bits);
        prop_assume!(!closed_v4().iter().any(|network| network.contains(&address)));
        prop_assert!(is_open(address), "{address}");
        for form in embeddings(address, rest) {
            let is_nat64 = form.segments()[..2] == [0x64, 0xff9b] && form.segments()[2] == 0;
            prop_assert_eq!(is_open(form), is_nat64, "{} as {}", address, form);
        }
    }

    #[test]
    fn global_unicast_is_open_and_nothing_else_of_ipv6(bits: u128) {
        let global = Ipv6Addr::from_bits((bits >> 3) | (1 << 125));
        prop_assume!(!is_isatap(global));
        let is_closed = closed_v6().iter().any(|network| network.contains(&global));
        prop_assert_eq!(is_open(global), !is_closed, "{}", global);
        let any = Ipv6Addr::from_bits(bits);
        let nat64: Ipv6Net = "64:ff9b::/96".parse().unwrap();
        prop_assume!(any.segments()[0] >> 13 != 1 && !nat64.contains(&any));
        prop_assert!(!is_open(any), "{any}");
    }

    /// The kind that is refused is never the one that is allowed, and a list of all networks opens no other kinds than
    /// it may.
    #[test]
    fn what_is_refused_says_what_it_is(bits: u32, wide: u128) {
        let everything = ["0.0.0.0/0", "::/0"].map(|network| network.parse::<IpNet>().unwrap());
        let widest = Policy::default().with_networks(everything);
        for address in [IpAddr::from(Ipv4Addr::from_bits(bits)), IpAddr::from(Ipv6Addr::from_bits(wide))] {
            let kind = AddressKind::of(address);
            let strict = Policy::default().answer("example.com", &[address]);
            prop_assert_eq!(strict, if kind == AddressKind::Public { Ok(()) } else { Err(AddressNotAllowed(kind)) });
            let never = [
                AddressKind::Unspecified,
                AddressKind::Loopback,
                AddressKind::LinkLocal,
                AddressKind::Metadata,
                AddressKind::Multicast,
                AddressKind::Embedded,
            ];
            prop_assert_eq!(widest.answer("example.com", &[address]).is_err(), never.contains(&kind));
        }
    }
}

#[test]
fn the_first_and_the_last_address_of_a_closed_network_are_refused() {
    for network in closed_v4() {
        assert!(!is_open(network.network()) && !is_open(network.broadcast()), "{network}");
    }
    for network in closed_v6() {
        assert!(!is_open(network.network()) && !is_open(network.broadcast()), "{network}");
    }
}

#[test]
fn the_neighbours_of_closed_networks_are_open() {
    for neighbour in [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.3.0",
        "192.88.98.255",
        "192.88.100.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "198.51.101.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "2000::",
        "2001:200::",
        "2001:db7:ffff::",
        "2001:db9::",
        "2003::",
        "3ffe:ffff::",
        "3fff:1000::",
    ] {
        assert!(is_open(neighbour.parse::<IpAddr>().unwrap()), "{neighbour}");
    }
    for neighbour in ["1fff:ffff::", "4000::", "64:ff9a:ffff::", "64:ff9b:2::"] {
        assert!(!is_open(neighbour.parse::<IpAddr>().unwrap()), "{neighbour}");
    }
}

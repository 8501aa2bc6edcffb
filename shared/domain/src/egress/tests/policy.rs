//! What an operator's settings change.

use std::net::IpAddr;

use super::super::{
    AddressKind::{Embedded, LinkLocal, Loopback, Metadata, Private, Public},
    AddressNotAllowed, InvalidRuntimeApi, Policy, RuntimeApi, UrlNotAllowed,
};

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn refused(kind: super::super::AddressKind) -> Result<(), AddressNotAllowed> {
    Err(AddressNotAllowed(kind))
}

fn with_networks(networks: &[&str]) -> Policy {
    Policy::default().with_networks(networks.iter().map(|network| network.parse().unwrap()))
}

#[test]
fn one_forbidden_address_refuses_the_whole_answer() {
    let policy = Policy::default();
    let answer = |texts: &[&str]| policy.answer("example.com", &ips(texts));
    assert_eq!(answer(&["8.8.8.8", "2606:4700::1111"]), Ok(()));
    assert_eq!(answer(&["8.8.8.8", "10.0.0.1"]), refused(Private));
    assert_eq!(answer(&["127.0.0.1", "8.8.8.8"]), refused(Loopback));
    assert_eq!(answer(&["8.8.8.8", "::ffff:8.8.8.8"]), refused(Embedded));
}

#[test]
fn listed_networks_are_open_as_they_are_written() {
    let policy = with_networks(&["10.20.0.0/16", "fd12::/16"]);
    let answer = |text: &str| policy.answer("photos.internal", &ips(&[text]));
    assert_eq!(answer("10.20.255.255"), Ok(()));
    assert_eq!(answer("fd12::1"), Ok(()));
    assert_eq!(answer("10.21.0.0"), refused(Private));
    assert_eq!(answer("fd13::"), refused(Private));
    for inside in ["::ffff:10.20.0.1", "::10.20.0.1", "2002:a14:1::"] {
        assert_eq!(answer(inside), refused(Embedded), "{inside}");
    }
    assert_eq!(answer("64:ff9b::10.20.0.1"), refused(Private));
    assert!(policy.url("https://10.20.0.1/").is_ok());
    assert_eq!(policy.url("https://10.20.0.1:81/"), Err(UrlNotAllowed::Port(81)));
    assert_eq!(policy.url("http://10.20.0.1/"), Err(UrlNotAllowed::Scheme));
}

#[test]
fn no_list_opens_the_machine_its_link_or_a_metadata_service() {
    let policy = with_networks(&["0.0.0.0/0", "::/0"]);
    let answer = |text: &str| policy.answer("example.com", &ips(&[text]));
    for open in ["10.0.0.1", "100.64.0.1", "192.0.2.1", "198.18.0.1", "240.0.0.1", "fc00::1", "64:ff9b::10.0.0.1"] {
        assert_eq!(answer(open), Ok(()), "{open}");
    }
    for closed in [
        "0.0.0.0",
        "127.0.0.1",
        "169.254.100.1",
        "169.254.169.254",
        "100.100.100.200",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::169.254.169.254",
        "2002:a9fe:a9fe::",
    ] {
        assert!(answer(closed).is_err(), "{closed}");
    }
}

#[test]
fn ports_are_those_of_the_list() {
    let policy = Policy::default().with_ports([4443]);
    assert!(policy.url("https://example.com:4443/").is_ok());
    assert_eq!(policy.url("https://example.com/"), Err(UrlNotAllowed::Port(443)));
}

#[test]
fn a_local_stack_reaches_the_machine_itself_in_clear_and_nothing_else() {
    let policy = Policy::default().local();
    for open in [
        "http://127.0.0.1:4000/a",
        "http://localhost:4000/",
        "http://[::1]:4000/",
        "https://127.0.0.2:4000/",
        "https://localhost:4000/",
        "https://example.com/",
    ] {
        assert!(policy.url(open).is_ok(), "{open}");
    }
    for (closed, error) in [
        ("http://example.com/", UrlNotAllowed::Scheme),
        ("http://localhost.example.com/", UrlNotAllowed::Scheme),
        ("http://8.8.8.8/", UrlNotAllowed::Scheme),
        ("ftp://127.0.0.1/", UrlNotAllowed::Scheme),
        ("http://10.0.0.1/", UrlNotAllowed::Scheme),
        ("https://example.com:4000/", UrlNotAllowed::Port(4000)),
        ("https://169.254.169.254/", UrlNotAllowed::Address(AddressNotAllowed(Metadata))),
        ("https://[::ffff:127.0.0.1]:4000/", UrlNotAllowed::Address(AddressNotAllowed(Embedded))),
        ("http://user@localhost:4000/", UrlNotAllowed::UserInfo),
    ] {
        assert_eq!(policy.url(closed), Err(error), "{closed}");
    }
    assert_eq!(policy.answer("localhost", &ips(&["127.0.0.1", "::1"])), Ok(()));
    assert_eq!(policy.answer("localhost", &ips(&["8.8.8.8"])), refused(Public));
    assert_eq!(policy.answer("example.com", &ips(&["127.0.0.1"])), Ok(()));
    assert_eq!(policy.answer("example.com", &ips(&["169.254.100.1"])), refused(LinkLocal));
    assert_eq!(Policy::default().answer("localhost", &ips(&["127.0.0.1"])), refused(Loopback));
}

#[test]
fn the_runtime_api_is_refused_on_every_host_also_locally() {
    for api in ["127.0.0.1:9001", "169.254.100.1:9001", "[::1]:9001", "localhost:9001"] {
        let policy = Policy::default().with_ports([443, 9001]).with_runtime_api(Some(api.parse().unwrap())).local();
        for host in ["127.0.0.1", "127.0.0.2", "2130706433", "[::1]", "localhost", "example.com", "8.8.8.8"] {
            let at = |port: u16| policy.url(&format!("https://{host}:{port}/2018-06-01/runtime/invocation/next"));
            assert_eq!(at(9001), Err(UrlNotAllowed::RuntimeApi), "{host} for {api}");
            assert!(at(443).is_ok(), "{host} for {api}");
        }
    }
    for bad in ["", ":9001", "127.0.0.1:x", "127.0.0.1:99999", "a b:1"] {
        assert_eq!(bad.parse::<RuntimeApi>(), Err(InvalidRuntimeApi), "{bad:?}");
    }
}

//! Spellings of URLs, and what becomes of them under the policy that a deployed stack has at first.

use super::super::{
    AddressKind::{
        self, Benchmarking, CarrierGradeNat, Documentation, Embedded, LinkLocal, Loopback, Metadata, Multicast,
        Private, Reserved, Unspecified,
    },
    AddressNotAllowed, MAX_URL_BYTES, Policy, UrlNotAllowed,
};

/// What becomes of a URL.
enum Verdict {
    /// Its host is connected to, or resolved.
    Host(&'static str),
    No(UrlNotAllowed),
    /// Its host is such an address.
    Is(AddressKind),
}
use UrlNotAllowed::{Port, Scheme, Unreadable, UserInfo};
use Verdict::{Host, Is, No};

const CASES: &[(&str, Verdict)] = &[
    // What is meant to work.
    ("https://example.com", Host("example.com")),
    ("https://example.com/a/photo.jpg?X-Amz-Signature=abc#top", Host("example.com")),
    ("HTTPS://EXAMPLE.COM/", Host("example.com")),
    ("https://example.com:443/", Host("example.com")),
    ("https://example.com:8443/", Host("example.com")),
    ("https://example.com./", Host("example.com.")),
    ("https://8.8.8.8/", Host("8.8.8.8")),
    ("https://[2606:4700::1111]/", Host("[2606:4700::1111]")),
    ("https://[64:ff9b::8.8.8.8]/", Host("[64:ff9b::808:808]")),
    ("https://bücher.example/", Host("xn--bcher-kva.example")),
    ("https://EXAMPLE。com/", Host("example.com")),
    ("https://169.254.169.254.example.com/", Host("169.254.169.254.example.com")),
    ("https://example.com/@127.0.0.1", Host("example.com")),
    ("https://example.com?@127.0.0.1", Host("example.com")),
    ("https://example.com#@127.0.0.1", Host("example.com")),
    // One reading where readers of URLs differ.
    ("  https://example.com/\n", Host("example.com")),
    ("https:\\\\example.com\\@127.0.0.1", Host("example.com")),
    ("https:example.com", Host("example.com")),
    ("https:///example.com", Host("example.com")),
    ("https://exa\tmple.com/", Host("example.com")),
    ("https://@example.com/", Host("example.com")),
    // Other schemes.
    ("http://example.com/", No(Scheme)),
    ("http://127.0.0.1/", No(Scheme)),
    ("http://localhost/", No(Scheme)),
    ("ftp://example.com/", No(Scheme)),
    ("ws://example.com/", No(Scheme)),
    ("file:///etc/passwd", No(Scheme)),
    ("gopher://127.0.0.1:6379/_FLUSHALL", No(Scheme)),
    ("data:image/png;base64,AAAA", No(Scheme)),
    ("javascript:alert(1)", No(Scheme)),
    // No URL.
    ("", No(Unreadable)),
    ("example.com", No(Unreadable)),
    ("//example.com/", No(Unreadable)),
    ("https://", No(Unreadable)),
    ("https://exa mple.com/", No(Unreadable)),
    ("https://exa%00mple.com/", No(Unreadable)),
    ("https://exa%2Fmple.com/", No(Unreadable)),
    ("https://example.com:99999/", No(Unreadable)),
    ("https://1.2.3.4.5/", No(Unreadable)),
    ("https://256.1.1.1/", No(Unreadable)),
    ("https://[fe80::1%25eth0]/", No(Unreadable)),
    ("https://[::1/", No(Unreadable)),
    ("https://xn--a/", No(Unreadable)),
    // A user or a password.
    ("https://user@example.com/", No(UserInfo)),
    ("https://user:password@example.com/", No(UserInfo)),
    ("https://:password@example.com/", No(UserInfo)),
    ("https://example.com@127.0.0.1/", No(UserInfo)),
    ("https://127.0.0.1@example.com/", No(UserInfo)),
    ("https://example.com%40@127.0.0.1/", No(UserInfo)),
    // Ports.
    ("https://example.com:80/", No(Port(80))),
    ("https://example.com:22/", No(Port(22))),
    ("https://example.com:9001/", No(Port(9001))),
    ("https://example.com:0/", No(Port(0))),
    ("https://8.8.8.8:6379/", No(Port(6379))),
    // Loopback in every spelling.
    ("https://127.0.0.1/", Is(Loopback)),
    ("https://127.0.0.1./", Is(Loopback)),
    ("https://127.1/", Is(Loopback)),
    ("https://127.0.1/", Is(Loopback)),
    ("https://127.255.255.254/", Is(Loopback)),
    ("https://2130706433/", Is(Loopback)),
    ("https://2130706433./", Is(Loopback)),
    ("https://0x7f000001/", Is(Loopback)),
    ("https://0X7F.1/", Is(Loopback)),
    ("https://017700000001/", Is(Loopback)),
    ("https://0177.0.0.1/", Is(Loopback)),
    ("https://0x7f.0.0.0x1/", Is(Loopback)),
    ("https://0000000177.0.0.01/", Is(Loopback)),
    ("https://%31%32%37.0.0.1/", Is(Loopback)),
    ("https://127%2e0%2e0%2e1/", Is(Loopback)),
    ("https://１２７.0.0.1/", Is(Loopback)),
    ("https://①②⑦.⓪.⓪.①/", Is(Loopback)),
    ("https://127。0。0。1/", Is(Loopback)),
    ("https://１２７．１/", Is(Loopback)),
    ("https://[::1]/", Is(Loopback)),
    ("https://[0:0:0:0:0:0:0:1]/", Is(Loopback)),
    ("https://[0000:0000:0000:0000:0000:0000:0000:0001]/", Is(Loopback)),
    ("https://[64:ff9b::127.0.0.1]/", Is(Loopback)),
    // The machine without a name.
    ("https://0/", Is(Unspecified)),
    ("https://0.0.0.0/", Is(Unspecified)),
    ("https://0x0/", Is(Unspecified)),
    ("https://0.1.2.3/", Is(Unspecified)),
    ("https://[::]/", Is(Unspecified)),
    // Metadata services, and other services of the link.
    ("https://169.254.169.254/latest/meta-data/", Is(Metadata)),
    ("https://2852039166/", Is(Metadata)),
    ("https://0xa9fea9fe/", Is(Metadata)),
    ("https://0251.0376.0251.0376/", Is(Metadata)),
    ("https://169.254.43518/", Is(Metadata)),
    ("https://[64:ff9b::a9fe:a9fe]/", Is(Metadata)),
    ("https://169.254.170.2/v2/credentials/", Is(Metadata)),
    ("https://169.254.170.23/v1/credentials", Is(Metadata)),
    ("https://[fd00:ec2::254]/", Is(Metadata)),
    ("https://[fd00:0ec2:0000::23]/", Is(Metadata)),
    ("https://[fd20:ce::254]/", Is(Metadata)),
    ("https://100.100.100.200/", Is(Metadata)),
    ("https://168.63.129.16/", Is(Metadata)),
    ("https://192.0.0.192/", Is(Metadata)),
    ("https://169.254.100.1/", Is(LinkLocal)),
    ("https://169.254.169.253/", Is(LinkLocal)),
    ("https://[fe80::1]/", Is(LinkLocal)),
    ("https://[febf:ffff::1]/", Is(LinkLocal)),
    ("https://[fec0::1]/", Is(LinkLocal)),
    // Private networks.
    ("https://10.0.0.1/", Is(Private)),
    ("https://012.0.0.1/", Is(Private)),
    ("https://167772161/", Is(Private)),
    ("https://172.16.0.1/", Is(Private)),
    ("https://172.31.255.255/", Is(Private)),
    ("https://192.168.0.1/", Is(Private)),
    ("https://0xc0a80001/", Is(Private)),
    ("https://[64:ff9b::10.0.0.1]/", Is(Private)),
    ("https://[fc00::1]/", Is(Private)),
    ("https://[fdff:ffff::1]/", Is(Private)),
    ("https://100.64.0.1/", Is(CarrierGradeNat)),
    ("https://100.127.255.255/", Is(CarrierGradeNat)),
    // Documentation, benchmarks, many hosts, nothing.
    ("https://192.0.2.1/", Is(Documentation)),
    ("https://198.51.100.1/", Is(Documentation)),
    ("https://203.0.113.1/", Is(Documentation)),
    ("https://233.252.0.1/", Is(Documentation)),
    ("https://[2001:db8::1]/", Is(Documentation)),
    ("https://[3fff::1]/", Is(Documentation)),
    ("https://198.18.0.1/", Is(Benchmarking)),
    ("https://198.19.255.255/", Is(Benchmarking)),
    ("https://[2001:2::1]/", Is(Benchmarking)),
    ("https://224.0.0.1/", Is(Multicast)),
    ("https://239.255.255.255/", Is(Multicast)),
    ("https://255.255.255.255/", Is(Multicast)),
    ("https://4294967295/", Is(Multicast)),
    ("https://[ff02::1]/", Is(Multicast)),
    ("https://240.0.0.1/", Is(Reserved)),
    ("https://192.0.0.8/", Is(Reserved)),
    ("https://192.88.99.1/", Is(Reserved)),
    ("https://[2001:10::1]/", Is(Reserved)),
    ("https://[100::1]/", Is(Reserved)),
    ("https://[4000::1]/", Is(Reserved)),
    ("https://[5f00::1]/", Is(Reserved)),
    // IPv4 inside IPv6.
    ("https://[::ffff:127.0.0.1]/", Is(Embedded)),
    ("https://[::ffff:7f00:1]/", Is(Embedded)),
    ("https://[0:0:0:0:0:FFFF:A9FE:A9FE]/", Is(Embedded)),
    ("https://[::ffff:8.8.8.8]/", Is(Embedded)),
    ("https://[::ffff:0:127.0.0.1]/", Is(Embedded)),
    ("https://[::127.0.0.1]/", Is(Embedded)),
    ("https://[::169.254.169.254]/", Is(Embedded)),
    ("https://[::2]/", Is(Embedded)),
    ("https://[64:ff9b:1::169.254.169.254]/", Is(Embedded)),
    ("https://[2002:7f00:1::]/", Is(Embedded)),
    ("https://[2002:a9fe:a9fe::1]/", Is(Embedded)),
    ("https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", Is(Embedded)),
    ("https://[2606:4700::5efe:10.0.0.1]/", Is(Embedded)),
    ("https://[2606:4700::200:5efe:127.0.0.1]/", Is(Embedded)),
];

#[test]
fn every_spelling_of_a_url_has_one_reading() {
    for (text, verdict) in CASES {
        let found = Policy::default().url(text);
        let found = found.as_ref().map(|url| url.host_str().unwrap()).map_err(|error| *error);
        let expected = match verdict {
            Host(host) => Ok(*host),
            No(error) => Err(*error),
            Is(kind) => Err(UrlNotAllowed::Address(AddressNotAllowed(*kind))),
        };
        assert_eq!(found, expected, "{text}");
    }
}

/// What a URL is read as is written as a URL that is read the same.
#[test]
fn a_reading_is_its_own_reading() {
    for (text, _) in CASES {
        if let Ok(url) = Policy::default().url(text) {
            assert_eq!(Policy::default().url(url.as_str()), Ok(url), "{text}");
        }
    }
}

#[test]
fn a_url_has_a_longest_length() {
    let of_length = |bytes: usize| {
        let start = "https://example.com/";
        format!("{start}{}", "a".repeat(bytes - start.len()))
    };
    assert!(Policy::default().url(&of_length(MAX_URL_BYTES)).is_ok());
    assert_eq!(Policy::default().url(&of_length(MAX_URL_BYTES + 1)), Err(UrlNotAllowed::TooLong));
}

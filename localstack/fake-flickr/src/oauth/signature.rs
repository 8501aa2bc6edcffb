//! OAuth 1.0a HMAC-SHA1 signatures (RFC 5849, section 3.4). This code shares nothing with FlickrHub's own signer, so
//! that a mistake in either makes verification fail.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes everything but the unreserved characters of RFC 3986.
#[must_use]
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The base URL of a request: lower-case scheme and host without the scheme's default port, and the path as sent.
#[must_use]
pub fn base_url(scheme: &str, host: &str, path: &str) -> String {
    let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    format!("{scheme}://{}{path}", host.strip_suffix(default_port).unwrap_or(&host))
}

/// The text that is signed. Every pair of `params` is included, repeated ones too; leave `oauth_signature` out.
#[must_use]
pub fn base_string<'a>(verb: &str, base_url: &str, params: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut encoded: Vec<_> = params.into_iter().map(|(name, value)| (encode(name), encode(value))).collect();
    encoded.sort();
    let pairs: Vec<_> = encoded.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{verb}&{}&{}", encode(base_url), encode(&pairs.join("&")))
}

/// The signature of `base_string`, in base64. `token_secret` is empty before there is a token.
#[must_use]
pub fn sign(base_string: &str, consumer_secret: &str, token_secret: &str) -> String {
    STANDARD.encode(mac(base_string, consumer_secret, token_secret).finalize().into_bytes())
}

/// Whether `signature` is that of `base_string`, compared in constant time.
pub(crate) fn verify(signature: &str, base_string: &str, consumer_secret: &str, token_secret: &str) -> bool {
    STANDARD
        .decode(signature)
        .is_ok_and(|bytes| mac(base_string, consumer_secret, token_secret).verify_slice(&bytes).is_ok())
}

fn mac(base_string: &str, consumer_secret: &str, token_secret: &str) -> Hmac<Sha1> {
    let key = format!("{}&{}", encode(consumer_secret), encode(token_secret));
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("any length");
    mac.update(base_string.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vector {
        name: String,
        method: String,
        base_url: String,
        params: Vec<(String, String)>,
        consumer_secret: String,
        token_secret: String,
        base_string: String,
        signature: String,
    }

    #[test]
    fn published_vectors() {
        let vectors: Vec<Vector> =
            serde_json::from_str(include_str!("../../../../shared/flickr/data/vectors.json")).unwrap();
        assert_eq!(vectors.len(), 13);
        for vector in vectors {
            let params = vector.params.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let base = base_string(&vector.method, &vector.base_url, params);
            assert_eq!(base, vector.base_string, "{}", vector.name);
            let signature = sign(&base, &vector.consumer_secret, &vector.token_secret);
            assert_eq!(signature, vector.signature, "{}", vector.name);
            assert!(verify(&signature, &base, &vector.consumer_secret, &vector.token_secret));
            assert!(!verify(&signature, &base, &vector.consumer_secret, "another"));
        }
    }

    #[test]
    fn base_urls() {
        for (scheme, host, expected) in [
            ("HTTPS", "API.Flickr.com:443", "https://api.flickr.com/services/rest/"),
            ("http", "localhost:80", "http://localhost/services/rest/"),
            ("http", "127.0.0.1:3001", "http://127.0.0.1:3001/services/rest/"),
            ("https", "localhost:80", "https://localhost:80/services/rest/"),
        ] {
            assert_eq!(base_url(scheme, host, "/services/rest/"), expected);
        }
    }

    proptest! {
        #[test]
        fn encoding_is_undone_by_decoding_and_leaves_only_unreserved(text in "\\PC*") {
            let encoded = encode(&text);
            prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
            prop_assert_eq!(percent_encoding::percent_decode_str(&encoded).decode_utf8().unwrap(), text);
        }

        #[test]
        fn the_order_of_the_parameters_does_not_matter(
            mut params in prop::collection::vec(("[a-z]{1,3}", "\\PC{0,5}"), 0..8),
        ) {
            let of = |params: &[(String, String)]| {
                base_string("GET", "http://a/", params.iter().map(|(n, v)| (n.as_str(), v.as_str())))
            };
            let before = of(&params);
            params.reverse();
            prop_assert_eq!(before, of(&params));
        }
    }
}

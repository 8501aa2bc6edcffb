//! The signature base string and its HMAC-SHA1 (RFC 5849 section 3.4), the only method Flickr knows.

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::hmac;
use url::{Position, Url};
use zeroize::Zeroizing;

use super::encoding::percent_encode;

/// What is signed (RFC 5849 section 3.4.1): `verb`, `url` without its query, and `params`.
///
/// `params` are all parameters of the request: of the query, of the body, and `oauth_*` except the signature. A name
/// may come more than once. Flickr also signs the text fields of a multipart body, all but the file itself, although
/// RFC 5849 section 3.4.1.3.1 excludes them.
///
/// The path is signed as it is sent: `/services/rest` and `/services/rest/` differ.
pub fn base_string(verb: &str, url: &Url, params: &[(&str, &str)]) -> String {
    // A parsed URL has its scheme and host in lower case, and no default port.
    let base_url = &url[..Position::AfterPath];
    format!("{verb}&{}&{}", percent_encode(base_url), percent_encode(&normalized(params)))
}

/// Sorted by encoded name, then by encoded value, duplicates kept (RFC 5849 section 3.4.1.3.2).
fn normalized(params: &[(&str, &str)]) -> String {
    let mut encoded: Vec<(String, String)> =
        params.iter().map(|(name, value)| (percent_encode(name), percent_encode(value))).collect();
    encoded.sort();
    let joined: Vec<String> = encoded.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    joined.join("&")
}

/// The signature of a base string, in base64 (RFC 5849 section 3.4.2). Without a token, `token_secret` is empty.
pub fn sign(base_string: &str, app_secret: &str, token_secret: &str) -> String {
    let (app_secret, token_secret) = (percent_encode(app_secret), percent_encode(token_secret));
    let (app_secret, token_secret) = (Zeroizing::new(app_secret), Zeroizing::new(token_secret));
    // A text that grows leaves copies behind.
    let mut key = Zeroizing::new(String::with_capacity(app_secret.len() + 1 + token_secret.len()));
    key.push_str(&app_secret);
    key.push('&');
    key.push_str(&token_secret);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    BASE64_STANDARD.encode(hmac::sign(&key, base_string.as_bytes()))
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

    fn pairs(params: &[(String, String)]) -> Vec<(&str, &str)> {
        params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    #[test]
    fn every_published_vector_is_reproduced() {
        let vectors: Vec<Vector> = serde_json::from_str(include_str!("../../data/vectors.json")).unwrap();
        assert_eq!(vectors.len(), 13);
        for vector in vectors {
            let url = Url::parse(&vector.base_url).unwrap();
            let base_string = base_string(&vector.method, &url, &pairs(&vector.params));
            assert_eq!(base_string, vector.base_string, "{}", vector.name);
            let signature = sign(&base_string, &vector.consumer_secret, &vector.token_secret);
            assert_eq!(signature, vector.signature, "{}", vector.name);
        }
    }

    /// RFC 5849 section 3.4.1.2.
    #[test]
    fn the_base_url_has_no_query_no_default_port_and_a_lower_case_host() {
        let base = |url: &str| base_string("GET", &Url::parse(url).unwrap(), &[]);
        assert_eq!(base("HTTP://EXAMPLE.COM:80/r%20v/X?id=123#f"), "GET&http%3A%2F%2Fexample.com%2Fr%2520v%2FX&");
        assert_eq!(
            base("https://www.example.net:8080/services/rest/"),
            "GET&https%3A%2F%2Fwww.example.net%3A8080%2Fservices%2Frest%2F&"
        );
    }

    #[test]
    fn names_are_sorted_as_encoded_and_duplicates_by_value() {
        let params = [("z", "1"), ("a", "b"), ("é", "2"), ("a", "B"), ("a b", "3"), ("a", "")];
        assert_eq!(normalized(&params), "%C3%A9=2&a=&a=B&a=b&a%20b=3&z=1");
    }

    proptest! {
        #[test]
        fn the_order_of_parameters_does_not_matter(
            (params, shuffled) in prop::collection::vec(("[a-c%&=é ]{0,3}", any::<String>()), 0..8)
                .prop_flat_map(|params| (Just(params.clone()), Just(params).prop_shuffle())),
        ) {
            let url = Url::parse("https://api.flickr.com/services/rest").unwrap();
            prop_assert_eq!(
                base_string("POST", &url, &pairs(&params)),
                base_string("POST", &url, &pairs(&shuffled))
            );
        }

        #[test]
        fn a_base_string_has_three_parts_and_gives_its_parameters_back(
            params in prop::collection::vec((any::<String>(), any::<String>()), 0..6),
        ) {
            let url = Url::parse("https://api.flickr.com/services/rest").unwrap();
            let base = base_string("GET", &url, &pairs(&params));
            let parts: Vec<&str> = base.split('&').collect();
            prop_assert_eq!(parts.len(), 3);

            let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
            let mut read: Vec<(String, String)> = decode(parts[2])
                .split('&')
                .filter(|field| !field.is_empty())
                .filter_map(|field| field.split_once('='))
                .map(|(name, value)| (decode(name), decode(value)))
                .collect();
            let mut sent = params;
            read.sort();
            sent.sort();
            prop_assert_eq!(read, sent);
        }
    }
}

//! The `Authorization` header of a signed request (RFC 5849 section 3.5.1).

use hub::credentials::{AppCredentials, TokenCredentials};
use url::Url;

use super::{
    encoding::percent_encode,
    signature::{base_string, sign},
};

/// What one request is signed with. Each request takes a new one: Flickr may refuse a nonce that it has seen, and an
/// old time stamp.
#[derive(Debug)]
pub struct Signer<'a> {
    /// The Flickr app.
    pub app: &'a AppCredentials,
    /// The account's token or the request token; a login begins without one.
    pub token: Option<&'a TokenCredentials>,
    /// Seconds since 1970-01-01T00:00:00Z.
    pub timestamp_seconds: i64,
    /// Never used before with this time stamp.
    pub nonce: &'a str,
}

impl Signer<'_> {
    /// The header's value, for a request with `params` in its query or body, and with `more` (such as
    /// `oauth_verifier`) in the header itself.
    pub fn authorization(&self, verb: &str, url: &Url, params: &[(&str, &str)], more: &[(&str, &str)]) -> String {
        let timestamp = self.timestamp_seconds.to_string();
        let mut protocol = vec![
            ("oauth_consumer_key", self.app.key()),
            ("oauth_nonce", self.nonce),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", &timestamp),
            ("oauth_version", "1.0"),
        ];
        protocol.extend(self.token.map(|token| ("oauth_token", token.token())));
        protocol.extend(more);

        let all: Vec<(&str, &str)> = protocol.iter().chain(params).copied().collect();
        let token_secret = self.token.map_or("", TokenCredentials::secret);
        let signature = sign(&base_string(verb, url, &all), self.app.secret(), token_secret);
        protocol.push(("oauth_signature", &signature));

        let fields: Vec<String> =
            protocol.iter().map(|(name, value)| format!("{name}=\"{}\"", percent_encode(value))).collect();
        format!("OAuth {}", fields.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_each_protocol_parameter_once_and_no_other() {
        let app = AppCredentials::new("key", "app-secret");
        let token = TokenCredentials::new("tok&en", "token-secret");
        let signer = Signer { app: &app, token: Some(&token), timestamp_seconds: 1_305_586_162, nonce: "n0nce" };
        let url = Url::parse("https://api.flickr.com/services/rest").unwrap();
        let header =
            signer.authorization("GET", &url, &[("method", "flickr.test.login")], &[("oauth_verifier", "1-2")]);

        let base = base_string(
            "GET",
            &url,
            &[
                ("method", "flickr.test.login"),
                ("oauth_consumer_key", "key"),
                ("oauth_nonce", "n0nce"),
                ("oauth_signature_method", "HMAC-SHA1"),
                ("oauth_timestamp", "1305586162"),
                ("oauth_token", "tok&en"),
                ("oauth_verifier", "1-2"),
                ("oauth_version", "1.0"),
            ],
        );
        let signature = percent_encode(&sign(&base, "app-secret", "token-secret"));
        assert_eq!(
            header,
            format!(
                "OAuth oauth_consumer_key=\"key\", oauth_nonce=\"n0nce\", oauth_signature_method=\"HMAC-SHA1\", \
                 oauth_timestamp=\"1305586162\", oauth_version=\"1.0\", oauth_token=\"tok%26en\", \
                 oauth_verifier=\"1-2\", oauth_signature=\"{signature}\""
            )
        );
    }

    #[test]
    fn secrets_sign_and_are_never_sent() {
        let app = AppCredentials::new("key", "app-canary");
        let signer = Signer { app: &app, token: None, timestamp_seconds: 1, nonce: "n" };
        let url = Url::parse("https://www.flickr.com/services/oauth/request_token").unwrap();
        let header = signer.authorization("POST", &url, &[], &[("oauth_callback", "oob")]);
        assert!(!header.contains("canary") && !header.contains("oauth_token="), "{header}");
        assert!(!format!("{signer:?}").contains("canary"));
    }
}

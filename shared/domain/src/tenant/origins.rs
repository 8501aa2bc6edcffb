//! The origins of the web pages whose scripts may use the API (RFC 6454).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use url::Url;

/// An origin as a browser writes it (RFC 6454, section 6.2): scheme, host, and a port that is not the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// Origins of web pages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Origins(Vec<Origin>);

/// The text is no origin of a page that may use the API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no origin such as https://app.example.org: https, a host, and no path; http is for this machine alone"
)]
pub struct InvalidOrigin(String);

impl Origin {
    /// As a browser writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    /// Reads `scheme://host` or `scheme://host:port` in any spelling. No pattern matches several.
    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let invalid = || InvalidOrigin(text.to_owned());
        let url = Url::parse(text).map_err(|_| invalid())?;
        let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && local);
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let names_nobody = url.username().is_empty() && url.password().is_none();
        let is_one_host = url.host_str().is_some_and(|host| !host.contains('*'));
        // A comma would end it in a list.
        if is_safe && is_bare && names_nobody && is_one_host && !text.contains([',', ' ']) {
            Ok(Self(url.origin().ascii_serialization()))
        } else {
            Err(invalid())
        }
    }
}

impl Origins {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `sent`, as the header `Origin` has it, is one of them. `null` is none.
    pub fn contains(&self, sent: &str) -> bool {
        self.0.iter().any(|origin| origin.0 == sent)
    }

    /// The first that is not in `allowed`.
    pub fn outside(&self, allowed: &Self) -> Option<&Origin> {
        self.0.iter().find(|origin| !allowed.0.contains(origin))
    }

    /// Reads each.
    ///
    /// # Errors
    /// [`InvalidOrigin`] for the first that cannot be read.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, InvalidOrigin> {
        texts.into_iter().map(|text| text.as_ref().parse()).collect()
    }
}

impl FromIterator<Origin> for Origins {
    fn from_iter<I: IntoIterator<Item = Origin>>(origins: I) -> Self {
        Self(origins.into_iter().collect())
    }
}

impl TryFrom<Vec<String>> for Origins {
    type Error = InvalidOrigin;

    fn try_from(texts: Vec<String>) -> Result<Self, InvalidOrigin> {
        Self::parse(texts)
    }
}

impl From<Origins> for Vec<String> {
    fn from(origins: Origins) -> Self {
        origins.0.into_iter().map(|origin| origin.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_in_any_spelling_and_kept_as_a_browser_writes_it() {
        for (text, origin) in [
            ("https://app.example.org", "https://app.example.org"),
            ("https://App.Example.org:443/", "https://app.example.org"),
            ("https://app.example.org:8443", "https://app.example.org:8443"),
            ("https://zürich.example", "https://xn--zrich-kva.example"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("http://127.0.0.1", "http://127.0.0.1"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().as_str(), origin, "{text}");
        }
    }

    #[test]
    fn what_names_no_single_safe_origin_is_refused() {
        for bad in [
            "",
            "*",
            "null",
            "app.example.org",
            "http://app.example.org",
            "https://*.example.org",
            "https://app.example.org/path",
            "https://app.example.org/?x",
            "https://app.example.org/#x",
            "https://ada@app.example.org",
            "https://app.example.org,https://b.example",
            "file:///",
            "data:text/html,x",
        ] {
            assert_eq!(bad.parse::<Origin>(), Err(InvalidOrigin(bad.to_owned())));
        }
    }

    #[test]
    fn an_origin_is_compared_whole_and_as_it_is_sent() {
        let origins = Origins::parse(["https://app.example.org", "https://b.example:8443"]).unwrap();
        for sent in ["https://app.example.org", "https://b.example:8443"] {
            assert!(origins.contains(sent), "{sent}");
        }
        for sent in [
            "",
            "null",
            "https://app.example.org/",
            "https://APP.example.org",
            "http://app.example.org",
            "https://app.example.org.evil.example",
            "https://b.example",
        ] {
            assert!(!origins.contains(sent), "{sent}");
        }
    }

    #[test]
    fn origins_read_back_and_say_which_of_them_others_lack() {
        let origins = Origins::parse(["https://app.example.org", "https://b.example"]).unwrap();
        let text = serde_json::to_string(&origins).unwrap();
        assert_eq!(text, r#"["https://app.example.org","https://b.example"]"#);
        assert_eq!(serde_json::from_str::<Origins>(&text).unwrap(), origins);
        let fewer = Origins::parse(["https://b.example"]).unwrap();
        assert_eq!(origins.outside(&fewer).map(Origin::as_str), Some("https://app.example.org"));
        assert_eq!(fewer.outside(&origins), None);
        assert!(Origins::default().is_empty() && !fewer.is_empty());
    }
}

//! Where a browser may be sent when it comes back from Flickr.

use url::Url;

/// What is added to the query of a return URL. One that has it already would bring two.
const OURS: [&str; 3] = ["oauth_token", "oauth_verifier", "state"];

/// The URLs a browser may be sent to, compared as whole URLs (RFC 9700 section 2.1).
#[derive(Debug, Clone, Default)]
pub struct AllowedReturnUrls(Vec<Url>);

impl AllowedReturnUrls {
    /// Reads a comma-separated list. An entry that cannot be used is logged and left out: it must not keep all other
    /// routes of the function from working.
    pub fn parse(list: &str) -> Self {
        let urls = list.split(',').map(str::trim).filter(|item| !item.is_empty()).filter_map(|item| {
            let url = Url::parse(item).ok().filter(is_safe);
            if url.is_none() {
                tracing::error!(
                    entry = item,
                    "an allowed return URL is not used: it must be an https URL, without a fragment and without {} in \
                     its query",
                    OURS.join(", ")
                );
            }
            url
        });
        Self(urls.collect())
    }

    /// The URLs of a list, without those that cannot be used.
    pub fn of(list: &[String]) -> Self {
        Self::parse(&list.join(","))
    }

    /// Whether a browser may be sent to `url` at all, where it is listed. A list is separated by commas.
    pub fn can_list(url: &str) -> bool {
        !url.contains([',', ' ']) && Url::parse(url).is_ok_and(|url| is_safe(&url))
    }

    pub(super) fn allows(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| self.0.contains(&url))
    }
}

fn is_safe(url: &Url) -> bool {
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let is_ours = |name: &str| OURS.contains(&name);
    (url.scheme() == "https" || (url.scheme() == "http" && local))
        && url.fragment().is_none()
        && !url.query_pairs().any(|(name, _)| is_ours(&name))
}

/// `url` with these pairs added to its query.
pub(super) fn with_query(url: &str, pairs: &[(&str, &str)]) -> Result<String, url::ParseError> {
    let mut url = Url::parse(url)?;
    url.query_pairs_mut().extend_pairs(pairs);
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_urls_are_allowed_and_only_as_a_whole() {
        let list = AllowedReturnUrls::parse("https://a.example/back, http://localhost:8080/x?y=1");
        for good in ["https://a.example/back", "https://A.example:443/back", "http://localhost:8080/x?y=1"] {
            assert!(list.allows(good), "{good}");
        }
        for bad in [
            "",
            "https://a.example/back/",
            "https://a.example/back?x",
            "https://a.example.evil.example/back",
            "https://user@a.example/back",
            "http://a.example/back",
            "javascript:alert(1)",
        ] {
            assert!(!list.allows(bad), "{bad}");
        }
    }

    #[test]
    fn unsafe_urls_cannot_be_listed() {
        for bad in [
            "",
            "http://a.example/",
            "ftp://a.example/",
            "https://a.example/#x",
            "a.example",
            "javascript:x",
            "https://a.example/?state=mine",
            "https://a.example/?x=1&oauth_token=old",
        ] {
            let list = AllowedReturnUrls::parse(&format!("{bad}, https://b.example/"));
            assert!(!list.allows(bad) && !AllowedReturnUrls::can_list(bad), "{bad}");
            assert!(list.allows("https://b.example/"), "{bad} does no harm to the others");
        }
    }
}

//! The parameters of one request, wherever they stood.
//!
//! Like PHP, on which Flickr runs, a name has one value: a later place wins over an earlier one. npm's
//! `flickr-upload` sends its parameters in the query and again in the body, and signs each once.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Params(BTreeMap<String, String>);

impl Params {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of `name`, if it has one that is not empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether any OAuth parameter is there, so that the request must pass as a signed one.
    pub(crate) fn mention_oauth(&self) -> bool {
        self.0.keys().any(|name| name.starts_with("oauth_"))
    }
}

impl FromIterator<(String, String)> for Params {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// The pairs of an `application/x-www-form-urlencoded` query or body.
pub(crate) fn parse_form(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

/// The pairs of an `Authorization: OAuth ...` header without `realm`, which is not signed; none of any other scheme.
pub(crate) fn parse_authorization(header: &str) -> Vec<(String, String)> {
    let Some((scheme, rest)) = header.trim_start().split_once(char::is_whitespace) else { return Vec::new() };
    if !scheme.eq_ignore_ascii_case("oauth") {
        return Vec::new();
    }
    split_outside_quotes(rest)
        .into_iter()
        .filter_map(|part| part.trim().split_once('='))
        .map(|(name, value)| (decode(name), decode(value.trim().trim_matches('"'))))
        .filter(|(name, _)| name != "realm")
        .collect()
}

fn split_outside_quotes(text: &str) -> Vec<&str> {
    let mut quoted = false;
    text.split(move |character| {
        quoted ^= character == '"';
        character == ',' && !quoted
    })
    .collect()
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn headers_with_and_without_space_after_a_comma() {
        let expected = pairs(&[("oauth_nonce", "a+b"), ("oauth_token", "t")]);
        for header in [
            r#"OAuth realm="a, b", oauth_nonce="a%2Bb", oauth_token="t""#,
            r#"OAuth oauth_nonce="a%2Bb",oauth_token="t""#,
            r#"oauth   oauth_nonce="a%2Bb" , oauth_token="t""#,
        ] {
            assert_eq!(parse_authorization(header), expected, "{header}");
        }
        assert!(parse_authorization("Bearer oauth_token=\"t\"").is_empty());
        assert!(parse_authorization("OAuth").is_empty());
    }

    #[test]
    fn a_name_counts_once_and_the_later_place_wins() {
        let params: Params = pairs(&[("a", "query"), ("b", "1"), ("a", "body")]).into_iter().collect();
        assert_eq!(params.iter().collect::<Vec<_>>(), [("a", "body"), ("b", "1")]);
    }
}

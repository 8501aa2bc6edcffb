//! The parameters of a request from its header, query and body.
//!
//! A name has one value, and a later place overrides an earlier one, as in PHP, on which Flickr runs. npm's
//! `flickr-upload` relies on it: it sends its parameters in the query and again in the body, and signs each once.
//!
//! PHP also folds names, so that what is read may be called otherwise than what was sent and signed.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Params {
    sent: BTreeMap<String, String>,
    read: BTreeMap<String, String>,
}

impl Params {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.read.get(name).map(String::as_str)
    }

    /// The value of `name`, unless it is absent or empty.
    pub(crate) fn non_empty(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.read.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// As they were sent, and so signed.
    pub(crate) fn sent(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sent.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is any OAuth parameter, so that the request must be validly signed.
    pub(crate) fn has_oauth(&self) -> bool {
        self.read.keys().any(|name| name.starts_with("oauth_"))
    }
}

impl FromIterator<(String, String)> for Params {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let pairs: Vec<_> = pairs.into_iter().collect();
        let read = pairs.iter().map(|(name, value)| (folded(name), value.clone()));
        Self { read: read.filter(|(name, _)| !name.is_empty()).collect(), sent: pairs.into_iter().collect() }
    }
}

/// The name under which PHP reads a parameter: leading blanks are dropped, `.` and blanks become `_`, and `a[b]` is a
/// member of the list `a`, of which only the last value is kept here.
fn folded(name: &str) -> String {
    let name = name.trim_start_matches(' ').split('\0').next().unwrap_or_default();
    let list = name.split_once('[').filter(|(list, rest)| !list.is_empty() && rest.contains(']'));
    let name = list.map_or(name, |(list, _)| list);
    name.chars().map(|c| if [' ', '.', '['].contains(&c) { '_' } else { c }).collect()
}

/// Parses an `application/x-www-form-urlencoded` query or body.
pub(crate) fn parse_form(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

/// Parses an `Authorization: OAuth ...` header, without its `realm`, which is not signed. Other schemes yield nothing.
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
    fn a_name_has_one_value_and_the_later_place_wins() {
        let params: Params = pairs(&[("a", "query"), ("b", "1"), ("a", "body")]).into_iter().collect();
        assert_eq!(params.iter().collect::<Vec<_>>(), [("a", "body"), ("b", "1")]);
    }

    #[test]
    fn names_are_folded_as_php_folds_them() {
        for (sent, read) in [
            ("photo_id", "photo_id"),
            ("  photo id", "photo_id"),
            ("oauth.token", "oauth_token"),
            ("tags[]", "tags"),
            ("tags[x][y]", "tags"),
            ("tags[x", "tags_x"),
            ("[x]", "_x]"),
            ("a\0b", "a"),
        ] {
            let params: Params = pairs(&[(sent, "1")]).into_iter().collect();
            assert_eq!(params.get(read), Some("1"), "{sent:?}");
            assert_eq!(params.sent().collect::<Vec<_>>(), [(sent, "1")]);
        }
        let params: Params = pairs(&[("a", "1"), ("a[]", "2"), (" a", "3"), (" ", "4")]).into_iter().collect();
        assert_eq!(params.iter().collect::<Vec<_>>(), [("a", "3")]);
    }
}

//! Entity tags and `If-None-Match` (RFC 9110, sections 8.8.3 and 13.1.2).
//!
//! The tags are weak. Two answers with the same tag have the same `data`, byte for byte; their `request_id` differs, as
//! it must, and a strong tag would say that nothing does. `If-None-Match` compares weakly in any case.

use std::{convert::Infallible, fmt};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use ring::digest::{SHA256, digest};
use serde::Serialize;

/// How much of the hash is in a tag, in bytes.
const HASH_BYTES: usize = 16;

/// A tag of an answer: what it stands between the quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityTag(String);

impl EntityTag {
    /// The tag of the answer that follows from this alone.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn of(source: &impl Serialize) -> Result<Self, hub::Error> {
        Ok(Self::of_bytes(&serde_json::to_vec(source)?))
    }

    /// The tag of the answer that follows from these bytes alone.
    pub fn of_bytes(source: &[u8]) -> Self {
        let hash = digest(&SHA256, source);
        Self(hex::encode(hash.as_ref().get(..HASH_BYTES).unwrap_or_default()))
    }

    /// Whether the request says that its sender has the answer already: `If-None-Match` is `*`, or lists the tag. The
    /// header may come in several lines. What is no entity tag ends its line.
    pub fn is_known(&self, request: &HeaderMap) -> bool {
        let lines = request.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|line| line.to_str().ok());
        lines.into_iter().any(|line| line.trim() == "*" || opaque_tags(line).any(|tag| tag == self.0))
    }

    /// The answer with its tag: its receiver may store it, and asks each time whether it is still so.
    pub fn on(&self, answer: impl IntoResponse) -> Response {
        let mut response = answer.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        if let Ok(tag) = HeaderValue::from_str(&self.to_string()) {
            headers.insert(header::ETAG, tag);
        }
        response
    }

    /// 304: what the request's sender has is still so.
    pub fn not_modified(&self) -> Response {
        // A body of unknown length: `Content-Length` would have to be that of the answer that is not sent.
        let nothing = Body::from_stream(stream::empty::<Result<Vec<u8>, Infallible>>());
        self.on((StatusCode::NOT_MODIFIED, nothing))
    }
}

/// As `ETag` has it.
impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "W/\"{}\"", self.0)
    }
}

/// What stands between the quotes of each entity tag of a list, weak or strong.
fn opaque_tags(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let tag = rest.trim_start_matches([' ', '\t', ',']);
        let quoted = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?;
        let (opaque, after) = quoted.split_once('"')?;
        rest = after;
        Some(opaque)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let line = |line: &&str| (header::IF_NONE_MATCH, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        lines.iter().map(line).collect()
    }

    #[test]
    fn a_tag_is_known_however_it_is_listed() {
        let tag = EntityTag("a1".to_owned());
        for lines in [
            vec![r#""a1""#],
            vec![r#"W/"a1""#],
            vec!["*"],
            vec![" * "],
            vec![r#""b2", W/"c,3" ,"a1""#],
            vec![r#","b2",,"a1","#],
            vec![r#""b2""#, r#""a1""#],
            vec!["\"\u{fc}\"", r#""a1""#],
            vec![r#"b2"#, r#""a1""#],
        ] {
            assert!(tag.is_known(&headers(&lines)), "{lines:?}");
        }
        for lines in [
            vec![],
            vec![""],
            vec!["a1"],
            vec![r#""a1"#],
            vec![r#""a1 ""#],
            vec![r#""A1""#],
            vec![r#"w/"a1""#],
            vec![r#""b2,a1""#],
            vec![r#""b2","*""#],
            vec![r#"b2, "a1""#],
            vec![r#""a1"#, "\u{fc}"],
        ] {
            assert!(!tag.is_known(&headers(&lines)), "{lines:?}");
        }
    }

    #[test]
    fn a_tag_that_was_given_is_known_and_that_of_anything_else_is_not() {
        let [tag, other] = [1, 2].map(|revision| EntityTag::of(&("job", revision)).unwrap());
        let given = tag.not_modified().headers()[header::ETAG].clone();
        let known = headers(&[given.to_str().unwrap()]);
        assert!(tag.is_known(&known) && !other.is_known(&known), "{given:?}");
        assert_eq!(EntityTag::of(&("job", 1)).unwrap(), tag);
    }
}

//! Tokens in clear, as somebody has them: the documents of an earlier FlickrHub, or plain objects.
//!
//! What is read is overwritten when it is dropped, but for what a parser copies of a text with escapes, and the file
//! itself. An error says where it is, and quotes nothing.

use std::io::Read;

use domain::AppId;
use hub::{
    connect::App,
    credentials::{AppCredentials, TokenCredentials},
    token_import::ExistingToken,
};
use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The longest value, in bytes; Flickr's tokens have 34.
const MAX_VALUE_BYTES: usize = 1024;

/// A document, which holds a token itself or in its member `token`. Other members are left alone.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct Document {
    user_id: Option<String>,
    token: Option<Token>,
    api_key: Option<String>,
    api_secret: Option<String>,
    oauth_token: Option<String>,
    oauth_token_secret: Option<String>,
    user_nsid: Option<String>,
    nsid: Option<String>,
}

/// What an earlier FlickrHub stored under `token`.
#[derive(Default, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Token {
    api_key: Option<String>,
    api_secret: Option<String>,
    oauth_token: Option<String>,
    oauth_token_secret: Option<String>,
    user_nsid: Option<String>,
}

/// Why no token can be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The input cannot be read.
    #[error("the tokens cannot be read")]
    Input(#[from] std::io::Error),
    /// It is no JSON of documents.
    #[error("no documents with tokens, one after the other or in an array: see line {line}, column {column}")]
    Malformed {
        /// Where it is, from 1.
        line: usize,
        /// Where it is, from 1.
        column: usize,
    },
}

/// Why a document's token cannot be imported.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A member is missing, empty, too long, or has control characters.
    #[error("`{0}` is missing or malformed")]
    Member(&'static str),
    /// It does not say its Flickr app.
    #[error("it has no `api_key` and `api_secret`: name the tenant's app by --app")]
    NoApp,
}

/// The documents in the input: JSON objects, one after the other or in an array.
///
/// # Errors
/// [`Unreadable`].
pub fn read(input: impl Read) -> Result<Vec<Document>, Unreadable> {
    let text = all_of(input)?;
    let malformed = |error: serde_json::Error| Unreadable::Malformed { line: error.line(), column: error.column() };
    if text.trim_ascii_start().starts_with(b"[") {
        return serde_json::from_slice(&text).map_err(malformed);
    }
    serde_json::Deserializer::from_slice(&text).into_iter().collect::<Result<_, _>>().map_err(malformed)
}

/// All of the input. A buffer that is too small is overwritten, and not left to the allocator as it is.
fn all_of(mut input: impl Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let (mut chunk, mut text) = (Zeroizing::new([0; 8 * 1024]), Zeroizing::new(Vec::with_capacity(64 * 1024)));
    loop {
        let read = input.read(&mut chunk[..])?;
        if read == 0 {
            return Ok(text);
        }
        if text.capacity() - text.len() < read {
            let mut larger = Zeroizing::new(Vec::with_capacity(text.capacity() * 2));
            larger.extend_from_slice(&text);
            text = larger;
        }
        text.extend_from_slice(&chunk[..read]);
    }
}

impl Document {
    /// The id that an earlier FlickrHub gave the user.
    pub fn former_user_id(&self) -> Option<String> {
        self.user_id.clone()
    }

    /// The account's id at Flickr, where it is said.
    pub fn nsid(&self) -> Option<String> {
        let nested = self.token.as_ref().and_then(|token| token.user_nsid.as_ref());
        let own = nested.or(self.user_nsid.as_ref()).or(self.nsid.as_ref());
        own.or(self.user_id.as_ref().filter(|id| is_nsid(id))).cloned()
    }

    /// The token, of the Flickr app that the document says, or else of `app`.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn into_token(mut self, app: Option<&AppId>) -> Result<ExistingToken, Invalid> {
        let nsid = self.nsid();
        if !nsid.as_deref().is_none_or(is_value) {
            return Err(Invalid::Member("nsid"));
        }
        let mut token = self.token.take().unwrap_or_default();
        let (key, secret) = (self.api_key.take(), self.api_secret.take());
        let given = token.api_key.take().or(key).zip(token.api_secret.take().or(secret));
        let app = match (given, app) {
            (Some((key, secret)), _) => {
                App::Given(AppCredentials::new(checked(key, "api_key")?, checked(secret, "api_secret")?))
            }
            (None, Some(app)) => App::Stored(app.clone()),
            (None, None) => return Err(Invalid::NoApp),
        };
        let (public, secret) = (self.oauth_token.take(), self.oauth_token_secret.take());
        let public = token.oauth_token.take().or(public).ok_or(Invalid::Member("oauth_token"))?;
        let secret = token.oauth_token_secret.take().or(secret).ok_or(Invalid::Member("oauth_token_secret"))?;
        let token = TokenCredentials::new(checked(public, "oauth_token")?, checked(secret, "oauth_token_secret")?);
        Ok(ExistingToken { app, token, nsid })
    }
}

/// A value that can be signed with.
fn checked(value: String, member: &'static str) -> Result<String, Invalid> {
    if is_value(&value) { Ok(value) } else { Err(Invalid::Member(member)) }
}

fn is_value(value: &str) -> bool {
    !value.is_empty() && value.len() <= MAX_VALUE_BYTES && !value.contains(char::is_control)
}

/// Whether this is an id that Flickr gives accounts, such as `12037949754@N01`.
fn is_nsid(text: &str) -> bool {
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once("@N").is_some_and(|(account, host)| is_number(account) && is_number(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As an earlier FlickrHub stored it, and `mongoexport` writes it.
    const EARLIER: &str = r#"{"_id":{"$oid":"656f1c2b9d3e4a0012345678"},"user_id":"7d0e6e5c-2f7c-4a53-9d76-2f1d2c9d3b10",
        "createdAt":{"$date":"2025-12-05T10:00:00.000Z"},"updatedAt":{"$date":"2025-12-05T10:00:00.000Z"},
        "token":{"api_key":"key","api_secret":"canary-app","oauth_token":"7215-a","oauth_token_secret":"canary-secret",
        "user_nsid":"12037949754@N01","username":"Bees"}}"#;

    fn tokens(text: &str, app: Option<&AppId>) -> Vec<Result<ExistingToken, Invalid>> {
        read(text.as_bytes()).unwrap().into_iter().map(|document| document.into_token(app)).collect()
    }

    #[test]
    fn documents_of_an_earlier_hub_are_read_line_by_line_or_as_an_array() {
        for text in [EARLIER.to_owned(), format!("{EARLIER}\n{EARLIER}\n"), format!(" [{EARLIER},{EARLIER}]")] {
            let documents = read(text.as_bytes()).unwrap();
            assert_eq!(documents[0].former_user_id().as_deref(), Some("7d0e6e5c-2f7c-4a53-9d76-2f1d2c9d3b10"));
            for token in tokens(&text, None) {
                let ExistingToken { app: App::Given(app), token, nsid } = token.unwrap() else {
                    panic!("an app of its own")
                };
                assert_eq!((app.key(), app.secret()), ("key", "canary-app"));
                assert_eq!((token.token(), token.secret()), ("7215-a", "canary-secret"));
                assert_eq!(nsid.as_deref(), Some("12037949754@N01"));
            }
        }
        let many = format!("{EARLIER}\n").repeat(300);
        assert_eq!(read(many.as_bytes()).unwrap().len(), 300, "more than a buffer");
        assert!(read(&b" \n"[..]).unwrap().is_empty() && read(&b"[]"[..]).unwrap().is_empty());
    }

    #[test]
    fn a_plain_object_is_a_token_of_the_app_that_is_named() {
        let app = AppId::from_bytes([1; 16]);
        for (text, nsid) in [
            (r#"{"nsid":"1@N00","oauth_token":"t","oauth_token_secret":"s","username":"ada"}"#, Some("1@N00")),
            (r#"{"user_id":"1@N00","oauth_token":"t","oauth_token_secret":"s","perms":"write"}"#, Some("1@N00")),
            (r#"{"user_id":"7d0e","oauth_token":"t","oauth_token_secret":"s"}"#, None),
            (r#"{"oauth_token":"t","oauth_token_secret":"s"}"#, None),
        ] {
            let read = tokens(text, Some(&app)).remove(0).unwrap();
            assert!(matches!(&read.app, App::Stored(id) if *id == app));
            assert_eq!((read.token.token(), read.nsid.as_deref()), ("t", nsid), "{text}");
            assert_eq!(tokens(text, None).remove(0).unwrap_err(), Invalid::NoApp);
        }
    }

    #[test]
    fn what_is_no_token_is_told_and_not_quoted() {
        let app = AppId::from_bytes([1; 16]);
        for (text, member) in [
            (r#"{}"#, "oauth_token"),
            (r#"{"oauth_token":"canary"}"#, "oauth_token_secret"),
            (r#"{"oauth_token":"canary","oauth_token_secret":""}"#, "oauth_token_secret"),
            (r#"{"oauth_token":"canary\n","oauth_token_secret":"s"}"#, "oauth_token"),
            (r#"{"oauth_token":"t","oauth_token_secret":"s","nsid":"canary\u0000"}"#, "nsid"),
            (r#"{"oauth_token":"t","oauth_token_secret":"s","api_key":"","api_secret":"canary"}"#, "api_key"),
        ] {
            let why = tokens(text, Some(&app)).remove(0).unwrap_err();
            assert_eq!(why, Invalid::Member(member), "{text}");
            assert!(!why.to_string().contains("canary"));
        }
        for text in [
            "canary",
            r#"[{"user_id":"canary"}"#,
            r#"{"token":"canary"}"#,
            r#"{"oauth_token":{"canary":1}}"#,
            r#"{} "canary""#,
        ] {
            let why = read(text.as_bytes()).err().unwrap_or_else(|| panic!("{text} is read"));
            assert!(matches!(why, Unreadable::Malformed { .. }) && !hub::chain(&why).contains("canary"), "{why}");
        }
    }
}

//! The replies of the login's two steps: `name=value` pairs, percent-encoded (RFC 5849 sections 2.1 and 2.3).
//!
//! What a login needs is read strictly: each such field must be there once and be of a sane length. An error names the
//! field and never its value. Names that are only shown never fail a login: they are cleaned.

use std::borrow::Cow;

use hub::{credentials::TokenCredentials, ports::Access};
use percent_encoding::percent_decode_str;

/// The longest value, in bytes; Flickr's tokens have 34.
pub const MAX_VALUE_BYTES: usize = 1024;

/// The longest name that is shown, in characters; the rest is cut.
pub const MAX_NAME_CHARACTERS: usize = 256;

/// Why a reply is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A required field is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A field comes more than once.
    #[error("`{0}` comes twice")]
    Twice(&'static str),
    /// A field is empty, too long, not percent-encoded UTF-8, or contains control characters.
    #[error("`{0}` is malformed")]
    Malformed(&'static str),
    /// `oauth_callback_confirmed` is not `true`: this is not OAuth 1.0a.
    #[error("the callback is not confirmed")]
    NotConfirmed,
}

/// Reads the request token.
///
/// # Errors
/// [`Invalid`].
pub fn request_token(text: &str) -> Result<TokenCredentials, Invalid> {
    if field(text, "oauth_callback_confirmed")? != "true" {
        return Err(Invalid::NotConfirmed);
    }
    token(text)
}

/// Reads the account's token, and whose it is.
///
/// # Errors
/// [`Invalid`].
pub fn access_token(text: &str) -> Result<Access, Invalid> {
    Ok(Access {
        token: token(text)?,
        nsid: filled(text, "user_nsid")?,
        username: shown(text, "username"),
        fullname: shown(text, "fullname"),
    })
}

fn token(text: &str) -> Result<TokenCredentials, Invalid> {
    Ok(TokenCredentials::new(filled(text, "oauth_token")?, filled(text, "oauth_token_secret")?))
}

fn filled(text: &str, name: &'static str) -> Result<String, Invalid> {
    field(text, name).and_then(|value| if value.is_empty() { Err(Invalid::Malformed(name)) } else { Ok(value) })
}

/// A field that is only shown: without control characters, cut, and empty where there is none.
fn shown(text: &str, name: &str) -> String {
    let value = values(text, name).next().unwrap_or_default().replace('+', " ");
    cleaned(&percent_decode_str(&value).decode_utf8_lossy())
}

/// A name that is only shown: without control characters, and cut.
pub fn cleaned(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(MAX_NAME_CHARACTERS).collect()
}

/// Whether this can be a value that a login needs.
pub fn is_value(value: &str) -> bool {
    !value.is_empty() && value.len() <= MAX_VALUE_BYTES && !value.contains(char::is_control)
}

/// The values of a field, as they are encoded.
fn values<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let pairs = text.trim_end().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(move |(field, _)| decoded(field).is_some_and(|field| field == name)).map(|(_, value)| value)
}

fn field(text: &str, name: &'static str) -> Result<String, Invalid> {
    let mut values = values(text, name);
    let value = values.next().ok_or(Invalid::Missing(name))?;
    if values.next().is_some() {
        return Err(Invalid::Twice(name));
    }
    decoded(value)
        .filter(|value| value.len() <= MAX_VALUE_BYTES && !value.contains(char::is_control))
        .map(Cow::into_owned)
        .ok_or(Invalid::Malformed(name))
}

/// `text` decoded as a form: `+` is a space. `None` when the bytes are not UTF-8.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return Some(Cow::Owned(percent_decode_str(&spaced).decode_utf8().ok()?.into_owned()));
    }
    percent_decode_str(text).decode_utf8().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::oauth;

    const REQUEST: &str = "oauth_callback_confirmed=true&oauth_token=72157626737672178-022bbd2f4c2f3432&\
                           oauth_token_secret=fccb68c4e6103197";
    const ACCESS: &str = "fullname=Jamal%20Fanaian&oauth_token=72157626318069415-087bfc7b5816092c&\
                          oauth_token_secret=a202d1f853ec69de&user_nsid=21207597%40N07&username=jamalfanaian";

    #[test]
    fn recorded_replies_are_read() {
        let token = request_token(REQUEST).unwrap();
        assert_eq!((token.token(), token.secret()), ("72157626737672178-022bbd2f4c2f3432", "fccb68c4e6103197"));

        let access = access_token(ACCESS).unwrap();
        assert_eq!(access.token.token(), "72157626318069415-087bfc7b5816092c");
        assert_eq!(access.token.secret(), "a202d1f853ec69de");
        assert_eq!(
            (&*access.nsid, &*access.username, &*access.fullname),
            ("21207597@N07", "jamalfanaian", "Jamal Fanaian")
        );

        assert!(request_token(&format!("{REQUEST}\n")).is_ok());
        let plus = access_token(&ACCESS.replace("%20", "+").replace("jamalfanaian", "")).unwrap();
        assert_eq!((&*plus.fullname, &*plus.username), ("Jamal Fanaian", ""));
    }

    #[test]
    fn an_incomplete_or_malformed_reply_is_refused() {
        let request = |text: String| request_token(&text).unwrap_err();
        assert_eq!(request(String::new()), Invalid::Missing("oauth_callback_confirmed"));
        assert_eq!(request("<html>".to_owned()), Invalid::Missing("oauth_callback_confirmed"));
        assert_eq!(request(REQUEST.replace("true", "false")), Invalid::NotConfirmed);
        assert_eq!(request(REQUEST.replace("fccb68c4e6103197", "")), Invalid::Malformed("oauth_token_secret"));
        assert_eq!(request(REQUEST.replace("fccb68c4e6103197", "%ff")), Invalid::Malformed("oauth_token_secret"));
        assert_eq!(request(REQUEST.replace("fccb68c4e6103197", "a%0Ab")), Invalid::Malformed("oauth_token_secret"));
        assert_eq!(
            request(REQUEST.replace("fccb68c4e6103197", &"a".repeat(MAX_VALUE_BYTES + 1))),
            Invalid::Malformed("oauth_token_secret")
        );
        assert_eq!(request(format!("{REQUEST}&oauth_token=x")), Invalid::Twice("oauth_token"));
        assert_eq!(request(format!("{REQUEST}&oauth%5Ftoken=x")), Invalid::Twice("oauth_token"));
        for field in ["oauth_token", "oauth_token_secret", "user_nsid"] {
            let text: Vec<&str> = ACCESS.split('&').filter(|pair| !pair.starts_with(&format!("{field}="))).collect();
            assert_eq!(access_token(&text.join("&")).unwrap_err(), Invalid::Missing(field));
        }
    }

    #[test]
    fn a_name_that_is_only_shown_fails_no_login() {
        let named = |name: &str| access_token(&ACCESS.replace("Jamal%20Fanaian", name)).unwrap().fullname;
        assert_eq!(named("Ada%0bL%00"), "AdaL");
        assert_eq!(named("Ada%ffL"), "Ada\u{fffd}L");
        assert_eq!(named(&"%C3%BC".repeat(1_100)), "ü".repeat(MAX_NAME_CHARACTERS));
        assert_eq!(named("Ada&fullname=Bob"), "Ada");
        let nameless = access_token(&ACCESS.replace("fullname=", "other=").replace("username=", "else=")).unwrap();
        assert_eq!((&*nameless.fullname, &*nameless.username, &*nameless.nsid), ("", "", "21207597@N07"));
    }

    proptest! {
        #[test]
        fn any_reply_is_read_without_panic(text in "(.|[&=%+]|oauth_token|username){0,200}") {
            let _ = request_token(&text);
            let _ = access_token(&text);
        }

        #[test]
        fn what_is_encoded_is_read_back(name in "[^\\pC]{0,40}", token in "[!-~]{1,40}") {
            let text = oauth::form(&[
                ("username", &name), ("fullname", &name), ("user_nsid", "1@N01"),
                ("oauth_token", &token), ("oauth_token_secret", &token),
            ]);
            let access = access_token(&text).unwrap();
            prop_assert_eq!(access.username, name);
            prop_assert_eq!(access.token.secret(), token);
        }
    }
}

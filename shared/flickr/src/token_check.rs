//! The answer of `flickr.auth.oauth.checkToken`: what a token may do.
//!
//! It is read strictly: an answer about another token says nothing of ours. An error names the member and never its
//! value. Whose the token is does not fail an answer that does not say so: names that are only shown are cleaned.

use domain::account::Perms;
use hub::ports::{CheckedToken, TokenOwner};
use serde::Deserialize;
use serde_json::Value;

use crate::token_reply::{self, Invalid};

/// `{"oauth": {"token": {"_content": ".."}, "perms": {"_content": "write"}, ..}}`
#[derive(Deserialize)]
struct Checked {
    oauth: OauthMember,
}

#[derive(Deserialize)]
struct OauthMember {
    token: Content,
    perms: Content,
    #[serde(default)]
    user: Value,
}

/// Flickr's form of an element's text.
#[derive(Deserialize)]
struct Content {
    #[serde(rename = "_content")]
    content: String,
}

/// Reads what `token` may do, and whose it is.
///
/// # Errors
/// [`Invalid`].
pub fn checked(text: &str, token: &str) -> Result<CheckedToken, Invalid> {
    // The cause could quote the answer, and is left out.
    let Checked { oauth } = serde_json::from_str(text).map_err(|_| Invalid::Malformed("oauth"))?;
    if oauth.token.content != token {
        return Err(Invalid::Malformed("token"));
    }
    let named = |perms: &Perms| perms.as_str() == oauth.perms.content;
    let perms = Perms::ALL.into_iter().find(named).ok_or(Invalid::Malformed("perms"))?;
    Ok(CheckedToken { perms, owner: owner(&oauth.user) })
}

/// Whose the token is, if the answer says so.
fn owner(user: &Value) -> Option<TokenOwner> {
    let shown = |member: &str| token_reply::cleaned(user[member].as_str().unwrap_or_default());
    let nsid = user["nsid"].as_str().filter(|nsid| token_reply::is_value(nsid))?;
    Some(TokenOwner { nsid: nsid.to_owned(), username: shown("username"), fullname: shown("fullname") })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As Flickr documents the method, in JSON.
    const ANSWER: &str = r#"{"oauth":{"token":{"_content":"7215-a"},"perms":{"_content":"write"},
        "user":{"nsid":"12037949754@N01","username":"Bees","fullname":"Cal H"}},"stat":"ok"}"#;

    #[test]
    fn what_a_token_may_do_is_read() {
        for granted in Perms::ALL {
            let answer = ANSWER.replace("write", granted.as_str());
            let checked = checked(&answer, "7215-a").unwrap();
            let owner = TokenOwner {
                nsid: "12037949754@N01".to_owned(),
                username: "Bees".to_owned(),
                fullname: "Cal H".to_owned(),
            };
            assert_eq!((checked.perms, checked.owner), (granted, Some(owner)));
        }
    }

    #[test]
    fn whose_it_is_fails_no_answer() {
        let owner = |from: &str, to: &str| checked(&ANSWER.replace(from, to), "7215-a").unwrap().owner;
        for (from, to) in [(r#""nsid""#, r#""id""#), ("12037949754@N01", ""), ("12037949754@N01", r"1\u0000@N01")] {
            assert_eq!(owner(from, to), None, "{to}");
        }
        assert_eq!(owner("Cal H", r"Cal\u000b H").unwrap().fullname, "Cal H", "a name is cleaned");
        assert_eq!(owner(r#""Bees""#, "7").unwrap().username, "");
    }

    #[test]
    fn an_answer_that_does_not_say_it_of_this_token_is_refused() {
        assert_eq!(checked(ANSWER, "7215-b"), Err(Invalid::Malformed("token")));
        for unknown in ["", "none", "Write", "admin"] {
            assert_eq!(checked(&ANSWER.replace("write", unknown), "7215-a"), Err(Invalid::Malformed("perms")));
        }
        for other in ["", "{}", r#"{"stat":"ok"}"#, "<html>", &ANSWER.replace("_content", "content")] {
            assert_eq!(checked(other, "7215-a"), Err(Invalid::Malformed("oauth")), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_panic(text in "(.|[{}\":,]|oauth|perms|_content){0,200}") {
            let _ = checked(&text, "7215-a");
        }
    }
}

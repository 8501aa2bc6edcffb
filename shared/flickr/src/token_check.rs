//! The answer of `flickr.auth.oauth.checkToken`: what a token may do.
//!
//! It is read strictly: an answer about another token says nothing of ours. An error names the member and never its
//! value.

use domain::account::Perms;
use serde::Deserialize;

use crate::token_reply::Invalid;

/// `{"oauth": {"token": {"_content": ".."}, "perms": {"_content": "write"}, ..}}`
#[derive(Deserialize)]
struct Checked {
    oauth: OauthMember,
}

#[derive(Deserialize)]
struct OauthMember {
    token: Content,
    perms: Content,
}

/// Flickr's form of an element's text.
#[derive(Deserialize)]
struct Content {
    #[serde(rename = "_content")]
    content: String,
}

/// Reads what `token` may do.
///
/// # Errors
/// [`Invalid`].
pub fn perms(text: &str, token: &str) -> Result<Perms, Invalid> {
    // The cause could quote the answer, and is left out.
    let Checked { oauth } = serde_json::from_str(text).map_err(|_| Invalid::Malformed("oauth"))?;
    if oauth.token.content != token {
        return Err(Invalid::Malformed("token"));
    }
    let named = |perms: &Perms| perms.as_str() == oauth.perms.content;
    Perms::ALL.into_iter().find(named).ok_or(Invalid::Malformed("perms"))
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
            assert_eq!(perms(&answer, "7215-a"), Ok(granted));
        }
    }

    #[test]
    fn an_answer_that_does_not_say_it_of_this_token_is_refused() {
        assert_eq!(perms(ANSWER, "7215-b"), Err(Invalid::Malformed("token")));
        for unknown in ["", "none", "Write", "admin"] {
            assert_eq!(perms(&ANSWER.replace("write", unknown), "7215-a"), Err(Invalid::Malformed("perms")));
        }
        for other in ["", "{}", r#"{"stat":"ok"}"#, "<html>", &ANSWER.replace("_content", "content")] {
            assert_eq!(perms(other, "7215-a"), Err(Invalid::Malformed("oauth")), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_panic(text in "(.|[{}\":,]|oauth|perms|_content){0,200}") {
            let _ = perms(&text, "7215-a");
        }
    }
}

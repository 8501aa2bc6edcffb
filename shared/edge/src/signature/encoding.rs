//! The one spelling of what a signature covers of the URL.
//!
//! API Gateway decodes a path's escapes or not, and always those of a query. So neither can be taken as it was sent: both
//! are written anew, in the spelling that the RFC names, which a client has to sign.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode};

/// What stays as it is in a segment of a path: the unreserved characters (RFC 3986, sections 2.3 and 6.2.2).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What stays as it is in a query parameter (RFC 9421, section 2.2.8: the percent-encode set of
/// `application/x-www-form-urlencoded`).
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// `path` with every character of its segments escaped that is not unreserved, and no other; the empty one is `/` (RFC
/// 9421, section 2.2.6). An escaped slash stays part of its segment, and `.` and `..` are not resolved.
pub(super) fn path(path: &str) -> String {
    let segment = |segment| percent_encode(&percent_decode_str(segment).collect::<Vec<u8>>(), SEGMENT).to_string();
    let text = path.split('/').map(segment).collect::<Vec<_>>().join("/");
    if text.is_empty() { "/".to_owned() } else { text }
}

/// The name or the value of a query parameter.
pub(super) fn query(text: &str) -> String {
    utf8_percent_encode(text, FORM).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_has_one_spelling() {
        let table = [
            ("", "/"),
            ("/", "/"),
            ("/api/v1/flickr/jobs/job_00", "/api/v1/flickr/jobs/job_00"),
            ("/api/v1/%66lickr", "/api/v1/flickr"),
            ("/api/%6a%c3%bc~", "/api/j%C3%BC~"),
            ("/api/jü~", "/api/j%C3%BC~"),
            ("/a%2Fb/c@d:e", "/a%2Fb/c%40d%3Ae"),
            ("/a%2fb/c%40d%3ae", "/a%2Fb/c%40d%3Ae"),
            ("/a/../b/./c//", "/a/../b/./c//"),
            ("/100%", "/100%25"),
            ("/%zz", "/%25zz"),
        ];
        for (sent, spelt) in table {
            assert_eq!(path(sent), spelt, "{sent}");
        }
    }

    #[test]
    fn a_query_parameter_has_the_spelling_of_a_form() {
        assert_eq!(query("a b+c~d*e-f.g_h"), "a%20b%2Bc%7Ed*e-f.g_h");
        assert_eq!(query("ü'()!"), "%C3%BC%27%28%29%21");
    }

    proptest! {
        #[test]
        fn a_spelling_is_spelt_as_itself(text in "(/[ -~üß]{0,8}){0,4}") {
            let once = path(&text);
            prop_assert_eq!(path(&once), once);
        }

        #[test]
        fn what_is_escaped_or_not_is_spelt_alike(text in "[a-zA-Z0-9 @:+ü/~]{1,20}") {
            let escaped: String = text.bytes().map(|b| if b == b'/' { "/".to_owned() } else { format!("%{b:02x}") }).collect();
            prop_assert_eq!(path(&escaped), path(&text));
        }
    }
}

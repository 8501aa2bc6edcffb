//! Percent-encoding.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986 section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// `text` in UTF-8, with every byte but the unreserved characters as `%` and two upper-case hexadecimal digits (RFC
/// 5849 section 3.6).
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Names and values as a query, or as the body of a form. The encoding is that of the signature, so that what is sent
/// is what was signed: a space is `%20`, never `+`.
pub fn form(pairs: &[(&str, &str)]) -> String {
    let fields: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value))).collect();
    fields.join("&")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_ascii_character_is_encoded_unless_it_is_unreserved() {
        for byte in 0..=127u8 {
            let character = char::from(byte);
            let encoded = percent_encode(&character.to_string());
            if character.is_ascii_alphanumeric() || "-._~".contains(character) {
                assert_eq!(encoded, character.to_string());
            } else {
                assert_eq!(encoded, format!("%{byte:02X}"));
            }
        }
    }

    #[test]
    fn text_is_encoded_as_utf_8() {
        assert_eq!(percent_encode("é ☃ 🏔"), "%C3%A9%20%E2%98%83%20%F0%9F%8F%94");
        assert_eq!(form(&[("a b", "!*'()"), ("c", "")]), "a%20b=%21%2A%27%28%29&c=");
        assert_eq!(form(&[]), "");
    }

    proptest! {
        #[test]
        fn encoding_can_be_undone(text: String) {
            let encoded = percent_encode(&text);
            let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~%".contains(&b);
            prop_assert!(encoded.bytes().all(unreserved));
            let decoded = percent_encoding::percent_decode_str(&encoded).decode_utf8().unwrap();
            prop_assert_eq!(decoded, text);
        }
    }
}

//! Answers with bytes that belong in no text.
//!
//! Some titles at Flickr have them, and the same answer would come again. So what is around them is given, and it is
//! said how many bytes were replaced.

use std::fmt::Write as _;

/// The text of an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Text {
    pub text: String,
    /// How many bytes of the answer are not in it as they came.
    pub replaced_bytes: usize,
}

/// The text in `bytes`: what is no UTF-8 becomes U+FFFD, and a control character in a text of a JSON object its escape,
/// without which it is no JSON (RFC 8259, section 7).
pub fn text(bytes: Vec<u8>) -> Text {
    match String::from_utf8(bytes) {
        Ok(text) if !text.bytes().any(|byte| byte < b' ') => Text { text, replaced_bytes: 0 },
        Ok(text) => escaped(text, 0),
        Err(error) => {
            let bytes = error.as_bytes();
            let invalid = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
            escaped(String::from_utf8_lossy(bytes).into_owned(), invalid)
        }
    }
}

/// `text` with its control characters escaped, where it is a JSON object; `replaced_bytes` were replaced before.
fn escaped(text: String, mut replaced_bytes: usize) -> Text {
    if !text.trim_start().starts_with('{') {
        return Text { text, replaced_bytes };
    }
    let mut repaired = String::with_capacity(text.len());
    let (mut in_string, mut after_backslash) = (false, false);
    for character in text.chars() {
        if in_string && character < ' ' {
            // Writing to a string does not fail.
            let _ = write!(repaired, "\\u{:04x}", u32::from(character));
            replaced_bytes += 1;
        } else {
            in_string ^= character == '"' && !after_backslash;
            repaired.push(character);
        }
        after_backslash = in_string && character == '\\' && !after_backslash;
    }
    Text { text: repaired, replaced_bytes }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_belongs_in_no_text_is_replaced_and_counted() {
        let table: [(&[u8], &str, usize); 11] = [
            (b"{\"a\":\"\xff\"}", "{\"a\":\"\u{fffd}\"}", 1),
            (b"{\"a\":\"caf\xe9\"}", "{\"a\":\"caf\u{fffd}\"}", 1),
            (b"{\"a\":\"\xe2\x9c\"}", "{\"a\":\"\u{fffd}\"}", 2),
            (b"{\"a\":\"x\x0by\"}", r#"{"a":"x\u000by"}"#, 1),
            (b"{\"a\":\"\0\t\r\n\"}", r#"{"a":"\u0000\u0009\u000d\u000a"}"#, 4),
            (b"{\"a\x1f\":\"\xff\x0b\"}", "{\"a\\u001f\":\"\u{fffd}\\u000b\"}", 3),
            (b"{\n\t\"a\": \"b\"\n}\n", "{\n\t\"a\": \"b\"\n}\n", 0),
            (b"{\"a\\\\\":\n\"\\\"\x0b\"}", "{\"a\\\\\":\n\"\\\"\\u000b\"}", 1),
            (b"<a b=\"\x0b\">\n", "<a b=\"\x0b\">\n", 0),
            (b"oauth_problem=x\n\"\n", "oauth_problem=x\n\"\n", 0),
            ("{\"é\":\"✓\u{7f}\"}".as_bytes(), "{\"é\":\"✓\u{7f}\"}", 0),
        ];
        for (bytes, repaired, replaced_bytes) in table {
            assert_eq!(text(bytes.to_vec()), Text { text: repaired.to_owned(), replaced_bytes }, "{repaired}");
        }
    }

    proptest! {
        #[test]
        fn json_stays_as_it_is(value: String, indent: bool) {
            let value = serde_json::json!({ "a": value });
            let json = if indent { format!("{value:#}") } else { value.to_string() };
            prop_assert_eq!(text(json.clone().into_bytes()), Text { text: json, replaced_bytes: 0 });
        }

        #[test]
        fn any_text_within_json_is_read(bytes: Vec<u8>) {
            let inner: Vec<u8> = bytes.into_iter().filter(|byte| !b"\"\\".contains(byte)).collect();
            let repaired = text([b"{\"a\":\"", &inner[..], b"\"}"].concat());
            prop_assert!(serde_json::from_str::<serde_json::Value>(&repaired.text).is_ok(), "{:?}", repaired);
        }
    }
}

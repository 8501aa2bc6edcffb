//! What survives of a text that Flickr stores and gives back.
//!
//! Flickr trims texts, writes their special characters as entities, makes links of URLs, and drops or keeps tags as it
//! likes. So two texts are compared by what a reader sees of them.

/// How many layers of entities are decoded: a caller may have written some, and Flickr adds its own.
const LAYERS: usize = 3;

/// What a reader sees of `text`: entities decoded, tags stripped, and each run of white space and control characters as
/// one blank, none at either end.
pub fn visible(text: &str) -> String {
    let decoded = (0..LAYERS).fold(text.to_owned(), |text, _| without_entities(&text));
    let stripped = without_tags(&decoded);
    let words = stripped.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

fn without_entities(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        decoded.push_str(&rest[..start]);
        let (character, length) = entity(&rest[start..]).unwrap_or(('&', 1));
        decoded.push(character);
        rest = &rest[start + length..];
    }
    decoded + rest
}

/// The entity at the start of `text`: what it stands for, and its length in bytes.
fn entity(text: &str) -> Option<(char, usize)> {
    const LONGEST: usize = 10;
    let end = text.bytes().take(LONGEST).position(|byte| byte == b';')?;
    let character = match &text[1..end] {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        numeric => {
            let digits = numeric.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            char::from_u32(code.ok()?)?
        }
    };
    Some((character, end + 1))
}

/// `text` without what looks like a tag; a tag that breaks the line leaves a blank.
fn without_tags(text: &str) -> String {
    let mut stripped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        stripped.push_str(&rest[..start]);
        rest = &rest[start..];
        // Of `a < b` and `<3` none.
        let begins_a_tag = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        let length = if begins_a_tag {
            let Some(end) = rest.find('>') else { break };
            if breaks_the_line(&rest[..end]) {
                stripped.push(' ');
            }
            end + 1
        } else {
            stripped.push('<');
            1
        };
        rest = &rest[length..];
    }
    stripped + rest
}

/// Whether text goes on in another line after `tag`, given without its end.
fn breaks_the_line(tag: &str) -> bool {
    let name: String = tag.chars().skip(1).skip_while(|c| *c == '/').take_while(char::is_ascii_alphanumeric).collect();
    ["br", "p", "div", "li"].iter().any(|breaking| name.eq_ignore_ascii_case(breaking))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As PHP's `htmlspecialchars` escapes.
    fn escaped(text: &str) -> String {
        let pairs = [("&", "&amp;"), ("\"", "&quot;"), ("'", "&#039;"), ("<", "&lt;"), (">", "&gt;")];
        pairs.iter().fold(text.to_owned(), |text, (plain, entity)| text.replace(plain, entity))
    }

    #[test]
    fn what_flickr_makes_of_a_text_looks_the_same() {
        let table = [
            (
                "look \"here\" http://x.y",
                "look &quot;here&quot; <a href=\"http://x.y\" rel=\"nofollow\">http://x.y</a>",
            ),
            ("  two\n\nlines ", "two<br />\nlines"),
            ("two\nlines", "<p>two</p><p>lines</p>"),
            ("Nice <b>light</b>!", "Nice <b>light</b>!"),
            ("Nice <b>light</b>!", "Nice light!"),
            ("Nice <b>light</b>!", "Nice &lt;b&gt;light&lt;/b&gt;!"),
            ("AT&T, AT&amp;T", "AT&amp;T, AT&amp;amp;T"),
            ("I <3 this & a < b", "I &lt;3 this &amp; a &lt; b"),
            ("it's", "it&#039;s"),
            ("it's", "it&#x27;s"),
            ("a\u{a0}b\u{b}c", "a&nbsp;b c"),
            ("<!-- x -->y", "y"),
            ("a <b and no end", "a &lt;b and no end"),
        ];
        for (given, shown) in table {
            assert_eq!(visible(given), visible(shown), "{given}");
        }
    }

    #[test]
    fn what_looks_different_stays_different() {
        for (one, other) in [
            ("a", "b"),
            ("New", "new"),
            ("ab", "a b"),
            ("a < b", "a b"),
            ("http://x.y", "http://x.z"),
            ("fish & chips", "fish chips"),
            ("&copy", "©"),
            ("&#0;&#xD800;&#;&;&", ""),
        ] {
            assert_ne!(visible(one), visible(other), "{one}");
        }
    }

    proptest! {
        #[test]
        fn escaping_and_blanks_change_nothing(text in "[a-z&<>\"' é✓]{0,40}") {
            prop_assert_eq!(visible(&escaped(&text)), visible(&text));
            prop_assert_eq!(visible(&format!(" {text}\n")), visible(&text));
        }

        #[test]
        fn any_text_is_read_without_panic(text: String, mark in "[&<]#?x?") {
            visible(&format!("{mark}{text}"));
        }
    }
}

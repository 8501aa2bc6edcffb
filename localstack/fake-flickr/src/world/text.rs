//! What Flickr makes of the texts it is given.

/// What is stored of a text: its ends are trimmed.
pub(crate) fn stored(text: &str) -> String {
    text.trim().to_owned()
}

/// What is shown of a stored text that may hold HTML, a description or a comment: special characters as entities, tags
/// as they are, and each URL as a link.
pub(crate) fn shown(text: &str) -> String {
    let words = text.split_inclusive(char::is_whitespace).map(|word| {
        let end = word.trim_end().len();
        format!("{}{}", shown_word(&word[..end]), &word[end..])
    });
    words.collect()
}

fn shown_word(word: &str) -> String {
    let escaped = word.replace('&', "&amp;").replace('"', "&quot;");
    if word.starts_with("http://") || word.starts_with("https://") {
        return format!("<a href=\"{escaped}\" rel=\"nofollow\">{escaped}</a>");
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_trimmed_escaped_and_linked() {
        assert_eq!(stored("  a b\n"), "a b");
        assert_eq!(
            shown("look \"here\" http://x.y?a&b\n<b>now</b>"),
            "look &quot;here&quot; <a href=\"http://x.y?a&amp;b\" rel=\"nofollow\">http://x.y?a&amp;b</a>\n<b>now</b>"
        );
    }
}

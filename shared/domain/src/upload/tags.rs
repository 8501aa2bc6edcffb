//! Tags, as Flickr reads them: separated by blanks, with double quotes around a tag that has some.

/// The most tags of a job's own: Flickr takes 75 of a photo, and one is FlickrHub's.
pub const MAX_TAGS: usize = 74;

/// The tags as one text. Commas never separate; a double quote cannot be written within a tag, and is left out.
///
/// ```
/// assert_eq!(domain::upload::tag_list(["sea", "Great Depression", "a,b"]), r#"sea "Great Depression" "a,b""#);
/// ```
pub fn tag_list<'a>(tags: impl IntoIterator<Item = &'a str>) -> String {
    let quoted = tags.into_iter().filter_map(|tag| {
        let words: Vec<&str> = tag.split(['"', ' ', '\t', '\n', '\r']).filter(|word| !word.is_empty()).collect();
        let text = words.join(" ");
        let is_plain = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
        match (text.is_empty(), is_plain) {
            (true, _) => None,
            (false, true) => Some(text),
            (false, false) => Some(format!("\"{text}\"")),
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// How many tags a text of tags has.
pub(super) fn count(tags: &str) -> usize {
    let (mut tags_so_far, mut in_tag, mut in_quotes) = (0, false, false);
    for character in tags.chars() {
        if character == '"' {
            in_quotes = !in_quotes;
        }
        let is_part = character == '"' || in_quotes || !character.is_whitespace();
        tags_so_far += usize::from(is_part && !in_tag);
        in_tag = is_part;
    }
    tags_so_far
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_tag_that_is_not_plain_is_quoted() {
        for (tags, text) in [
            (vec![], ""),
            (vec!["sea", "été_2024", "a-b"], "sea été_2024 a-b"),
            (
                vec!["great depression", "say \"hi\"", "  ", "\"", "a\tb\n c"],
                "\"great depression\" \"say hi\" \"a b c\"",
            ),
            (vec!["geo:locality=san francisco"], "\"geo:locality=san francisco\""),
            (vec!["one,two"], "\"one,two\""),
        ] {
            assert_eq!(tag_list(tags), text);
        }
    }

    #[test]
    fn tags_are_counted_as_flickr_separates_them() {
        for (tags, number) in [
            ("", 0),
            ("  ", 0),
            ("a", 1),
            ("a b", 2),
            ("\"a b\" c", 2),
            ("a:b=\"c d\" e", 2),
            ("a,b", 1),
            ("\"open end", 1),
        ] {
            assert_eq!(count(tags), number, "{tags:?}");
        }
    }

    proptest! {
        #[test]
        fn a_list_has_as_many_tags_as_were_given(tags in prop::collection::vec("[a-zé \",:=]{0,8}", 0..20)) {
            let text = tag_list(tags.iter().map(String::as_str));
            let given = tags.iter().filter(|tag| !tag.replace('"', " ").trim().is_empty()).count();
            prop_assert_eq!(count(&text), given, "{}", text);
        }
    }
}

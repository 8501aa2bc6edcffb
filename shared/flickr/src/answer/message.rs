//! Messages that are safe to store, log and show.

/// The longest message, in characters.
pub const MAX_MESSAGE_CHARACTERS: usize = 200;

/// `text` without `secrets`, without control characters, and without the base string that Flickr echoes (from
/// `debug_sbs` to the end of the text); at most [`MAX_MESSAGE_CHARACTERS`].
pub fn clean(text: &str, secrets: &[&str]) -> String {
    let before_echo = text.split("debug_sbs").next().unwrap_or_default();
    // The longest first: one secret may contain another.
    let mut secrets: Vec<&str> = secrets.iter().copied().filter(|secret| !secret.is_empty()).collect();
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    let scrubbed = secrets.into_iter().fold(before_echo.to_owned(), |text, secret| text.replace(secret, "***"));
    scrubbed.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_MESSAGE_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn secrets_base_strings_and_control_characters_are_left_out() {
        let clean = |text| clean(text, &["", "abc", "abc-def"]);
        assert_eq!(clean("Photo \"1\" not found"), "Photo \"1\" not found");
        assert_eq!(clean("token abc-def, key abc"), "token ***, key ***");
        assert_eq!(clean("refused: debug_sbs=GET&oauth_token=x"), "refused: ");
        assert_eq!(clean("a\r\nb\0c\u{1b}[0m"), "a  b c [0m");
    }

    proptest! {
        #[test]
        fn a_message_is_short_and_contains_no_secret(
            before in ".{0,300}",
            after in ".{0,300}",
            secret in "[0-9a-f]{8,32}",
        ) {
            let cleaned = clean(&format!("{before}{secret}{after}"), &[&secret]);
            prop_assert!(cleaned.chars().count() <= MAX_MESSAGE_CHARACTERS);
            prop_assert!(!cleaned.contains(&secret));
        }
    }
}

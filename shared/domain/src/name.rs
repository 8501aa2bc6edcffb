//! Names that people give to what they tell apart by sight: tenants and API keys.
//!
//! Two names that look the same are the same text: a name is kept in Unicode's form NFC (UAX #15), and has nothing that
//! cannot be seen, nor anything that turns the order of what can (UTS #36, section 3.1).

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};

/// The longest name, in characters of its normal form.
pub const MAX_NAME_CHARACTERS: usize = 100;

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    #[error("must have 1 to {MAX_NAME_CHARACTERS} characters")]
    Length,
    #[error("must not have characters that control the text, are invisible, or are none of Unicode's")]
    Character,
}

/// The text as a name: in its normal form, without blanks around it.
///
/// # Errors
/// [`InvalidName`].
pub fn name(text: &str) -> Result<String, InvalidName> {
    let name = ComposingNormalizerBorrowed::new_nfc().normalize(text.trim());
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARACTERS {
        return Err(InvalidName::Length);
    }
    if name.chars().all(is_seen) { Ok(name.into_owned()) } else { Err(InvalidName::Character) }
}

/// Whether the character shows itself, or is a plain blank.
fn is_seen(character: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    let is_hidden = matches!(
        category,
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
    );
    let is_other_blank = category == GeneralCategory::SpaceSeparator && character != ' ';
    !is_hidden && !is_other_blank && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_look_the_same_are_the_same() {
        for (text, expected) in [
            ("Ada", "Ada"),
            (" Ada's shop ", "Ada's shop"),
            ("Zu\u{308}rich", "Z\u{fc}rich"),
            ("\u{212b}ngstrom", "\u{c5}ngstrom"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            ("東京 📷", "東京 📷"),
            ("אבג", "אבג"),
        ] {
            assert_eq!(name(text).as_deref(), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_no_part_of_a_name() {
        for hidden in [
            '\0',
            '\n',
            '\t',
            '\u{7f}',
            '\u{85}',
            '\u{a0}',
            '\u{ad}',
            '\u{34f}',
            '\u{115f}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{202e}',
            '\u{2028}',
            '\u{2060}',
            '\u{2066}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{e000}',
            '\u{e0041}',
            '\u{10ffff}',
        ] {
            assert_eq!(name(&format!("a{hidden}b")), Err(InvalidName::Character), "{hidden:?}");
        }
    }

    #[test]
    fn a_name_has_a_length() {
        for bad in ["", "  ", "\n"] {
            assert_eq!(name(bad), Err(InvalidName::Length));
        }
        let long = "u\u{308}".repeat(MAX_NAME_CHARACTERS);
        assert_eq!(name(&long).unwrap().chars().count(), MAX_NAME_CHARACTERS, "as it is kept");
        assert_eq!(name(&format!("{long}x")), Err(InvalidName::Length));
    }

    proptest! {
        #[test]
        fn a_name_is_its_own_name(text in any::<String>()) {
            if let Ok(kept) = name(&text) {
                prop_assert_eq!(name(&kept), Ok(kept));
            }
        }
    }
}

//! What the error codes of an upload and of a replace say, for people. One number can say different things at the two.

use domain::{outcome::Class, upload::Endpoint};

/// What one code says.
#[derive(Debug, PartialEq, Eq)]
pub struct FileCode {
    code: i64,
    /// In lower case, a part of Flickr's message that tells this from another use of the code; empty for all others.
    words: &'static str,
    /// What follows.
    pub class: Class,
    /// What it means, and what to do.
    pub sentence: &'static str,
}

/// The code of an upload of bytes that the account has.
pub const DUPLICATE: i64 = 9;

const fn refused(code: i64, sentence: &'static str) -> FileCode {
    FileCode { code, words: "", class: Class::Permanent, sentence }
}

const fn quota(code: i64, sentence: &'static str) -> FileCode {
    FileCode { code, words: "", class: Class::Quota, sentence }
}

/// Those that mean the same at both.
const COMMON: [FileCode; 6] = [
    refused(2, "Flickr found no file in the request"),
    // Flickr does not say how far it had come.
    FileCode { code: 3, words: "", class: Class::UnknownOutcome, sentence: "Flickr failed while it took the file" },
    refused(4, "the file is empty"),
    refused(5, "Flickr cannot read this kind of file, or it is broken: send JPEG, PNG or GIF, or MP4 or MOV"),
    quota(6, "the account's upload limit is reached: delete photos or upgrade to Flickr Pro, then try again"),
    refused(99, "the account's token does not allow uploads: connect the account again with `write`"),
];

/// Those of an upload (Flickr's documentation of `upload`; 93 was seen and is not documented).
const UPLOAD: [FileCode; 11] = [
    // It is refused before the file is looked at: nothing was done. Other uses of 0 say that Flickr is not available.
    FileCode {
        code: 0,
        words: "video",
        class: Class::Transient,
        sentence: "Flickr takes no videos at the moment: try again later",
    },
    quota(7, "the account's limit for videos is reached: delete videos or upgrade to Flickr Pro, then try again"),
    refused(8, "the file is too large for Flickr: send a smaller one"),
    FileCode { code: DUPLICATE, words: "", class: Class::Done, sentence: "the account has this file already" },
    refused(10, "the URL to upload from is not valid"),
    refused(11, "Flickr could not fetch the file from its URL"),
    refused(12, "the photo to copy title, tags and description from does not exist"),
    refused(13, "the photo to copy title, tags and description from is not the account's own"),
    quota(14, "Flickr takes no automatic uploads of this account now: try again later or upgrade to Flickr Pro"),
    refused(15, "free accounts may upload safe content only: set `safety_level` to 1 or upgrade to Flickr Pro"),
    refused(93, "the request is too large for Flickr: send a smaller file or shorter texts"),
];

/// Those of a replace (Flickr's documentation of `replace`; 8 was seen and is not documented).
const REPLACE: [FileCode; 3] = [
    // All of Flickr's methods say 1 of a photo that they do not find.
    FileCode {
        code: 1,
        words: "not found",
        class: Class::Permanent,
        sentence: "Flickr does not find the photo to replace among the account's own",
    },
    quota(1, "only Flickr Pro accounts can replace photos: upgrade to Flickr Pro, then try again"),
    refused(8, "Flickr cannot replace videos: upload the new file, and delete the old video"),
];

/// What `code` says at `endpoint`, with `message` of Flickr's; `None` where it is no code of its own.
pub fn file_code(endpoint: Endpoint, code: i64, message: &str) -> Option<&'static FileCode> {
    let own: &[FileCode] = match endpoint {
        Endpoint::Upload => &UPLOAD,
        Endpoint::Replace => &REPLACE,
    };
    let message = message.to_lowercase();
    own.iter().chain(&COMMON).find(|row| row.code == code && message.contains(row.words))
}

impl FileCode {
    /// The sentence, with Flickr's own words where there are some.
    pub fn message(&self, said: &str) -> String {
        let said = said.trim();
        if said.is_empty() { self.sentence.to_owned() } else { format!("{} (Flickr: {said})", self.sentence) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::answer::MAX_MESSAGE_CHARACTERS;

    #[test]
    fn a_sentence_leaves_room_for_flickrs_words_and_a_row_hides_no_other() {
        for own in [&UPLOAD[..], &REPLACE[..]] {
            let rows: Vec<&FileCode> = own.iter().chain(&COMMON).collect();
            let mut closed = HashSet::new();
            for row in rows {
                assert!(row.sentence.chars().count() <= MAX_MESSAGE_CHARACTERS / 2, "{}", row.sentence);
                assert!(!closed.contains(&row.code), "{} comes after a row for all others", row.code);
                assert_eq!(row.words, row.words.to_lowercase());
                if row.words.is_empty() {
                    closed.insert(row.code);
                }
            }
        }
    }
}

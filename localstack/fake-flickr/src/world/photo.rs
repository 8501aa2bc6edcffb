//! A photo or video of an account.

use jiff::{SignedDuration, Timestamp};

use super::tags::Tag;
use crate::ids;

#[derive(Clone, Debug)]
pub(crate) struct Photo {
    pub id: u64,
    pub owner: String,
    pub secret: String,
    pub original_secret: String,
    pub title: String,
    pub description: String,
    pub tags: Vec<Tag>,
    pub privacy: Privacy,
    pub license: u8,
    pub safety_level: u8,
    pub content_type: u8,
    pub hidden: u8,
    pub file: StoredFile,
    pub uploaded: Timestamp,
    /// The time from which searches find the photo.
    pub indexed: Timestamp,
    pub updated: Timestamp,
    pub replacements: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Privacy {
    pub is_public: bool,
    pub is_friend: bool,
    pub is_family: bool,
}

/// What the server stores of an uploaded file: everything but its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredFile {
    pub name: String,
    pub bytes: u64,
    pub sha256: String,
    pub kind: FileKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Photo(&'static str),
    Video(&'static str),
}

impl FileKind {
    /// Detects the kind of a file from its first bytes. Like Flickr, it ignores the file's name.
    pub(crate) fn detect(head: &[u8]) -> Option<Self> {
        let brand = head.get(8..12);
        Some(match head {
            [0xff, 0xd8, 0xff, ..] => Self::Photo("jpg"),
            [0x89, b'P', b'N', b'G', ..] => Self::Photo("png"),
            [b'G', b'I', b'F', b'8', ..] => Self::Photo("gif"),
            [b'I', b'I', 0x2a, 0, ..] | [b'M', b'M', 0, 0x2a, ..] => Self::Photo("tiff"),
            [b'B', b'M', ..] => Self::Photo("bmp"),
            [b'R', b'I', b'F', b'F', ..] if brand == Some(b"WEBP") => Self::Photo("webp"),
            [b'R', b'I', b'F', b'F', ..] if brand == Some(b"AVI ") => Self::Video("avi"),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] if matches!(brand, Some(b"heic" | b"heix" | b"mif1")) => {
                Self::Photo("heic")
            }
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Self::Video("mp4"),
            [0, 0, 1, 0xb3 | 0xba, ..] => Self::Video("mpg"),
            [0x30, 0x26, 0xb2, 0x75, ..] => Self::Video("wmv"),
            [0x1a, 0x45, 0xdf, 0xa3, ..] => Self::Video("webm"),
            _ => return None,
        })
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Photo(extension) | Self::Video(extension) => extension,
        }
    }

    pub(crate) fn media(self) -> &'static str {
        match self {
            Self::Photo(_) => "photo",
            Self::Video(_) => "video",
        }
    }
}

impl Photo {
    /// Creates a photo without an id: the world assigns one when it stores the photo.
    pub(crate) fn new(owner: String, title: String, file: StoredFile, index_lag_ms: u64, now: Timestamp) -> Self {
        let lag = SignedDuration::from_millis(i64::try_from(index_lag_ms).unwrap_or(i64::MAX));
        Self {
            id: 0,
            owner,
            secret: ids::photo_secret(),
            original_secret: ids::photo_secret(),
            title,
            description: String::new(),
            tags: Vec::new(),
            privacy: Privacy { is_public: true, is_friend: false, is_family: false },
            license: 0,
            safety_level: 1,
            content_type: 1,
            hidden: 1,
            file,
            uploaded: now,
            indexed: now.saturating_add(lag).unwrap_or(Timestamp::MAX),
            updated: now,
            replacements: 0,
        }
    }

    pub(crate) fn is_visible_to(&self, viewer: Option<&str>) -> bool {
        self.privacy.is_public || viewer == Some(self.owner.as_str())
    }

    /// Adds the `tags` that the photo lacks, and returns those that were added.
    pub(crate) fn add_tags(&mut self, tags: Vec<Tag>) -> Vec<Tag> {
        let new: Vec<Tag> =
            tags.into_iter().filter(|tag| self.tags.iter().all(|known| known.clean != tag.clean)).collect();
        self.tags.extend(new.iter().cloned());
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_kind_of_a_file() {
        for (head, expected) in [
            (&b"\xff\xd8\xff\xe0rest"[..], Some(FileKind::Photo("jpg"))),
            (b"\x89PNG\r\n\x1a\n", Some(FileKind::Photo("png"))),
            (b"RIFF0000WEBPVP8 ", Some(FileKind::Photo("webp"))),
            (b"\0\0\0\x18ftypmp42", Some(FileKind::Video("mp4"))),
            (b"\0\0\0\x18ftypheic", Some(FileKind::Photo("heic"))),
            (b"plain text", None),
            (b"", None),
        ] {
            assert_eq!(FileKind::detect(head), expected);
        }
    }
}

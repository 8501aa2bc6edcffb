//! Which files Flickr takes, and under which name they are sent.
//!
//! Flickr tells the kind of a file by its name and content type, and not by its bytes alone: both are made to agree.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::hex::{hex, is_hex};

/// The largest photo that Flickr takes, in bytes (`filesize.maxbytes` of `flickr.people.getUploadStatus`).
pub const MAX_PHOTO_BYTES: u64 = 200 * 1024 * 1024;

/// The largest video that Flickr takes, in bytes (`videosize.maxbytes` of `flickr.people.getUploadStatus`).
pub const MAX_VIDEO_BYTES: u64 = 1024 * 1024 * 1024;

/// The longest name of a file, in characters.
pub const MAX_FILE_NAME_CHARACTERS: usize = 255;

/// The longest name that is sent, without its extension, in characters.
const MAX_SENT_NAME_CHARACTERS: usize = 100;

/// What a file is to Flickr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    Photo,
    Video,
}

/// A content type of a photo or video, in lower case and without parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MediaType(String);

/// A photo or video, as its owner describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaFile {
    name: String,
    media_type: MediaType,
    bytes: u64,
}

/// The SHA-256 of a file's bytes: 64 hexadecimal digits, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256(String);

/// Why Flickr would surely refuse a file, and the field that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileRefused {
    #[error("is 1 to {MAX_FILE_NAME_CHARACTERS} characters, without control characters")]
    Name,
    #[error("is the type of a photo or video, such as `image/jpeg` or `video/mp4`")]
    ContentType,
    #[error("Flickr takes no empty file")]
    Empty,
    #[error("Flickr takes photos up to {MAX_PHOTO_BYTES} bytes")]
    PhotoTooLarge,
    #[error("Flickr takes videos up to {MAX_VIDEO_BYTES} bytes")]
    VideoTooLarge,
    #[error("is 64 hexadecimal digits")]
    Sha256,
}

/// The extensions of a content type; the first is the usual one. Flickr refuses some of these, and says so itself.
const EXTENSIONS: [(&str, &[&str]); 20] = [
    ("image/jpeg", &["jpg", "jpeg", "jpe"]),
    ("image/png", &["png"]),
    ("image/gif", &["gif"]),
    ("image/tiff", &["tif", "tiff"]),
    ("image/heic", &["heic"]),
    ("image/heif", &["heif"]),
    ("image/webp", &["webp"]),
    ("image/bmp", &["bmp"]),
    ("video/mp4", &["mp4", "m4v"]),
    ("video/x-m4v", &["m4v"]),
    ("video/quicktime", &["mov", "qt"]),
    ("video/x-msvideo", &["avi"]),
    ("video/x-ms-wmv", &["wmv"]),
    ("video/mpeg", &["mpg", "mpeg", "mpe"]),
    ("video/3gpp", &["3gp"]),
    ("video/3gpp2", &["3g2"]),
    ("video/mp2t", &["mts", "m2ts", "ts"]),
    ("video/ogg", &["ogv", "ogg"]),
    ("video/webm", &["webm"]),
    ("video/x-matroska", &["mkv"]),
];

impl MediaType {
    /// What a file of this type is.
    pub fn media(&self) -> Media {
        if self.0.starts_with("video/") { Media::Video } else { Media::Photo }
    }

    /// The type that a name's extension stands for.
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        let extension = extension.to_ascii_lowercase();
        let row = EXTENSIONS.iter().find(|(_, extensions)| extensions.contains(&extension.as_str()))?;
        Some(Self(row.0.to_owned()))
    }

    /// As a header gives it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The most bytes that Flickr takes of it.
    pub fn max_bytes(&self) -> u64 {
        match self.media() {
            Media::Photo => MAX_PHOTO_BYTES,
            Media::Video => MAX_VIDEO_BYTES,
        }
    }

    fn extensions(&self) -> &'static [&'static str] {
        EXTENSIONS.iter().find(|(name, _)| *name == self.0).map_or(&[], |(_, extensions)| extensions)
    }
}

impl FromStr for MediaType {
    type Err = FileRefused;

    /// Reads `image/*` or `video/*`; parameters are left out.
    fn from_str(text: &str) -> Result<Self, FileRefused> {
        let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let subtype = essence.strip_prefix("image/").or_else(|| essence.strip_prefix("video/"));
        let is_token = |subtype: &str| {
            (1..=60).contains(&subtype.len())
                && subtype.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-' | b'_'))
        };
        if subtype.is_some_and(is_token) { Ok(Self(essence)) } else { Err(FileRefused::ContentType) }
    }
}

impl TryFrom<String> for MediaType {
    type Error = FileRefused;

    fn try_from(text: String) -> Result<Self, FileRefused> {
        text.parse()
    }
}

impl From<MediaType> for String {
    fn from(media_type: MediaType) -> String {
        media_type.0
    }
}

impl MediaFile {
    /// A file of this name, as its owner gives it, of so many bytes.
    ///
    /// # Errors
    /// [`FileRefused`] where Flickr would surely refuse it, or the name cannot be kept.
    pub fn new(name: &str, media_type: MediaType, bytes: u64) -> Result<Self, FileRefused> {
        let is_name = (1..=MAX_FILE_NAME_CHARACTERS).contains(&name.chars().count());
        if !is_name || name.trim().is_empty() || name.chars().any(char::is_control) {
            return Err(FileRefused::Name);
        }
        match media_type.media() {
            _ if bytes == 0 => Err(FileRefused::Empty),
            Media::Photo if bytes > MAX_PHOTO_BYTES => Err(FileRefused::PhotoTooLarge),
            Media::Video if bytes > MAX_VIDEO_BYTES => Err(FileRefused::VideoTooLarge),
            Media::Photo | Media::Video => Ok(Self { name: name.to_owned(), media_type, bytes }),
        }
    }

    /// The name that its owner gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub const fn media_type(&self) -> &MediaType {
        &self.media_type
    }

    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The name without directories and extension.
    pub fn stem(&self) -> &str {
        let base = self.base();
        match base.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => stem,
            _ => base,
        }
    }

    /// The name to send: letters, digits, `.`, `-` and `_`, with an extension that agrees with the content type. Other
    /// names break signatures and headers, and Flickr reads the kind of a file off them.
    pub fn sent_name(&self) -> String {
        let stem: String = self.stem().chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
        let stem: String = stem.trim_matches(['_', '.']).chars().take(MAX_SENT_NAME_CHARACTERS).collect();
        let stem = if stem.is_empty() { "file" } else { &stem };
        format!("{stem}.{}", self.extension())
    }

    fn base(&self) -> &str {
        self.name.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or_default()
    }

    /// The file's own extension where its content type has it; else the usual one of the type, and for a type that is
    /// not known the file's own, or what the type calls itself.
    fn extension(&self) -> String {
        let own = self.base().rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        let own = own.filter(|own| (1..=5).contains(&own.len()) && own.bytes().all(|b| b.is_ascii_alphanumeric()));
        let known = self.media_type.extensions();
        match (own, known) {
            (Some(own), []) => own,
            (Some(own), known) if known.contains(&own.as_str()) => own,
            (_, [usual, ..]) => (*usual).to_owned(),
            (None, []) => {
                let subtype = self.media_type.0.rsplit('/').next().unwrap_or_default();
                subtype.chars().filter(char::is_ascii_alphanumeric).take(5).collect()
            }
        }
    }
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_')
}

impl Sha256 {
    /// Of a digest.
    pub fn from_bytes(digest: &[u8; 32]) -> Self {
        Self(hex(digest))
    }

    /// 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digest.
    pub fn to_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(self.0.as_bytes().chunks(2)) {
            let pair = str::from_utf8(pair).unwrap_or_default();
            *byte = u8::from_str_radix(pair, 16).unwrap_or_default();
        }
        bytes
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Sha256 {
    type Err = FileRefused;

    /// In either case of letters.
    fn from_str(text: &str) -> Result<Self, FileRefused> {
        let text = text.to_ascii_lowercase();
        if is_hex(&text, 64) { Ok(Self(text)) } else { Err(FileRefused::Sha256) }
    }
}

impl TryFrom<String> for Sha256 {
    type Error = FileRefused;

    fn try_from(text: String) -> Result<Self, FileRefused> {
        text.parse()
    }
}

impl From<Sha256> for String {
    fn from(digest: Sha256) -> String {
        digest.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(name: &str, content_type: &str) -> MediaFile {
        MediaFile::new(name, content_type.parse().unwrap(), 1).unwrap()
    }

    #[test]
    fn a_file_is_sent_under_a_plain_name_with_the_extension_of_its_type() {
        let long = "é".repeat(200) + &"a".repeat(55);
        for (name, content_type, sent) in [
            ("clip.MTS", "video/mp2t", "clip.mts"),
            ("x", "image/jpeg", "x.jpg"),
            ("Übung \"1\".jpg", "image/jpeg", "bung__1.jpg"),
            ("a/b\\..\\c.png", "image/png", "c.png"),
            ("holiday.JPEG", "image/jpeg", "holiday.jpeg"),
            ("holiday.png", "image/jpeg", "holiday.jpg"),
            ("clip.mp4", "video/quicktime", "clip.mov"),
            (".hidden", "image/gif", "hidden.gif"),
            ("日本語", "image/heic", "file.heic"),
            ("raw.NEF", "image/x-nikon-nef", "raw.nef"),
            ("raw", "image/x-nikon-nef", "raw.xniko"),
            ("..", "image/png", "file.png"),
            (&long, "image/png", &format!("{}.png", "a".repeat(55))),
        ] {
            assert_eq!(file(name, content_type).sent_name(), sent, "{name:?}");
        }
        assert_eq!(file("albums/2024/Übung 1.jpg", "image/jpeg").stem(), "Übung 1");
    }

    #[test]
    fn what_flickr_would_surely_refuse_is_refused() {
        let new = |name: &str, content_type: &str, bytes| {
            content_type.parse().and_then(|media_type| MediaFile::new(name, media_type, bytes)).map(|_| ())
        };
        assert_eq!(new("a.jpg", "image/jpeg", 0), Err(FileRefused::Empty));
        assert_eq!(new("a.jpg", "image/jpeg", MAX_PHOTO_BYTES), Ok(()));
        assert_eq!(new("a.jpg", "image/jpeg", MAX_PHOTO_BYTES + 1), Err(FileRefused::PhotoTooLarge));
        assert_eq!(new("a.mp4", "VIDEO/mp4; codecs=avc1", MAX_PHOTO_BYTES + 1), Ok(()));
        assert_eq!(new("a.mp4", "video/mp4", MAX_VIDEO_BYTES), Ok(()));
        assert_eq!(new("a.mp4", "video/mp4", u64::MAX), Err(FileRefused::VideoTooLarge));
        for name in ["", " ", "a\r\nb.jpg", "a\0.jpg", &"a".repeat(256)] {
            assert_eq!(new(name, "image/jpeg", 1), Err(FileRefused::Name), "{name:?}");
        }
        for content_type in ["", "image", "image/", "text/html", "image/a b", "image/j\r\npeg", "application/pdf"] {
            assert_eq!(new("a", content_type, 1), Err(FileRefused::ContentType), "{content_type:?}");
        }
    }

    #[test]
    fn a_digest_reads_back() {
        let digest: [u8; 32] = std::array::from_fn(|i| u8::try_from(i * 7 % 256).unwrap());
        let sha256 = Sha256::from_bytes(&digest);
        assert_eq!(sha256.as_str().to_uppercase().parse(), Ok(sha256.clone()));
        assert_eq!(sha256.to_bytes(), digest);
        for bad in ["", "ab", &"g".repeat(64), &"a".repeat(65)] {
            assert_eq!(bad.parse::<Sha256>(), Err(FileRefused::Sha256), "{bad}");
        }
    }

    #[test]
    fn a_name_tells_a_type() {
        for (name, media_type) in [
            ("a.JPG", Some("image/jpeg")),
            ("a.m2ts", Some("video/mp2t")),
            ("a.b.png", Some("image/png")),
            ("a.exe", None),
            ("jpg", None),
        ] {
            assert_eq!(MediaType::of_name(name).as_ref().map(MediaType::as_str), media_type, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_name_can_break_a_header(name in "\\PC{1,80}", type_number in 0usize..EXTENSIONS.len()) {
            let (content_type, extensions) = EXTENSIONS[type_number];
            if let Ok(file) = MediaFile::new(&name, content_type.parse().unwrap(), 1) {
                let sent = file.sent_name();
                let (stem, extension) = sent.rsplit_once('.').unwrap();
                prop_assert!(sent.chars().all(is_plain) && !stem.is_empty() && sent.len() <= 110, "{sent}");
                prop_assert!(extensions.contains(&extension), "{sent}");
            }
        }
    }
}

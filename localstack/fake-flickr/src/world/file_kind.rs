//! The kind of a file: by its first bytes, by its name, and by the Content-Type that a client gives it.

/// A kind of photo or video, with its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Photo(&'static str),
    Video(&'static str),
}

impl FileKind {
    /// The kind that the first bytes tell.
    pub(crate) fn of_bytes(head: &[u8]) -> Option<Self> {
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
            [_, _, _, _, b'f', b't', b'y', b'p', ..] if brand == Some(b"qt  ") => Self::Video("mov"),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] => Self::Video("mp4"),
            [0, 0, 1, 0xb3 | 0xba, ..] => Self::Video("mpg"),
            [0x30, 0x26, 0xb2, 0x75, ..] => Self::Video("wmv"),
            [0x1a, 0x45, 0xdf, 0xa3, ..] => Self::Video("webm"),
            [b'O', b'g', b'g', b'S', ..] => Self::Video("ogg"),
            _ => return None,
        })
    }

    /// The kind that the extension of a file's name tells.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit(['/', '\\']).next()?.rsplit_once('.')?;
        Self::of_extension(&extension.to_ascii_lowercase())
    }

    fn of_extension(extension: &str) -> Option<Self> {
        Some(match extension {
            "jpg" | "jpeg" | "jpe" => Self::Photo("jpg"),
            "png" => Self::Photo("png"),
            "gif" => Self::Photo("gif"),
            "tif" | "tiff" => Self::Photo("tiff"),
            "bmp" => Self::Photo("bmp"),
            "heic" | "heif" => Self::Photo("heic"),
            "webp" => Self::Photo("webp"),
            "arw" | "cr2" | "cr3" | "dng" | "nef" | "orf" | "pef" | "raf" | "raw" | "rw2" | "srw" => Self::Photo("raw"),
            "mp4" => Self::Video("mp4"),
            "m4v" => Self::Video("m4v"),
            "mov" | "qt" => Self::Video("mov"),
            "avi" => Self::Video("avi"),
            "wmv" => Self::Video("wmv"),
            "mpg" | "mpeg" => Self::Video("mpg"),
            "3gp" => Self::Video("3gp"),
            "mts" | "m2ts" | "ts" => Self::Video("mts"),
            "ogg" | "ogv" => Self::Video("ogg"),
            "webm" => Self::Video("webm"),
            _ => return None,
        })
    }

    /// The kind that a Content-Type tells. A type that means anything, such as `application/octet-stream`, tells none.
    pub(crate) fn of_content_type(content_type: &str) -> Option<Self> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Some(match media_type.as_str() {
            "image/jpeg" | "image/jpg" | "image/pjpeg" => Self::Photo("jpg"),
            "image/png" => Self::Photo("png"),
            "image/gif" => Self::Photo("gif"),
            "image/tiff" => Self::Photo("tiff"),
            "image/bmp" | "image/x-ms-bmp" => Self::Photo("bmp"),
            "image/heic" | "image/heif" => Self::Photo("heic"),
            "image/webp" => Self::Photo("webp"),
            "video/mp4" => Self::Video("mp4"),
            "video/x-m4v" => Self::Video("m4v"),
            "video/quicktime" => Self::Video("mov"),
            "video/x-msvideo" | "video/avi" => Self::Video("avi"),
            "video/x-ms-wmv" => Self::Video("wmv"),
            "video/mpeg" => Self::Video("mpg"),
            "video/3gpp" => Self::Video("3gp"),
            "video/mp2t" => Self::Video("mts"),
            "video/webm" => Self::Video("webm"),
            "video/ogg" | "application/ogg" => Self::Video("ogg"),
            raw if raw.starts_with("image/x-") => Self::Photo("raw"),
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
            (b"OggS", Some(FileKind::Video("ogg"))),
            (b"plain text", None),
            (b"", None),
        ] {
            assert_eq!(FileKind::of_bytes(head), expected);
        }
    }

    #[test]
    fn the_extension_of_a_name_tells_the_kind_of_a_file() {
        for (name, expected) in [
            ("clip.MTS", Some(FileKind::Video("mts"))),
            ("/tmp/a.b/sea side.JPEG", Some(FileKind::Photo("jpg"))),
            (r"C:\x.mp4\photo.png", Some(FileKind::Photo("png"))),
            ("a.jpg/dummy name", None),
            ("dummy name", None),
            ("x.jpg.txt", None),
            ("IMG.SRW", Some(FileKind::Photo("raw"))),
            ("", None),
        ] {
            assert_eq!(FileKind::of_name(name), expected, "{name}");
        }
    }

    #[test]
    fn a_content_type_tells_the_kind_unless_it_means_anything() {
        for (content_type, expected) in [
            ("image/jpeg", Some(FileKind::Photo("jpg"))),
            ("Video/MP4; codecs=\"avc1\"", Some(FileKind::Video("mp4"))),
            ("image/x-samsung-srw", Some(FileKind::Photo("raw"))),
            ("video/webm", Some(FileKind::Video("webm"))),
            ("application/octet-stream", None),
            ("", None),
        ] {
            assert_eq!(FileKind::of_content_type(content_type), expected, "{content_type}");
        }
    }
}

//! What Flickr makes of an uploaded file: its kind, and whether it is taken.

use super::codes;
use crate::config::Config;
use crate::envelope::ApiError;
use crate::request::{Endpoint, FilePart};
use crate::world::file_kind::FileKind;
use crate::world::photo::StoredFile;

/// The file of an upload or a replacement.
///
/// # Errors
/// If there is none, or Flickr refuses it.
pub(super) fn accepted(config: &Config, endpoint: Endpoint, file: Option<&FilePart>) -> Result<StoredFile, ApiError> {
    let refused = |code| Err(codes::error(endpoint, code));
    let Some(file) = file else { return refused(2) };
    if file.bytes == 0 {
        return refused(4);
    }
    let Some(kind) = kind(config, file) else { return refused(5) };
    let max_bytes = match kind {
        FileKind::Photo(_) => config.max_photo_bytes,
        FileKind::Video(_) => config.max_video_bytes,
    };
    if file.bytes > max_bytes {
        // Code 8 of a replacement is another error.
        return refused(if endpoint == Endpoint::Replace { 93 } else { config.too_large_code });
    }
    Ok(StoredFile {
        name: file.name.clone(),
        content_type: file.content_type.clone(),
        bytes: file.bytes,
        sha256: file.sha256.clone(),
        kind,
    })
}

/// The kind of a file that Flickr takes. A photo shows what it is; a video is one only by its name or Content-Type.
fn kind(config: &Config, file: &FilePart) -> Option<FileKind> {
    let named = FileKind::of_name(&file.name);
    let typed = file.content_type.as_deref().and_then(FileKind::of_content_type);
    let seen = FileKind::of_bytes(&file.head);
    let declared = named.or(typed);
    if !config.check_file_type {
        return Some(seen.or(declared).unwrap_or(FileKind::Photo("jpg")));
    }
    if [named, typed, seen].into_iter().flatten().any(|kind| config.refused_kinds.contains(kind.extension())) {
        return None;
    }
    match (declared, seen) {
        (None | Some(FileKind::Photo(_)), Some(photo @ FileKind::Photo(_))) => Some(photo),
        (Some(video @ FileKind::Video(_)), None | Some(FileKind::Video(_))) => Some(video),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JPEG: &[u8] = b"\xff\xd8\xff\xe0";
    const MP4: &[u8] = b"\0\0\0\x18ftypmp42";
    const STREAM: &[u8] = b"\x47\x40\0\x10";

    fn kind_of(name: &str, content_type: Option<&str>, head: &[u8]) -> Option<FileKind> {
        let file = FilePart {
            name: name.to_owned(),
            content_type: content_type.map(str::to_owned),
            bytes: head.len() as u64,
            sha256: String::new(),
            head: head.to_owned(),
        };
        kind(&Config::default(), &file)
    }

    #[test]
    fn a_photo_shows_what_it_is() {
        for name in ["sea.jpg", "dummy name", "sea.png", "x"] {
            assert_eq!(kind_of(name, None, JPEG), Some(FileKind::Photo("jpg")), "{name}");
        }
        assert_eq!(kind_of("sea.jpg", Some("image/jpeg"), b"plain text"), None);
        assert_eq!(kind_of("sea.mp4", None, JPEG), None, "it says that it is a video");
    }

    #[test]
    fn a_video_needs_a_name_or_a_type() {
        assert_eq!(kind_of("dummy name", None, MP4), None);
        assert_eq!(kind_of("dummy name", Some("application/octet-stream"), STREAM), None);
        assert_eq!(kind_of("clip.MTS", None, STREAM), Some(FileKind::Video("mts")));
        assert_eq!(kind_of("dummy name", Some("video/mp2t"), STREAM), Some(FileKind::Video("mts")));
        assert_eq!(kind_of("clip.mp4", Some("video/mp4"), MP4), Some(FileKind::Video("mp4")));
        assert_eq!(kind_of("clip.jpg", Some("image/jpeg"), MP4), None);
    }

    #[test]
    fn some_kinds_are_refused_by_whatever_tells_them() {
        for (name, content_type, head) in [
            ("a.webp", None, JPEG),
            ("a.jpg", Some("image/webp"), JPEG),
            ("a.jpg", None, b"RIFF0000WEBP"),
            ("a.srw", None, b"II*\0"),
            ("a.webm", Some("video/webm"), b"\x1a\x45\xdf\xa3"),
            ("a.ogv", None, b"OggS"),
        ] {
            assert_eq!(kind_of(name, content_type, head), None, "{name} {content_type:?}");
        }
    }
}

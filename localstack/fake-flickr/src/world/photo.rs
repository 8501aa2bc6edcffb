//! A photo or video of an account.

use jiff::Timestamp;

use super::file_kind::FileKind;
use super::lags::{KnownFrom, later};
use super::tags::Tag;
use super::video::{Video, VideoState};
use crate::ids;

/// The most tags that a photo has.
pub(crate) const MAX_TAGS: usize = 75;

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
    /// Its processing, if it is a video.
    pub video: Option<Video>,
    pub uploaded: Timestamp,
    pub known: KnownFrom,
    pub updated: Timestamp,
    pub replacements: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Privacy {
    pub is_public: bool,
    pub is_friend: bool,
    pub is_family: bool,
}

impl Privacy {
    /// A public photo is not for friends or family in particular.
    pub(crate) fn new(is_public: bool, is_friend: bool, is_family: bool) -> Self {
        Self { is_public, is_friend: !is_public && is_friend, is_family: !is_public && is_family }
    }
}

/// What the server stores of an uploaded file: everything but its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredFile {
    pub name: String,
    /// The Content-Type that the client gave it.
    pub content_type: Option<String>,
    pub bytes: u64,
    pub sha256: String,
    pub kind: FileKind,
}

impl Photo {
    /// Creates a photo without an id: the world assigns one when it stores the photo.
    pub(crate) fn new(owner: String, title: String, file: StoredFile, known: KnownFrom, now: Timestamp) -> Self {
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
            video: None,
            uploaded: now,
            known,
            updated: now,
            replacements: 0,
        }
    }

    pub(crate) fn is_visible_to(&self, viewer: Option<&str>) -> bool {
        self.privacy.is_public || viewer == Some(self.owner.as_str())
    }

    /// Whether it is a video that is still in processing.
    pub(crate) fn is_pending_video(&self, now: Timestamp) -> bool {
        self.video.is_some_and(|video| video.state(now) == VideoState::Pending)
    }

    /// `ready`, `processing` or `failed`.
    pub(crate) fn media_status(&self, now: Timestamp) -> &'static str {
        self.video.map_or(VideoState::Ready, |video| video.state(now)).media_status()
    }

    /// Notes that it is changed. Its time grows with every change, even within one of Flickr's seconds.
    pub(crate) fn touch(&mut self, now: Timestamp) {
        self.updated = now.max(later(self.updated, 1000));
    }

    /// Adds the `tags` that the photo lacks, and returns those that were added.
    pub(crate) fn add_tags(&mut self, tags: Vec<Tag>) -> Vec<Tag> {
        let new: Vec<Tag> =
            tags.into_iter().filter(|tag| self.tags.iter().all(|known| known.clean != tag.clean)).collect();
        self.tags.extend(new.iter().cloned());
        new
    }
}

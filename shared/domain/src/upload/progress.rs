//! How far the sending of a job's file has come, as far as the next worker must know.

use serde::{Deserialize, Serialize};

use super::PhotoVersion;

/// How far the sending of a job's file has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileProgress {
    /// Flickr works on the file: what to ask it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    /// Which file the photo had before it was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo_version: Option<PhotoVersion>,
    /// Whether an earlier attempt may have taken effect, though the file may be sent again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsettled: bool,
}

/// What Flickr gave to ask it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Flickr's own text: digits with a hyphen.
    pub id: String,
    /// How often it was asked for.
    pub asked: u32,
}

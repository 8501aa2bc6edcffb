//! The settings that `POST /_fake/config` changes while the server runs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What Flickr was seen to refuse; `raw` are the raw files of cameras.
const REFUSED_KINDS: [&str; 4] = ["ogg", "raw", "webm", "webp"];

/// Every setting. Where Flickr's own value is unknown, there is a setting for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// How long after an upload `photos.search` and `people.getPhotos` first find the photo.
    pub index_lag_ms: u64,
    /// How long after an upload a search by tag, machine tag or text first finds the photo, if later.
    pub tag_lag_ms: u64,
    /// Whether a total counts photos that are not yet listed, so that there may be a count without entries.
    pub total_counts_unlisted: bool,
    /// How long after an upload or a replacement its bytes are first seen as a duplicate.
    pub dedup_lag_ms: u64,
    /// How long after an upload the methods first know the photo by its id.
    pub id_lag_ms: u64,
    /// The number of calls a key may make in any rolling hour.
    pub hourly_limit: u32,
    /// How far a timestamp may lie from the server's clock in either direction.
    pub timestamp_window_seconds: u32,
    /// Whether a nonce is refused the second time.
    pub refuse_replayed_nonces: bool,
    /// Whether a method that changes something is refused with error 116 unless it is called with POST.
    pub setters_require_post: bool,
    /// How long a request token can be approved and exchanged.
    pub request_token_life_seconds: u32,
    /// How many polls report the ticket of an asynchronous upload as pending.
    pub ticket_pending_polls: u32,
    /// How long the ticket of an asynchronous upload is pending.
    pub ticket_delay_ms: u64,
    /// How long a ticket is known.
    pub ticket_life_seconds: u32,
    /// Whether an asynchronous upload of a duplicate gets a ticket that fails, instead of error 9.
    pub duplicates_get_tickets: bool,
    /// `duplicate_photo_status` of a photo that exists; that of a deleted one is `DELETED`.
    pub duplicate_status: String,
    /// Whether a photo that is brought back to life takes the texts and settings of the upload that does it.
    pub revival_renews: bool,
    /// Whether the details of errors 9 and 14 are attributes of `<err>`, instead of elements beside it.
    pub error_details_as_attributes: bool,
    /// Whether an upload or a replacement without a Content-Length gets the page 411.
    pub length_required: bool,
    /// Whether an upload of a file that is no photo or video by its name, type and first bytes gets error 5.
    pub check_file_type: bool,
    /// The kinds of files that get error 5 although they are photos or videos.
    pub refused_kinds: BTreeSet<String>,
    /// A larger photo gets error 8.
    pub max_photo_bytes: u64,
    /// A larger video gets error 8.
    pub max_video_bytes: u64,
    /// The error of an upload that is too large: 8 or 93.
    pub too_large_code: i64,
    /// Whether an upload with more than 75 tags gets error 3, instead of losing the tags beyond.
    pub refuse_excess_tags: bool,
    /// The number of photos and videos beyond which a free account gets error 6.
    pub free_account_items: u64,
    /// The error of a replacement of a photo that does not exist or belongs to another.
    pub replace_not_found_code: i64,
    /// How long a video is in processing.
    pub video_processing_ms: u64,
    /// Whether `photos.getInfo` knows a video that is in processing.
    pub pending_videos_have_info: bool,
    /// Whether the numbers of tickets, videos and the upload status are strings in JSON.
    pub numbers_as_strings: bool,
    /// The HTTP status by OAuth problem, for those whose status at Flickr is unknown.
    pub problem_statuses: BTreeMap<String, u16>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            index_lag_ms: 0,
            tag_lag_ms: 0,
            total_counts_unlisted: false,
            dedup_lag_ms: 0,
            id_lag_ms: 0,
            hourly_limit: 3600,
            timestamp_window_seconds: 30 * 60,
            refuse_replayed_nonces: true,
            setters_require_post: true,
            request_token_life_seconds: 60 * 60,
            ticket_pending_polls: 0,
            ticket_delay_ms: 0,
            ticket_life_seconds: 24 * 60 * 60,
            duplicates_get_tickets: false,
            duplicate_status: "0".to_owned(),
            revival_renews: false,
            error_details_as_attributes: false,
            length_required: true,
            check_file_type: true,
            refused_kinds: REFUSED_KINDS.map(str::to_owned).into(),
            max_photo_bytes: 209_715_200,
            max_video_bytes: 1_073_741_824,
            too_large_code: 8,
            refuse_excess_tags: false,
            free_account_items: 1000,
            replace_not_found_code: 2,
            video_processing_ms: 0,
            pending_videos_have_info: true,
            numbers_as_strings: false,
            problem_statuses: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Returns a copy with the members of `patch` in place of its own.
    ///
    /// # Errors
    /// If a member is unknown or has the wrong type.
    pub(crate) fn patched(&self, patch: serde_json::Map<String, Value>) -> Result<Self, serde_json::Error> {
        let mut merged = serde_json::to_value(self)?;
        if let Value::Object(members) = &mut merged {
            members.extend(patch);
        }
        serde_json::from_value(merged)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patch(value: Value) -> Result<Config, serde_json::Error> {
        Config::default().patched(serde_json::from_value(value).unwrap())
    }

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let patched = patch(json!({"index_lag_ms": 5})).unwrap();
        assert_eq!(patched, Config { index_lag_ms: 5, ..Config::default() });
    }

    #[test]
    fn an_unknown_or_ill_typed_setting_is_refused() {
        assert!(patch(json!({"index_lag": 5})).unwrap_err().to_string().contains("index_lag"));
        assert!(patch(json!({"hourly_limit": "many"})).is_err());
    }
}

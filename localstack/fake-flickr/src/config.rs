//! The settings that `POST /_fake/config` changes while the server runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Every setting. Where Flickr's own value is unknown, there is a setting for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// How long after an upload `photos.search` and `people.getPhotos` first find the photo.
    pub index_lag_ms: u64,
    /// The number of calls a key may make in any rolling hour.
    pub hourly_limit: u32,
    /// How far a timestamp may lie from the server's clock in either direction.
    pub timestamp_window_seconds: u32,
    /// Whether a nonce is refused the second time.
    pub refuse_replayed_nonces: bool,
    /// How long a request token can be approved and exchanged.
    pub request_token_life_seconds: u32,
    /// How many polls report the ticket of an asynchronous upload as pending.
    pub ticket_pending_polls: u32,
    /// Whether an upload whose first bytes are of no known image or video gets error 5.
    pub check_file_type: bool,
    /// A larger photo gets error 8.
    pub max_photo_bytes: u64,
    /// A larger video gets error 8.
    pub max_video_bytes: u64,
    /// The HTTP status by OAuth problem, for those whose status at Flickr is unknown.
    pub problem_statuses: BTreeMap<String, u16>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            index_lag_ms: 0,
            hourly_limit: 3600,
            timestamp_window_seconds: 30 * 60,
            refuse_replayed_nonces: true,
            request_token_life_seconds: 60 * 60,
            ticket_pending_polls: 0,
            check_file_type: true,
            max_photo_bytes: 209_715_200,
            max_video_bytes: 1_073_741_824,
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

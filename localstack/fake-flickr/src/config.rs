//! What can be tuned while the server runs, with `POST /_fake/config`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Every setting, with its default. Where Flickr's own value is unknown it stands here so that it can be changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// How long after an upload a photo is found by `photos.search` and `people.getPhotos`.
    pub index_lag_ms: u64,
    /// Calls a key may make in any rolling hour.
    pub hourly_limit: u32,
    /// How far a timestamp may lie from the server's clock, on either side.
    pub timestamp_window_seconds: u32,
    /// Whether a nonce seen before is refused.
    pub refuse_replayed_nonces: bool,
    /// How long a request token can be approved and exchanged.
    pub request_token_life_seconds: u32,
    /// How many polls find the ticket of an asynchronous upload still pending.
    pub ticket_pending_polls: u32,
    /// Whether an upload must begin like a known image or video, else error 5.
    pub check_file_type: bool,
    /// A larger photo gets error 8.
    pub max_photo_bytes: u64,
    /// A larger video gets error 8.
    pub max_video_bytes: u64,
    /// HTTP status by OAuth problem, for those whose real status is not known.
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
    /// This configuration with the members of `patch` in the place of its own.
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

//! The only place that asks what time it is. Everything else takes `now`.

use jiff::Timestamp;

#[expect(clippy::disallowed_methods, reason = "the one clock of the server")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// RFC 3339 with milliseconds, in UTC.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// The form Flickr gives a photo's `datetaken`.
pub(crate) fn mysql(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

pub(crate) fn serialize<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

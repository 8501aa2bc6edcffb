//! The only place that reads the clock. Everything else takes `now`.

use jiff::Timestamp;

#[expect(clippy::disallowed_methods, reason = "the one clock of the server")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// RFC 3339 with milliseconds, in UTC.
pub(crate) fn rfc3339(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// The form of a photo's `datetaken` at Flickr.
pub(crate) fn mysql(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

pub(crate) fn serialize<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

//! What CloudWatch Logs delivers: lines of a log group, as JSON, compressed, in base64.

use std::io::Read;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::GzDecoder;
use serde::Deserialize;

/// The most bytes that a delivery may grow to. An event of Lambda has a million, and text seldom shrinks to a tenth.
const MAX_BYTES: u64 = 64 << 20;

/// A delivery, as an event of Lambda.
#[derive(Debug, Deserialize)]
pub struct Delivery {
    awslogs: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    data: String,
}

/// Lines of a log group.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Lines {
    /// The name of the group.
    pub log_group: String,
    /// The stream of the group.
    pub log_stream: String,
    /// The lines; none of a message that only tests the subscription.
    pub log_events: Vec<LogEvent>,
}

/// A line.
#[derive(Debug, Deserialize)]
pub(crate) struct LogEvent {
    /// When it was logged, in milliseconds since 1970.
    pub timestamp: i64,
    /// Its text.
    pub message: String,
}

/// A delivery is not what CloudWatch Logs delivers.
#[derive(Debug, thiserror::Error)]
#[error("the delivery cannot be read")]
pub struct Malformed(#[source] Box<dyn std::error::Error + Send + Sync>);

impl Delivery {
    /// # Errors
    /// When it is none of CloudWatch Logs.
    pub(crate) fn read(&self) -> Result<Lines, Malformed> {
        let compressed = STANDARD.decode(&self.awslogs.data).map_err(|error| Malformed(error.into()))?;
        let mut text = Vec::new();
        let decoder = GzDecoder::new(&*compressed);
        decoder.take(MAX_BYTES).read_to_end(&mut text).map_err(|error| Malformed(error.into()))?;
        // The error of JSON quotes what it read.
        serde_json::from_slice(&text).map_err(|error| Malformed(format!("{:?} in its JSON", error.classify()).into()))
    }
}

//! Lines of the audit log, out of lines of functions.

use std::collections::BTreeMap;

use domain::{Day, Timestamp};
use hub::ports::AuditLine;
use serde_json::{Map, Value, json};

use crate::delivery::{Lines, LogEvent};

/// The target of the lines that belong into the audit log (`shared/edge/src/audit.rs`).
const AUDITED: &str = "audited";

/// The lines that belong into the audit log, by the stream that each goes to: that of its day and its function.
pub(crate) fn by_stream(lines: &Lines) -> BTreeMap<String, Vec<AuditLine>> {
    let function = lines.log_group.rsplit('/').next().unwrap_or_default();
    let mut streams: BTreeMap<String, Vec<AuditLine>> = BTreeMap::new();
    for event in &lines.log_events {
        let at = Timestamp::from_milliseconds(event.timestamp);
        if let Some(text) = entry(event, lines) {
            streams.entry(format!("{}/{function}", Day::of(at))).or_default().push(AuditLine { at, text });
        }
    }
    streams
}

/// The line as it is in the audit log, if it belongs there.
fn entry(event: &LogEvent, lines: &Lines) -> Option<String> {
    let mut members: Map<String, Value> = serde_json::from_str(&event.message).ok()?;
    if members.remove("target").as_ref().and_then(Value::as_str) != Some(AUDITED) {
        return None;
    }
    members.remove("level");
    // In place of what the line may say itself.
    members.insert("log_group".to_owned(), json!(lines.log_group));
    members.insert("log_stream".to_owned(), json!(lines.log_stream));
    Some(Value::Object(members).to_string())
}

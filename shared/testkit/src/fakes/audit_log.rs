//! The audit log.

use std::collections::BTreeMap;

use hub::ports::{AuditLine, AuditLog, Result};

use super::world::World;
use crate::call::Call;

/// The lines of each stream, as they came.
#[derive(Default)]
struct Streams(BTreeMap<String, Vec<AuditLine>>);

impl Streams {
    fn append(&mut self, stream: &str, lines: &[AuditLine]) {
        let stream = self.0.entry(stream.to_owned()).or_default();
        stream.extend_from_slice(lines);
        stream.sort_by_key(|line| line.at);
    }
}

impl World {
    /// The texts of a stream of the audit log, in the order of their times.
    pub fn audit_lines(&self, stream: &str) -> Vec<String> {
        let texts = |lines: &Vec<AuditLine>| lines.iter().map(|line| line.text.clone()).collect();
        self.stores(|stores, _| stores.part::<Streams>().0.get(stream).map(texts).unwrap_or_default())
    }
}

impl AuditLog for World {
    async fn append(&self, stream: &str, lines: &[AuditLine]) -> Result<()> {
        self.call(Call::AppendToAuditLog, |stores, _| stores.part::<Streams>().append(stream, lines)).await
    }
}

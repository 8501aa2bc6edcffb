//! A journal of the calls the server received, for tests to inspect. It holds no secret: no token, signature or
//! parameter.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

use crate::answer::Stat;
use crate::clock;
use crate::request::Head;

/// Beyond this many entries the oldest are dropped.
const CAPACITY: usize = 1_000_000;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    /// A number that counts from 1 after a start or a reset.
    pub seq: u64,
    #[serde(serialize_with = "clock::serialize")]
    pub when: Timestamp,
    pub path: String,
    pub verb: String,
    pub method: Option<String>,
    /// The consumer key, which is public.
    pub key: Option<String>,
    /// The id of the token's user.
    pub account: Option<String>,
    /// The length of the request's body.
    pub bytes_received: u64,
    /// The head of an upload or a replacement, without its secrets.
    pub head: Option<Head>,
    pub answer: AnswerSummary,
    /// The name of the injected fault.
    pub fault: Option<&'static str>,
}

/// The outline of an answer. All members are null if the connection was closed without one.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct AnswerSummary {
    pub status: Option<u16>,
    pub stat: Option<Stat>,
    pub code: Option<i64>,
    pub problem: Option<&'static str>,
    /// The hash of the answer's body, in hexadecimal.
    pub sha256: Option<String>,
}

#[derive(Default)]
pub(crate) struct Journal {
    entries: VecDeque<Entry>,
    last_seq: u64,
}

impl Journal {
    /// Appends an entry under the next number.
    pub(crate) fn record(&mut self, entry: Entry) {
        self.last_seq += 1;
        self.entries.push_back(Entry { seq: self.last_seq, ..entry });
        if self.entries.len() > CAPACITY {
            self.entries.pop_front();
        }
    }

    /// Returns the entries numbered above `seq`, oldest first.
    pub(crate) fn since(&self, seq: u64) -> Vec<&Entry> {
        let first = self.entries.partition_point(|entry| entry.seq <= seq);
        self.entries.range(first..).collect()
    }

    pub(crate) fn last_seq(&self) -> u64 {
        self.last_seq
    }
}

//! The calls the server was asked to play, for tests to count. It holds no secret: no token, signature or parameter.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

use crate::answer::Stat;
use crate::clock;

/// The oldest calls are forgotten beyond this many.
const CAPACITY: usize = 1_000_000;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Call {
    /// Counts from 1 after a start or a reset.
    pub seq: u64,
    #[serde(serialize_with = "clock::serialize")]
    pub when: Timestamp,
    pub path: String,
    pub verb: String,
    pub method: Option<String>,
    /// The consumer key, which is public.
    pub key: Option<String>,
    /// The id of the user whose token was used.
    pub account: Option<String>,
    /// Bytes of the request's body.
    pub bytes_received: u64,
    pub answer: Outcome,
    /// The fault that was played, if any.
    pub fault: Option<&'static str>,
}

/// What was answered; all is null where the connection was cut instead.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Outcome {
    pub status: Option<u16>,
    pub stat: Option<Stat>,
    pub code: Option<i64>,
    pub problem: Option<&'static str>,
    /// Of the body, in hexadecimal.
    pub sha256: Option<String>,
}

#[derive(Default)]
pub(crate) struct Journal {
    calls: VecDeque<Call>,
    last: u64,
}

impl Journal {
    /// Keeps a call and gives it its number.
    pub(crate) fn record(&mut self, call: Call) {
        self.last += 1;
        self.calls.push_back(Call { seq: self.last, ..call });
        if self.calls.len() > CAPACITY {
            self.calls.pop_front();
        }
    }

    /// The calls with a number above `seq`, oldest first.
    pub(crate) fn since(&self, seq: u64) -> Vec<&Call> {
        let first = self.calls.partition_point(|call| call.seq <= seq);
        self.calls.range(first..).collect()
    }

    pub(crate) fn last(&self) -> u64 {
        self.last
    }
}

//! Faults to play: which there are, which call each meets, and how often.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::incoming::Endpoint;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The front's throttle.
    TooManyRequests,
    /// An HTML page of the network in front of Flickr, with this status.
    ServerError(u16),
    /// Code 201 as JSON, whatever format was asked.
    UnavailableJson,
    /// A failure in the envelope that is meant to pass.
    ApiError(i64),
    /// A refusal of the OAuth layer for the clock's sake.
    TimestampRefused,
    NonceUsed,
    /// The connection is cut before anything is done.
    ResetBefore,
    /// All is done, then the connection is cut.
    AcceptThenDrop,
    /// An error is answered, and then all is done.
    ActAfterError,
    /// The body trickles.
    Slow,
    TokenRevoked,
    KeyExpired,
    UploadError(i64),
    TicketPending,
    TicketFailed,
    TicketInvalid,
}

const NAMES: &[(&str, Kind)] = &[
    ("429", Kind::TooManyRequests),
    ("500", Kind::ServerError(500)),
    ("502", Kind::ServerError(502)),
    ("503", Kind::ServerError(503)),
    ("504", Kind::ServerError(504)),
    ("unavailable_json", Kind::UnavailableJson),
    ("api_error_0", Kind::ApiError(0)),
    ("api_error_105", Kind::ApiError(105)),
    ("api_error_106", Kind::ApiError(106)),
    ("api_error_201", Kind::ApiError(201)),
    ("timestamp_refused", Kind::TimestampRefused),
    ("nonce_used", Kind::NonceUsed),
    ("reset_before", Kind::ResetBefore),
    ("accept_then_drop", Kind::AcceptThenDrop),
    ("act_after_error", Kind::ActAfterError),
    ("slow", Kind::Slow),
    ("token_revoked", Kind::TokenRevoked),
    ("key_expired", Kind::KeyExpired),
    ("upload_error_3", Kind::UploadError(3)),
    ("upload_error_5", Kind::UploadError(5)),
    ("upload_error_6", Kind::UploadError(6)),
    ("upload_error_7", Kind::UploadError(7)),
    ("upload_error_9", Kind::UploadError(9)),
    ("upload_error_14", Kind::UploadError(14)),
    ("ticket_pending", Kind::TicketPending),
    ("ticket_failed", Kind::TicketFailed),
    ("ticket_invalid", Kind::TicketInvalid),
];

pub(crate) fn names() -> Vec<&'static str> {
    NAMES.iter().map(|(name, _)| *name).collect()
}

/// A call as the faults see it.
pub(crate) struct Subject<'a> {
    pub endpoint: Endpoint,
    pub path: &'a str,
    pub method: Option<&'a str>,
    pub account: Option<&'a str>,
    pub key: Option<&'a str>,
    /// Whether it is an asynchronous upload or replacement.
    pub makes_ticket: bool,
}

impl Kind {
    /// Whether the fault has a meaning for this call.
    fn concerns(self, subject: &Subject<'_>) -> bool {
        let is_transfer = matches!(subject.endpoint, Endpoint::Upload | Endpoint::Replace);
        let polls = subject.method == Some("flickr.photos.upload.checkTickets");
        match self {
            Self::UnavailableJson | Self::ApiError(_) => subject.endpoint == Endpoint::Rest || is_transfer,
            Self::TokenRevoked => subject.account.is_some(),
            Self::UploadError(_) => is_transfer,
            Self::TicketPending | Self::TicketInvalid => polls,
            Self::TicketFailed => polls || subject.makes_ticket,
            Self::TooManyRequests
            | Self::ServerError(_)
            | Self::TimestampRefused
            | Self::NonceUsed
            | Self::ResetBefore
            | Self::AcceptThenDrop
            | Self::ActAfterError
            | Self::Slow
            | Self::KeyExpired => true,
        }
    }
}

/// Which calls a fault meets; what is left out matches all.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Matcher {
    /// A REST method; a trailing `*` matches a prefix.
    method: Option<String>,
    /// A path, with or without its last slash; a trailing `*` matches a prefix.
    path: Option<String>,
    /// The id of a user.
    account: Option<String>,
    /// A consumer key.
    key: Option<String>,
}

impl Matcher {
    fn matches(&self, subject: &Subject<'_>) -> bool {
        let slashless = |path: &str| path.trim_end_matches('/').to_owned();
        fits(self.method.as_deref(), subject.method)
            && fits(self.path.as_deref().map(slashless).as_deref(), Some(&slashless(subject.path)))
            && fits(self.account.as_deref(), subject.account)
            && fits(self.key.as_deref(), subject.key)
    }
}

fn fits(wanted: Option<&str>, actual: Option<&str>) -> bool {
    match (wanted, actual) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wanted), Some(actual)) => match wanted.strip_suffix('*') {
            Some(prefix) => actual.starts_with(prefix),
            None => actual == wanted,
        },
    }
}

/// A fault as it is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    #[serde(default, rename = "match")]
    matcher: Matcher,
    fault: String,
    /// How many calls it meets; without it, all until it is deleted.
    times: Option<u32>,
    #[serde(default)]
    delay_ms: u64,
    retry_after_seconds: Option<u32>,
}

/// A fault as it stands.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Rule {
    id: u64,
    #[serde(rename = "match")]
    matcher: Matcher,
    fault: &'static str,
    times_left: Option<u32>,
    delay_ms: u64,
    retry_after_seconds: Option<u32>,
    #[serde(skip)]
    kind: Kind,
}

/// A fault that meets one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub name: &'static str,
    pub kind: Kind,
    pub delay: Duration,
    pub retry_after_seconds: Option<u32>,
}

#[derive(Default)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
    last_id: u64,
}

impl Faults {
    /// Sets a fault and returns its id, or nothing if there is no fault of that name.
    pub(crate) fn add(&mut self, order: Order) -> Option<u64> {
        let (name, kind) = NAMES.iter().find(|(name, _)| *name == order.fault)?;
        self.last_id += 1;
        self.rules.push(Rule {
            id: self.last_id,
            matcher: order.matcher,
            fault: name,
            times_left: order.times,
            delay_ms: order.delay_ms,
            retry_after_seconds: order.retry_after_seconds,
            kind: *kind,
        });
        Some(self.last_id)
    }

    /// Takes the first fault that meets the call, and counts it.
    pub(crate) fn take(&mut self, subject: &Subject<'_>) -> Option<Fault> {
        let index = self.rules.iter().position(|rule| {
            rule.times_left != Some(0) && rule.kind.concerns(subject) && rule.matcher.matches(subject)
        })?;
        let rule = &mut self.rules[index];
        let fault = Fault {
            name: rule.fault,
            kind: rule.kind,
            delay: Duration::from_millis(rule.delay_ms),
            retry_after_seconds: rule.retry_after_seconds,
        };
        rule.times_left = rule.times_left.map(|left| left - 1);
        self.rules.retain(|rule| rule.times_left != Some(0));
        Some(fault)
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    pub(crate) fn clear(&mut self) -> usize {
        self.rules.drain(..).count()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn subject<'a>(method: Option<&'a str>, account: Option<&'a str>) -> Subject<'a> {
        Subject {
            endpoint: Endpoint::Rest,
            path: "/services/rest/",
            method,
            account,
            key: Some("k"),
            makes_ticket: false,
        }
    }

    fn order(value: serde_json::Value) -> Order {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_fault_meets_the_calls_it_matches_as_often_as_asked() {
        let mut faults = Faults::default();
        let wanted =
            json!({"match": {"method": "flickr.photos.*", "path": "/services/rest"}, "fault": "503", "times": 2});
        faults.add(order(wanted)).unwrap();
        assert!(faults.take(&subject(Some("flickr.people.getInfo"), None)).is_none());
        assert!(faults.take(&subject(None, None)).is_none());
        let met = || Some(Kind::ServerError(503));
        assert_eq!(faults.take(&subject(Some("flickr.photos.search"), None)).map(|fault| fault.kind), met());
        assert_eq!(faults.take(&subject(Some("flickr.photos.getInfo"), None)).map(|fault| fault.kind), met());
        assert!(faults.take(&subject(Some("flickr.photos.search"), None)).is_none());
        assert!(faults.rules().is_empty());
    }

    #[test]
    fn a_fault_without_times_stays_and_one_that_makes_no_sense_is_passed_over() {
        let mut faults = Faults::default();
        faults.add(order(json!({"fault": "upload_error_9"}))).unwrap();
        faults.add(order(json!({"fault": "token_revoked", "match": {"account": "a"}}))).unwrap();
        assert!(faults.take(&subject(None, None)).is_none());
        for _ in 0..3 {
            assert_eq!(faults.take(&subject(None, Some("a"))).unwrap().kind, Kind::TokenRevoked);
        }
        assert_eq!(faults.clear(), 2);
    }

    #[test]
    fn an_unknown_name_is_no_fault() {
        assert!(Faults::default().add(order(json!({"fault": "meteorite"}))).is_none());
    }
}

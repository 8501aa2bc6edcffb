//! Faults that a test injects: their kinds, the calls that each matches, and how often.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::request::Endpoint;

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The page of the throttle in front of Flickr.
    TooManyRequests,
    /// An HTML page of the network in front of Flickr, with this status: the call never reaches Flickr.
    EdgeError(u16),
    /// Code 201 as JSON, whatever format the client asks for.
    UnavailableJson,
    /// A transient error inside the envelope.
    ApiError(i64),
    /// The call takes effect, and its answer is an error with a code that no method has.
    ForeignCode,
    /// The call takes effect, and its answer is in another format than the client asks for.
    ForeignFormat,
    /// The call takes effect, and the first text of its answer begins with a byte that is no UTF-8.
    BadByte,
    /// The call takes effect, and the first text of its answer begins with a control character.
    ControlCharacter,
    TimestampRefused,
    NonceUsed,
    /// The connection is closed before the call takes effect.
    ResetBefore,
    /// The connection is closed after the call has taken effect.
    AcceptThenDrop,
    /// An error is answered, and the call takes effect later.
    ActAfterError,
    /// The call takes effect, and the body arrives slowly.
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
    ("400", Kind::EdgeError(400)),
    ("403", Kind::EdgeError(403)),
    ("404", Kind::EdgeError(404)),
    ("411", Kind::EdgeError(411)),
    ("413", Kind::EdgeError(413)),
    ("500", Kind::EdgeError(500)),
    ("502", Kind::EdgeError(502)),
    ("503", Kind::EdgeError(503)),
    ("504", Kind::EdgeError(504)),
    ("unavailable_json", Kind::UnavailableJson),
    ("api_error_0", Kind::ApiError(0)),
    ("api_error_105", Kind::ApiError(105)),
    ("api_error_106", Kind::ApiError(106)),
    ("api_error_201", Kind::ApiError(201)),
    ("foreign_code", Kind::ForeignCode),
    ("foreign_format", Kind::ForeignFormat),
    ("bad_byte", Kind::BadByte),
    ("control_character", Kind::ControlCharacter),
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

/// The attributes of a call that faults match on.
pub(crate) struct CallAttributes<'a> {
    pub endpoint: Endpoint,
    pub path: &'a str,
    pub method: Option<&'a str>,
    pub account: Option<&'a str>,
    pub key: Option<&'a str>,
    /// Whether the call is an asynchronous upload or replacement.
    pub returns_ticket: bool,
}

impl Kind {
    /// Whether the fault makes sense for the call.
    fn applies_to(self, call: &CallAttributes<'_>) -> bool {
        let is_transfer = matches!(call.endpoint, Endpoint::Upload | Endpoint::Replace);
        let polls = call.method == Some("flickr.photos.upload.checkTickets");
        match self {
            Self::UnavailableJson | Self::ApiError(_) => call.endpoint == Endpoint::Rest || is_transfer,
            Self::ForeignCode | Self::ForeignFormat | Self::BadByte | Self::ControlCharacter => {
                call.endpoint == Endpoint::Rest
            }
            Self::TokenRevoked => call.account.is_some(),
            Self::UploadError(_) => is_transfer,
            Self::TicketPending | Self::TicketInvalid => polls,
            Self::TicketFailed => polls || call.returns_ticket,
            Self::TooManyRequests
            | Self::EdgeError(_)
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

/// The calls that a fault matches. An absent member matches every call.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Matcher {
    /// A REST method; a trailing `*` makes it a prefix.
    method: Option<String>,
    /// A path, with or without its last slash; a trailing `*` makes it a prefix.
    path: Option<String>,
    /// The id of a user.
    account: Option<String>,
    /// A consumer key.
    key: Option<String>,
}

impl Matcher {
    fn matches(&self, call: &CallAttributes<'_>) -> bool {
        let without_slash = |path: &str| path.trim_end_matches('/').to_owned();
        matches_pattern(self.method.as_deref(), call.method)
            && matches_pattern(self.path.as_deref().map(without_slash).as_deref(), Some(&without_slash(call.path)))
            && matches_pattern(self.account.as_deref(), call.account)
            && matches_pattern(self.key.as_deref(), call.key)
    }
}

fn matches_pattern(wanted: Option<&str>, actual: Option<&str>) -> bool {
    match (wanted, actual) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(wanted), Some(actual)) => match wanted.strip_suffix('*') {
            Some(prefix) => actual.starts_with(prefix),
            None => actual == wanted,
        },
    }
}

/// The body of `POST /_fake/faults`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFault {
    #[serde(default, rename = "match")]
    matcher: Matcher,
    fault: String,
    /// The number of calls to affect. If absent, the fault stays until it is deleted.
    times: Option<u32>,
    #[serde(default)]
    delay_ms: u64,
    retry_after_seconds: Option<u32>,
}

/// An active fault and the number of calls that it still affects.
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

/// A fault that is injected into one call.
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
    /// Activates a fault and returns its id, or nothing if its name is unknown.
    pub(crate) fn add(&mut self, new: NewFault) -> Option<u64> {
        let (name, kind) = NAMES.iter().find(|(name, _)| *name == new.fault)?;
        self.last_id += 1;
        self.rules.push(Rule {
            id: self.last_id,
            matcher: new.matcher,
            fault: name,
            times_left: new.times,
            delay_ms: new.delay_ms,
            retry_after_seconds: new.retry_after_seconds,
            kind: *kind,
        });
        Some(self.last_id)
    }

    /// Returns the first fault that matches the call, and counts it down.
    pub(crate) fn take_matching(&mut self, call: &CallAttributes<'_>) -> Option<Fault> {
        let index = self
            .rules
            .iter()
            .position(|rule| rule.times_left != Some(0) && rule.kind.applies_to(call) && rule.matcher.matches(call))?;
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

    fn call<'a>(method: Option<&'a str>, account: Option<&'a str>) -> CallAttributes<'a> {
        CallAttributes {
            endpoint: Endpoint::Rest,
            path: "/services/rest/",
            method,
            account,
            key: Some("k"),
            returns_ticket: false,
        }
    }

    fn new_fault(value: serde_json::Value) -> NewFault {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_fault_affects_the_calls_it_matches_as_often_as_given() {
        let mut faults = Faults::default();
        let wanted =
            json!({"match": {"method": "flickr.photos.*", "path": "/services/rest"}, "fault": "503", "times": 2});
        faults.add(new_fault(wanted)).unwrap();
        assert!(faults.take_matching(&call(Some("flickr.people.getInfo"), None)).is_none());
        assert!(faults.take_matching(&call(None, None)).is_none());
        let injected = || Some(Kind::EdgeError(503));
        assert_eq!(faults.take_matching(&call(Some("flickr.photos.search"), None)).map(|fault| fault.kind), injected());
        assert_eq!(
            faults.take_matching(&call(Some("flickr.photos.getInfo"), None)).map(|fault| fault.kind),
            injected()
        );
        assert!(faults.take_matching(&call(Some("flickr.photos.search"), None)).is_none());
        assert!(faults.rules().is_empty());
    }

    #[test]
    fn a_fault_without_times_stays_and_one_that_does_not_apply_is_skipped() {
        let mut faults = Faults::default();
        faults.add(new_fault(json!({"fault": "upload_error_9"}))).unwrap();
        faults.add(new_fault(json!({"fault": "token_revoked", "match": {"account": "a"}}))).unwrap();
        assert!(faults.take_matching(&call(None, None)).is_none());
        for _ in 0..3 {
            assert_eq!(faults.take_matching(&call(None, Some("a"))).unwrap().kind, Kind::TokenRevoked);
        }
        assert_eq!(faults.clear(), 2);
    }

    #[test]
    fn an_unknown_name_is_refused() {
        assert!(Faults::default().add(new_fault(json!({"fault": "meteorite"}))).is_none());
    }
}

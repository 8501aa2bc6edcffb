//! Faults that a test injects: their kinds, the calls that each matches, and how often.

mod kind;
mod matcher;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::kind::NAMES;
pub(crate) use self::kind::{CallAttributes, Kind, names};
use self::matcher::Matcher;

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
    /// The bytes of the file that are read before the fault strikes.
    after_bytes: Option<u64>,
    /// The polls that report the ticket as pending before the fault strikes.
    after_polls: Option<u32>,
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
    after_bytes: Option<u64>,
    after_polls: Option<u32>,
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
    pub after_bytes: Option<u64>,
    pub after_polls: Option<u32>,
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
            after_bytes: new.after_bytes,
            after_polls: new.after_polls,
            kind: *kind,
        });
        Some(self.last_id)
    }

    /// Returns the first fault that matches the call and does not strike in its body, and counts it down.
    pub(crate) fn take_matching(&mut self, call: &CallAttributes<'_>) -> Option<Fault> {
        self.take(call, |kind| !kind.strikes_in_body())
    }

    /// Returns the first fault that matches the call and strikes in its body, and counts it down.
    pub(crate) fn take_matching_in_body(&mut self, call: &CallAttributes<'_>) -> Option<Fault> {
        self.take(call, Kind::strikes_in_body)
    }

    fn take(&mut self, call: &CallAttributes<'_>, is_wanted: impl Fn(Kind) -> bool) -> Option<Fault> {
        let matches = |rule: &Rule| {
            rule.times_left != Some(0)
                && is_wanted(rule.kind)
                && rule.kind.applies_to(call)
                && rule.matcher.matches(call)
        };
        let index = self.rules.iter().position(matches)?;
        let rule = &mut self.rules[index];
        let fault = Fault {
            name: rule.fault,
            kind: rule.kind,
            delay: Duration::from_millis(rule.delay_ms),
            retry_after_seconds: rule.retry_after_seconds,
            after_bytes: rule.after_bytes,
            after_polls: rule.after_polls,
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
    use crate::request::Endpoint;

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
    fn a_fault_in_the_body_and_one_of_the_answer_are_taken_apart() {
        let mut faults = Faults::default();
        faults.add(new_fault(json!({"fault": "502", "times": 1}))).unwrap();
        faults.add(new_fault(json!({"fault": "stall", "times": 1, "after_bytes": 7}))).unwrap();
        let upload = CallAttributes { endpoint: Endpoint::Upload, ..call(None, None) };
        assert!(faults.take_matching_in_body(&call(None, None)).is_none(), "no upload");
        let stall = faults.take_matching_in_body(&upload).unwrap();
        assert_eq!((stall.kind, stall.after_bytes), (Kind::Stall, Some(7)));
        assert!(faults.take_matching_in_body(&upload).is_none());
        assert_eq!(faults.take_matching(&upload).unwrap().kind, Kind::EdgeError(502));
    }

    #[test]
    fn an_upload_error_affects_the_endpoints_that_have_it() {
        let mut faults = Faults::default();
        for (code, endpoint, expected) in [
            (1, Endpoint::Upload, false),
            (1, Endpoint::Replace, true),
            (8, Endpoint::Upload, true),
            (8, Endpoint::Replace, true),
            (9, Endpoint::Replace, false),
            (93, Endpoint::Upload, true),
            (3, Endpoint::Rest, false),
        ] {
            faults.add(new_fault(json!({"fault": format!("upload_error_{code}")}))).unwrap();
            let affected = faults.take_matching(&CallAttributes { endpoint, ..call(None, None) }).is_some();
            assert_eq!(affected, expected, "{code} {endpoint:?}");
            faults.clear();
        }
    }

    #[test]
    fn an_unknown_name_is_refused() {
        assert!(Faults::default().add(new_fault(json!({"fault": "meteorite"}))).is_none());
    }
}

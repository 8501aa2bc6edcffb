//! The headers that say how a limit stands (IETF draft-ietf-httpapi-ratelimit-headers-11).

use std::time::Duration;

use domain::{
    Timestamp,
    budget::{BudgetStatus, Limit},
    tenant::ViolatedQuota,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// How a limit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// The policy's name: letters, digits and `-`.
    pub policy: &'static str,
    /// How much is allowed in a window.
    pub quota: u32,
    pub window: Duration,
    /// How much is left now.
    pub remaining: u32,
    /// How long until all that can be left at once is there again.
    pub reset: Duration,
}

impl RateLimit {
    /// How the budget of a Flickr app's calls stands `now`.
    pub fn of(limit: &Limit, status: &BudgetStatus, now: Timestamp) -> Self {
        let full_at = status.open_until.map_or(status.full_at, |open| open.max(status.full_at));
        Self {
            policy: "flickr-app",
            quota: limit.calls_per_hour,
            window: Duration::from_secs(3_600),
            remaining: status.remaining_calls,
            reset: full_at.since(now),
        }
    }

    /// How a quota of jobs stands that is used up until its next window.
    pub fn used_up(quota: ViolatedQuota, reset: Duration) -> Self {
        let ViolatedQuota { window, jobs } = quota;
        Self { policy: window.policy(), quota: jobs, window: window.length(), remaining: 0, reset }
    }

    /// Puts `RateLimit-Policy` and `RateLimit` into `headers`; seconds are rounded up.
    pub fn insert(&self, headers: &mut HeaderMap) {
        let Self { policy, quota, window, remaining, reset } = self;
        let fields = [
            ("ratelimit-policy", format!(r#""{policy}";q={quota};w={}"#, seconds(*window))),
            ("ratelimit", format!(r#""{policy}";r={remaining};t={}"#, seconds(*reset))),
        ];
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

fn seconds(length: Duration) -> u64 {
    length.as_secs() + u64::from(length.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_are_structured_fields_in_whole_seconds() {
        let mut headers = HeaderMap::new();
        let limit = RateLimit {
            policy: "flickr-app",
            quota: 3330,
            window: Duration::from_secs(3600),
            remaining: 149,
            reset: Duration::from_millis(1082),
        };
        limit.insert(&mut headers);
        assert_eq!(headers["ratelimit-policy"], r#""flickr-app";q=3330;w=3600"#);
        assert_eq!(headers["ratelimit"], r#""flickr-app";r=149;t=2"#);
        RateLimit { remaining: 150, reset: Duration::ZERO, ..limit }.insert(&mut headers);
        assert_eq!((&headers["ratelimit"], headers.len()), (&HeaderValue::from_static(r#""flickr-app";r=150;t=0"#), 2));
    }
}

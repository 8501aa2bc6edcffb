//! Which calls a fault matches.

use serde::{Deserialize, Serialize};

use super::kind::CallAttributes;

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
    pub(super) fn matches(&self, call: &CallAttributes<'_>) -> bool {
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

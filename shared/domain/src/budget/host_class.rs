//! The kinds of Flickr's hosts.

use serde::{Deserialize, Serialize};

use super::limiter::Limit;

/// What a host of Flickr is for: trouble with one does not stop the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostClass {
    /// The REST API.
    Rest,
    /// Upload and replace.
    Upload,
    /// The steps of the login.
    Oauth,
}

impl HostClass {
    /// All of them.
    pub const ALL: [HostClass; 3] = [HostClass::Rest, HostClass::Upload, HostClass::Oauth];

    /// Those that jobs call: each job is for one of them.
    pub const OF_JOBS: [HostClass; 2] = [HostClass::Rest, HostClass::Upload];

    /// The part of an app's limit that calls to these hosts may use; `None` means all of it. Logins
    /// leave four fifths to jobs, and uploads, which are slow, a half.
    pub fn part(self, limit: &Limit) -> Option<Limit> {
        match self {
            HostClass::Rest => None,
            HostClass::Upload => Some(limit.part(2)),
            HostClass::Oauth => Some(limit.part(5)),
        }
    }
}

//! What all work of one kind has in common: its queue, its hosts, its retries, its time limits.
//!
//! A kind of work is a row of this table, and nothing else depends on which kind a job is.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::retry::RetryPolicy;
use crate::{budget::HostClass, timing::Timing};

/// What kind of work a job is, and so which queue and worker it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// One call of Flickr's REST API.
    #[default]
    Rest,
    /// A new photo or video.
    Upload,
    /// A new file of an existing photo.
    Replace,
}

/// What all jobs of a target have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetProfile {
    /// As the API and the settings write it, in lower case.
    pub name: &'static str,
    /// The hosts that its calls go to: their circuit and their part of the budget.
    pub host_class: HostClass,
    /// How often and how far apart it is tried, where the settings say nothing else.
    pub retry: RetryPolicy,
    /// The time limits of its jobs, its messages and its workers.
    pub timing: Timing,
}

const REST: TargetProfile =
    TargetProfile { name: "rest", host_class: HostClass::Rest, retry: RetryPolicy::REST, timing: Timing::REST };

const UPLOAD: TargetProfile =
    TargetProfile { name: "upload", host_class: HostClass::Upload, retry: RetryPolicy::FILE, timing: Timing::FILE };

const REPLACE: TargetProfile = TargetProfile { name: "replace", ..UPLOAD };

impl Target {
    /// All targets.
    pub const ALL: [Target; 3] = [Target::Rest, Target::Upload, Target::Replace];

    /// Its row of the table.
    pub const fn profile(self) -> &'static TargetProfile {
        match self {
            Target::Rest => &REST,
            Target::Upload => &UPLOAD,
            Target::Replace => &REPLACE,
        }
    }

    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        self.profile().name
    }

    /// The hosts that its calls go to.
    pub const fn host_class(self) -> HostClass {
        self.profile().host_class
    }

    /// The time limits of its jobs.
    pub const fn timing(self) -> &'static Timing {
        &self.profile().timing
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One value for each target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerTarget<T>([T; Target::ALL.len()]);

impl<T> PerTarget<T> {
    /// The value that `of` gives for each target.
    pub fn new(of: impl FnMut(Target) -> T) -> Self {
        Self(Target::ALL.map(of))
    }

    /// The value for `target`.
    pub fn get(&self, target: Target) -> &T {
        &self.0[target as usize]
    }

    /// Each target's value.
    pub fn iter(&self) -> impl Iterator<Item = (Target, &T)> {
        Target::ALL.into_iter().zip(&self.0)
    }
}

/// How jobs are retried by default.
impl Default for PerTarget<RetryPolicy> {
    fn default() -> Self {
        Self::new(|target| target.profile().retry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_calls_hosts_of_jobs() {
        assert!(Target::ALL.iter().all(|target| HostClass::OF_JOBS.contains(&target.host_class())));
    }

    #[test]
    fn each_target_has_its_value_and_its_name() {
        let names = PerTarget::new(Target::as_str);
        for target in Target::ALL {
            assert_eq!(*names.get(target), target.as_str());
            assert_eq!(serde_json::to_value(target).unwrap(), target.as_str());
        }
        assert_eq!(names.iter().count(), Target::ALL.len());
    }
}

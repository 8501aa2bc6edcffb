//! What of a budget changes seldom.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{circuit::Circuit, host_class::HostClass, stop::AppStop};
use crate::Timestamp;

/// What of a budget changes seldom: every change of it has the next version, and every other change holds for one
/// version alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Control {
    /// How often it was changed.
    #[serde(skip)]
    pub version: u64,
    /// The learned rate, in thousandths of the configured one; none means all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rate_per_mille: Option<u32>,
    /// When the learned rate was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) learned_at: Option<Timestamp>,
    /// The circuits of host classes that are not simply closed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) circuits: BTreeMap<HostClass, Circuit>,
    /// Whether Flickr refuses the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stop: Option<AppStop>,
}

impl Control {
    /// A control that was stored apart from its version.
    #[must_use]
    pub fn of_version(self, version: u64) -> Self {
        Self { version, ..self }
    }

    /// The next version of it.
    pub(super) fn next(self) -> Self {
        Self { version: self.version + 1, ..self }
    }
}

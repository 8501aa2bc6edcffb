//! The circuit of a host class: closed, open for a while, or half open for one probe.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Jitter, Timestamp};

/// So many refusals within [`WITHIN`] open the circuit.
const REFUSALS: usize = 3;

/// So many failures within [`WITHIN`] open it too, if they are at least half of the calls.
const FAILURES: usize = 20;

/// Strikes older than this are forgotten.
pub(super) const WITHIN: Duration = Duration::from_secs(60);

/// How long it is open the first time; each time in a row twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(5 * 60);

/// The longest it is open at once.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// How long a probe has, before another is let through.
const PROBE_LIFETIME: Duration = Duration::from_secs(60);

/// What became of a call, as far as it tells of Flickr's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Flickr did or refused what was asked: it is there.
    Succeeded,
    /// Flickr failed or did not answer.
    Failed,
    /// Flickr answered that calls came too fast.
    Throttled,
}

/// A circuit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Circuit {
    /// Until when it is open, if it was opened and not closed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open_until: Option<Timestamp>,
    /// Until when the probe has time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probe_until: Option<Timestamp>,
    /// How often in a row it was opened.
    #[serde(default, skip_serializing_if = "is_zero")]
    opened: u32,
    /// The refusals of late.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refusals: Vec<Timestamp>,
    /// The failures of late, since the last success that was written down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failures: Vec<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// How a circuit stands at some time.
pub(super) enum CircuitState {
    /// Calls go through.
    Closed,
    /// One call goes through as a probe: the circuit after it was granted.
    HalfOpen(Circuit),
    /// No call goes through before then.
    Open(Timestamp),
}

impl Circuit {
    pub(super) fn state(&self, now: Timestamp) -> CircuitState {
        match (self.open_until, self.probe_until) {
            (None, _) => CircuitState::Closed,
            (Some(open), _) if open > now => CircuitState::Open(open),
            (Some(_), Some(probe)) if probe > now => CircuitState::Open(probe),
            (Some(_), _) => CircuitState::HalfOpen(Self { probe_until: Some(now + PROBE_LIFETIME), ..self.clone() }),
        }
    }

    /// The circuit after a signal; `granted` calls were granted of late.
    pub(super) fn record(&self, signal: Signal, granted: u32, jitter: Jitter, now: Timestamp) -> Self {
        let of_late = |strikes: &[Timestamp]| -> Vec<Timestamp> {
            strikes.iter().copied().filter(|at| now.since(*at) < WITHIN).collect()
        };
        let mut after = Self { refusals: of_late(&self.refusals), failures: of_late(&self.failures), ..self.clone() };
        let half_open = self.open_until.is_some_and(|until| until <= now);
        match signal {
            // A call that began before the circuit opened says nothing of now.
            Signal::Succeeded if self.open_until.is_some() && !half_open => return self.clone(),
            Signal::Succeeded if half_open => return Self::default(),
            // Refusals stand though others got through: Flickr counts all calls of a key.
            Signal::Succeeded => return Self { failures: Vec::new(), ..self.clone() },
            Signal::Throttled => after.refusals.push(now),
            Signal::Failed => after.failures.push(now),
        }
        let most_fail = after.failures.len() >= FAILURES && after.failures.len() * 2 >= granted as usize;
        let struck = after.refusals.len() >= REFUSALS || most_fail;
        if half_open || (self.open_until.is_none() && struck) {
            after.open(jitter, now);
        }
        after
    }

    /// Opens, for twice as long each time in a row, and up to half as long again, so that many
    /// users do not come back together.
    fn open(&mut self, jitter: Jitter, now: Timestamp) {
        let wait = FIRST_WAIT.saturating_mul(1 << self.opened.min(8)).min(LONGEST_WAIT);
        *self = Self {
            open_until: Some(now + wait + jitter.of(wait / 2)),
            probe_until: None,
            opened: self.opened.saturating_add(1),
            refusals: Vec::new(),
            failures: Vec::new(),
        };
    }
}

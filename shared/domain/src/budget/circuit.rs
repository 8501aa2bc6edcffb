//! A circuit: closed, open for a while, or half open for one probe.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{AccountRef, Jitter, TenantId, Timestamp, id::last_digits};

/// When a circuit opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CircuitRule {
    /// So many refusals within [`WITHIN`] open it; `None` means that refusals do not.
    refusals: Option<usize>,
    /// So many failures within [`WITHIN`] open it, if no call succeeds in between.
    failures: usize,
    /// So many failures of one party count.
    failures_of_one: usize,
    /// How long it is open the first time; each time in a row twice as long.
    first_wait: Duration,
    /// The longest it is open at once.
    longest_wait: Duration,
}

impl CircuitRule {
    /// Of the hosts that an app calls: its circuit stops everybody. Whoever fails alone, fails by what it asks for, and
    /// opens no circuit but its own.
    pub const APP: CircuitRule = CircuitRule {
        refusals: Some(3),
        failures: 20,
        failures_of_one: 3,
        first_wait: Duration::from_secs(5 * 60),
        longest_wait: Duration::from_secs(60 * 60),
    };

    /// Of one account: its circuit stops its jobs alone.
    pub const ACCOUNT: CircuitRule = CircuitRule {
        refusals: None,
        failures: 6,
        failures_of_one: 6,
        first_wait: Duration::from_secs(60),
        longest_wait: Duration::from_secs(15 * 60),
    };

    /// A rule by failures alone.
    pub(super) const fn of_failures(
        failures: usize,
        failures_of_one: usize,
        first_wait: Duration,
        longest_wait: Duration,
    ) -> Self {
        Self { refusals: None, failures, failures_of_one, first_wait, longest_wait }
    }
}

/// Strikes older than this are forgotten.
const WITHIN: Duration = Duration::from_secs(60);

/// How long a probe has, before another is let through.
const PROBE_LIFETIME: Duration = Duration::from_secs(60);

/// What became of a call, as far as it tells of Flickr's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// Flickr did or refused what was asked: it is there.
    Succeeded,
    /// Flickr failed this party, or did not answer it.
    Failed(Party),
    /// Flickr answered that calls came too fast.
    Throttled,
    /// Flickr refused the app's key, for this party, and said why.
    KeyRefused(Party, String),
    /// Flickr found the signature wrong, for this party, and said so.
    SignatureRefused(Party, String),
}

/// For whom a call is made, as far as a circuit tells them apart: two of them may, by chance, be taken for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Party(u32);

impl Party {
    /// An account, whose job calls.
    pub fn account(account: &AccountRef) -> Self {
        Self(last_digits(account.user.as_str(), 8))
    }

    /// A tenant, who connects an account.
    pub fn tenant(tenant: &TenantId) -> Self {
        Self(last_digits(tenant.as_str(), 8))
    }
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
    failures: Vec<(Timestamp, Party)>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// How a circuit stands at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CircuitState {
    /// Calls go through.
    Closed,
    /// One call goes through as a probe: the circuit after it was granted.
    HalfOpen(Circuit),
    /// No call goes through before then.
    Open(Timestamp),
}

impl Circuit {
    /// How it stands.
    pub fn state(&self, now: Timestamp) -> CircuitState {
        match (self.open_until, self.probe_until) {
            (None, _) => CircuitState::Closed,
            (Some(open), _) if open > now => CircuitState::Open(open),
            (Some(_), Some(probe)) if probe > now => CircuitState::Open(probe),
            (Some(_), _) => CircuitState::HalfOpen(Self { probe_until: Some(now + PROBE_LIFETIME), ..self.clone() }),
        }
    }

    /// The circuit after a signal.
    #[must_use]
    pub fn record(&self, signal: &Signal, rule: &CircuitRule, jitter: Jitter, now: Timestamp) -> Self {
        let is_of_late = |at: Timestamp| now.since(at) < WITHIN;
        let half_open = self.open_until.is_some_and(|until| until <= now);
        // A call that began before the circuit opened says nothing of now.
        if self.open_until.is_some() && !half_open {
            return self.clone();
        }
        match signal {
            // Whatever Flickr says of the app, it is there.
            Signal::Succeeded | Signal::KeyRefused(..) | Signal::SignatureRefused(..) if half_open => {
                return Self::default();
            }
            // Refusals stand though others got through: Flickr counts all calls of a key.
            Signal::Succeeded | Signal::KeyRefused(..) | Signal::SignatureRefused(..) => {
                return Self { failures: Vec::new(), ..self.clone() };
            }
            Signal::Throttled if rule.refusals.is_none() => return self.clone(),
            Signal::Throttled | Signal::Failed(_) => {}
        }
        let mut after = self.clone();
        after.refusals.retain(|at| is_of_late(*at));
        after.failures.retain(|(at, _)| is_of_late(*at));
        match signal {
            Signal::Failed(by) => {
                let of_party = after.failures.iter().filter(|(_, party)| party == by).count();
                // An open circuit is told of the probe's failure, whoever made it.
                if of_party >= rule.failures_of_one && !half_open {
                    return self.clone();
                }
                after.failures.push((now, *by));
            }
            _ => after.refusals.push(now),
        }
        let refused = rule.refusals.is_some_and(|most| after.refusals.len() >= most);
        let struck = refused || after.failures.len() >= rule.failures;
        if half_open || struck {
            after.open(rule, jitter, now);
        }
        after
    }

    /// Opens, for twice as long each time in a row, and up to half as long again, so that many
    /// users do not come back together.
    fn open(&mut self, rule: &CircuitRule, jitter: Jitter, now: Timestamp) {
        let wait = rule.first_wait.saturating_mul(1 << self.opened.min(8)).min(rule.longest_wait);
        *self = Self {
            open_until: Some(now + wait + jitter.of(wait / 2)),
            probe_until: None,
            opened: self.opened.saturating_add(1),
            refusals: Vec::new(),
            failures: Vec::new(),
        };
    }
}

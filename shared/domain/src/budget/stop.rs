//! The stop of an app: Flickr refuses its key or its signatures, whoever calls and whatever for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::circuit::{Circuit, CircuitRule, CircuitState, Signal};
use crate::{Jitter, Timestamp};

/// The longest message of Flickr that is kept with a stop, in characters.
const MAX_MESSAGE_CHARACTERS: usize = 200;

/// Flickr refused the app's key: nobody's request can have caused that, and the first refusal stops the app. The wait
/// doubles to an hour, since a key is seldom restored sooner.
const KEY: CircuitRule = CircuitRule::stop(1);

/// Flickr found signatures wrong, which one account's request may cause, and the app's secret causes for all: three
/// accounts in a row stop the app.
const SIGNATURE: CircuitRule = CircuitRule::stop(3);

/// What is known of Flickr's refusals of an app: a circuit that its calls share, those of logins apart. A login tells
/// that the app works again, and is asked for by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppStop {
    circuit: Circuit,
    /// When the app was stopped, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// What Flickr said last.
    message: String,
}

impl AppStop {
    /// When the app was stopped and what Flickr said last; `None` while it is not.
    pub fn stopped(&self) -> Option<StoppedApp> {
        self.since.map(|since| StoppedApp { since, message: self.message.clone() })
    }

    pub(super) fn state(&self, now: Timestamp) -> CircuitState {
        self.circuit.state(now)
    }

    /// The stop with its circuit as it is after a probe was let through.
    pub(super) fn probing(&self, circuit: Circuit) -> Self {
        Self { circuit, ..self.clone() }
    }

    /// What becomes of `stop` after a call, `is_login` if it was one of a login; `None` when nothing speaks against the
    /// app.
    pub(super) fn record(
        stop: Option<&Self>,
        signal: &Signal,
        is_login: bool,
        jitter: Jitter,
        now: Timestamp,
    ) -> Option<Self> {
        let (rule, party, message) = match signal {
            // A login may name an app that never worked.
            Signal::KeyRefused(..) | Signal::SignatureRefused(..) if is_login => return stop.cloned(),
            Signal::KeyRefused(party, message) => (&KEY, *party, message),
            Signal::SignatureRefused(party, message) => (&SIGNATURE, *party, message),
            Signal::Succeeded => {
                let stop = stop?;
                let circuit = stop.circuit.record(signal, &KEY, jitter, now);
                let works = is_login || circuit == Circuit::default();
                return (!works).then(|| stop.probing(circuit));
            }
            Signal::Failed(_) | Signal::Throttled => return stop.cloned(),
        };
        let before = stop.map(|stop| stop.circuit.clone()).unwrap_or_default();
        let circuit = before.record(&Signal::Failed(party), rule, jitter, now);
        let is_open = !matches!(circuit.state(now), CircuitState::Closed);
        Some(Self {
            circuit,
            since: stop.and_then(|stop| stop.since).or(is_open.then_some(now)),
            message: message.chars().take(MAX_MESSAGE_CHARACTERS).collect(),
        })
    }
}

/// Flickr refuses an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoppedApp {
    pub since: Timestamp,
    /// What Flickr said last. Free of secrets.
    pub message: String,
}

impl CircuitRule {
    /// Of an app's stop, which so many accounts bring about.
    const fn stop(accounts: usize) -> Self {
        Self::of_failures(accounts, 1, Duration::from_secs(5 * 60), Duration::from_secs(60 * 60))
    }
}

#[cfg(test)]
mod tests;

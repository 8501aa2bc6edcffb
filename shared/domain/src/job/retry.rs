//! What a worker does after an attempt.

use std::time::Duration;

use super::{Failure, FailureCode};
use crate::{
    Timestamp,
    outcome::{Class, Nature, Outcome},
    timing,
};

/// How often and how far apart attempts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The most attempts a job gets.
    pub attempts: u32,
    /// The longest wait after the first attempt; it doubles with each.
    pub base: Duration,
    /// The longest wait of all.
    pub cap: Duration,
    /// The wait after Flickr answered that calls came too fast, at least.
    pub throttled: Duration,
    /// The wait while an app's key is refused.
    pub app_stopped: Duration,
}

impl Policy {
    /// Reads and writes of the REST API.
    pub const REST: Policy = Policy {
        attempts: 4,
        base: Duration::from_secs(4),
        cap: Duration::from_secs(300),
        throttled: Duration::from_secs(60),
        app_stopped: Duration::from_secs(15 * 60),
    };
}

/// A random number, evenly spread from 0 up to but not including 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Random(f64);

impl Random {
    /// The number made of 32 random bits.
    pub fn from_bits(bits: u32) -> Self {
        Self(f64::from(bits) / (f64::from(u32::MAX) + 1.0))
    }

    fn of(self, length: Duration) -> Duration {
        length.mul_f64(self.0)
    }
}

/// What a worker does after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Ends the job with Flickr's answer.
    Complete,
    /// Ends the job.
    Fail(Failure),
    /// Ends the job; a person may replay it.
    Bury(Failure),
    /// Finds out first whether the write took effect.
    Verify {
        /// When to look.
        due_at: Timestamp,
    },
    /// Puts the job off.
    Defer {
        /// Until when.
        due_at: Timestamp,
        /// Whether the claim counts as an attempt.
        attempted: bool,
    },
}

/// An attempt at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Whether the call may be repeated.
    pub nature: Nature,
    /// Whether it can be found out if the call took effect.
    pub checkable: bool,
    /// Its number, from 1.
    pub number: u32,
    /// When the job expires.
    pub deadline: Timestamp,
}

/// What follows from `outcome` of an attempt.
///
/// A job is never put off beyond its deadline, so that it expires in time.
pub fn next(outcome: &Outcome, attempt: &Attempt, policy: &Policy, random: Random, now: Timestamp) -> Next {
    let Attempt { nature, checkable, number, deadline } = *attempt;
    let failure = |code| Failure { code, message: outcome.message.clone(), flickr_code: outcome.flickr_code };
    let fail = |code| Next::Fail(failure(code));
    let wait = |length: Duration, attempted| Next::Defer { due_at: (now + length).min(deadline), attempted };
    let again = |exhausted| {
        let length = back_off(policy, number, random).max(asked(outcome));
        if number < policy.attempts { wait(length, true) } else { exhausted }
    };
    let verify = |otherwise| {
        if checkable { Next::Verify { due_at: now + timing::VERIFICATION_INTERVAL } } else { otherwise }
    };
    match (outcome.class, nature) {
        (Class::Done, _) => Next::Complete,
        (Class::Permanent, _) => fail(FailureCode::FlickrRejected),
        (Class::Quota, _) => fail(FailureCode::QuotaExceeded),
        (Class::Account, _) => fail(FailureCode::ReconnectNeeded),
        (Class::App, _) => wait(policy.app_stopped, false),
        (Class::Throttled, _) => wait(throttled_wait(policy, asked(outcome), random), false),
        (Class::Clock | Class::Transient, _) | (Class::UnknownOutcome, Nature::Read) => {
            again(Next::Bury(failure(FailureCode::AttemptsExhausted)))
        }
        (Class::UnknownOutcome, Nature::NaturalWrite) => {
            again(verify(Next::Bury(failure(FailureCode::OutcomeUnknown))))
        }
        (Class::UnknownOutcome, Nature::UnrepeatableWrite) => verify(fail(FailureCode::OutcomeUnknown)),
    }
}

/// Exponential back-off with full jitter, and at least a second.
fn back_off(policy: &Policy, attempts: u32, random: Random) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    let longest = policy.base.saturating_mul(1 << doublings).min(policy.cap);
    random.of(longest).max(Duration::from_secs(1))
}

/// The wait that Flickr asked for, if it is sane.
fn asked(outcome: &Outcome) -> Duration {
    const LONGEST_SANE: Duration = Duration::from_secs(3600);
    outcome.retry_after.filter(|length| *length <= LONGEST_SANE).unwrap_or_default()
}

/// What Flickr asked for, or the policy's wait; up to half as long again, so that the jobs it hit do
/// not come back together.
fn throttled_wait(policy: &Policy, asked: Duration, random: Random) -> Duration {
    let least = asked.max(policy.throttled);
    least + random.of(least / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_milliseconds(1_000_000);
    const FAR: Timestamp = Timestamp::from_milliseconds(i64::MAX);

    fn after(class: Class, nature: Nature, number: u32) -> Next {
        let attempt = Attempt { nature, checkable: false, number, deadline: FAR };
        next(&Outcome::new(class, "m"), &attempt, &Policy::REST, Random::from_bits(u32::MAX), NOW)
    }

    fn ended(next: &Next) -> Option<FailureCode> {
        match next {
            Next::Fail(failure) | Next::Bury(failure) => Some(failure.code),
            Next::Complete | Next::Defer { .. } | Next::Verify { .. } => None,
        }
    }

    #[test]
    fn each_class_has_its_consequence() {
        use Nature::{NaturalWrite, Read, UnrepeatableWrite};
        let last = Policy::REST.attempts;
        let table = [
            (Class::Permanent, Read, 1, Some(FailureCode::FlickrRejected)),
            (Class::Quota, UnrepeatableWrite, 1, Some(FailureCode::QuotaExceeded)),
            (Class::Account, Read, 1, Some(FailureCode::ReconnectNeeded)),
            (Class::Transient, Read, 1, None),
            (Class::Transient, Read, last, Some(FailureCode::AttemptsExhausted)),
            (Class::Transient, UnrepeatableWrite, 1, None),
            (Class::Clock, UnrepeatableWrite, 1, None),
            (Class::UnknownOutcome, NaturalWrite, 1, None),
            (Class::UnknownOutcome, NaturalWrite, last, Some(FailureCode::OutcomeUnknown)),
            (Class::UnknownOutcome, UnrepeatableWrite, 1, Some(FailureCode::OutcomeUnknown)),
            (Class::Throttled, Read, last + 9, None),
            (Class::App, Read, last + 9, None),
        ];
        for (class, nature, attempts, code) in table {
            assert_eq!(ended(&after(class, nature, attempts)), code, "{class:?} {nature:?} {attempts}");
        }
        assert_eq!(after(Class::Done, Read, 1), Next::Complete);
        assert!(matches!(after(Class::Transient, Read, last), Next::Bury(_)), "what is exhausted can be replayed");
    }

    #[test]
    fn a_write_that_can_be_checked_is_checked_before_it_is_given_up() {
        let after = |nature, number| {
            let attempt = Attempt { nature, checkable: true, number, deadline: FAR };
            next(&Outcome::new(Class::UnknownOutcome, "m"), &attempt, &Policy::REST, Random::from_bits(0), NOW)
        };
        assert!(matches!(after(Nature::UnrepeatableWrite, 1), Next::Verify { .. }));
        assert!(matches!(after(Nature::NaturalWrite, 1), Next::Defer { attempted: true, .. }));
        assert!(matches!(after(Nature::NaturalWrite, Policy::REST.attempts), Next::Verify { .. }));
    }

    #[test]
    fn a_sane_wait_is_honoured_and_being_throttled_is_no_attempt() {
        let wait = |class, seconds| {
            let outcome = Outcome { retry_after: Some(Duration::from_secs(seconds)), ..Outcome::new(class, "m") };
            let attempt = Attempt { nature: Nature::Read, checkable: false, number: 1, deadline: FAR };
            match next(&outcome, &attempt, &Policy::REST, Random::from_bits(0), NOW) {
                Next::Defer { due_at, attempted } => (due_at.since(NOW).as_secs(), attempted),
                other => panic!("{other:?}"),
            }
        };
        for (asked, least) in [(0, 60), (120, 120), (3600, 3600), (1_000_000, 60)] {
            assert_eq!(wait(Class::Throttled, asked), (least, false));
        }
        for (asked, least) in [(0, 1), (120, 120), (1_000_000, 1)] {
            assert_eq!(wait(Class::Transient, asked), (least, true));
        }
    }

    proptest! {
        #[test]
        fn back_off_stays_between_a_second_and_its_cap(attempts in 1u32..1000, bits: u32) {
            let length = back_off(&Policy::REST, attempts, Random::from_bits(bits));
            prop_assert!(length >= Duration::from_secs(1));
            prop_assert!(length <= Policy::REST.cap);
        }

        #[test]
        fn no_job_is_put_off_beyond_its_deadline(number in 1u32..4, bits: u32, left in 0u64..100_000) {
            let deadline = NOW + Duration::from_millis(left);
            let attempt = Attempt { nature: Nature::Read, checkable: false, number, deadline };
            for class in [Class::Transient, Class::Throttled, Class::App, Class::Clock] {
                let outcome = Outcome::new(class, "m");
                let next = next(&outcome, &attempt, &Policy::REST, Random::from_bits(bits), NOW);
                if let Next::Defer { due_at, .. } = next {
                    prop_assert!(due_at <= deadline);
                }
            }
        }
    }
}

//! Retries: what a worker does after an attempt.

use std::time::Duration;

use super::{
    failure::{Failure, FailureCode},
    wait::WaitReason,
};
use crate::{
    Jitter, Timestamp,
    idempotency::Idempotency,
    outcome::{Class, Outcome},
    timing,
    verification::Verification,
};

/// How often and how far apart attempts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
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

impl RetryPolicy {
    /// Reads and writes of the REST API.
    pub const REST: RetryPolicy = RetryPolicy {
        attempts: 4,
        base: Duration::from_secs(4),
        cap: Duration::from_secs(300),
        throttled: Duration::from_secs(60),
        app_stopped: Duration::from_secs(15 * 60),
    };

    /// Uploads and replaces, whose attempts are dear.
    pub const FILE: RetryPolicy = RetryPolicy { base: Duration::from_secs(30), ..Self::REST };
}

/// What a worker does after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Ends the job with Flickr's answer.
    Complete,
    /// Ends the job.
    Fail(Failure),
    /// Ends the job; a person may replay it.
    GiveUp(Failure),
    /// Finds out first whether the write took effect.
    Verify {
        /// When to verify.
        due_at: Timestamp,
    },
    /// Puts the job off.
    Defer {
        /// Until when.
        due_at: Timestamp,
        /// Why.
        reason: WaitReason,
        /// Whether the claim counts as an attempt.
        attempted: bool,
    },
}

/// An attempt at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Whether the call may be repeated.
    pub idempotency: Idempotency,
    /// How to find out whether the call took effect, where that can be found out.
    pub verification: Option<Verification>,
    /// Its number, from 1.
    pub number: u32,
    /// When the job expires.
    pub deadline: Timestamp,
}

/// What follows from `outcome` of an attempt.
///
/// A job is never put off beyond its deadline, so that it expires in time.
pub fn next(outcome: &Outcome, attempt: &Attempt, policy: &RetryPolicy, jitter: Jitter, now: Timestamp) -> Next {
    let Attempt { idempotency, verification, number, deadline } = *attempt;
    let failure = |code| Failure { code, message: outcome.message.clone(), flickr_code: outcome.flickr_code };
    let fail = |code| Next::Fail(failure(code));
    let message = || outcome.message.clone();
    let wait =
        |length: Duration, reason, attempted| Next::Defer { due_at: (now + length).min(deadline), reason, attempted };
    let again = |exhausted| {
        let length = back_off(policy, number, jitter).max(asked(outcome));
        let reason = WaitReason::BackOff { message: message(), flickr_code: outcome.flickr_code };
        if number < policy.attempts { wait(length, reason, true) } else { exhausted }
    };
    let verify = |otherwise| match verification {
        Some(_) => Next::Verify { due_at: now + timing::VERIFICATION_INTERVAL },
        None => otherwise,
    };
    match (outcome.class, idempotency) {
        (Class::Done, _) => Next::Complete,
        (Class::Permanent, _) => fail(FailureCode::FlickrRejected),
        (Class::TooSlow, _) => fail(FailureCode::TooSlow),
        (Class::Quota, _) => fail(FailureCode::QuotaExceeded),
        (Class::Account, _) => fail(FailureCode::ReconnectNeeded),
        (Class::App | Class::Signature, _) => {
            wait(policy.app_stopped, WaitReason::AppStopped { message: message() }, false)
        }
        (Class::Throttled, _) => {
            let length = throttled_wait(policy, asked(outcome), jitter);
            wait(length, WaitReason::Throttled { message: message() }, false)
        }
        (Class::Clock | Class::Transient, _) | (Class::UnknownOutcome, Idempotency::Safe) => {
            again(Next::GiveUp(failure(FailureCode::AttemptsExhausted)))
        }
        (Class::UnknownOutcome, Idempotency::Idempotent) => {
            again(verify(Next::GiveUp(failure(FailureCode::OutcomeUnknown))))
        }
        (Class::UnknownOutcome, Idempotency::NonIdempotent) => verify(fail(FailureCode::OutcomeUnknown)),
    }
}

/// Exponential back-off with full jitter, and at least a second.
fn back_off(policy: &RetryPolicy, attempts: u32, jitter: Jitter) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    let longest = policy.base.saturating_mul(1 << doublings).min(policy.cap);
    jitter.of(longest).max(Duration::from_secs(1))
}

/// The wait that Flickr asked for, if it is sane.
fn asked(outcome: &Outcome) -> Duration {
    const LONGEST_SANE: Duration = Duration::from_secs(3600);
    outcome.retry_after.filter(|length| *length <= LONGEST_SANE).unwrap_or_default()
}

/// What Flickr asked for, or the policy's wait; up to half as long again, so that the jobs it hit do
/// not come back together.
fn throttled_wait(policy: &RetryPolicy, asked: Duration, jitter: Jitter) -> Duration {
    let least = asked.max(policy.throttled);
    least + jitter.of(least / 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_milliseconds(1_000_000);
    const FAR: Timestamp = Timestamp::from_milliseconds(i64::MAX);

    fn after(class: Class, idempotency: Idempotency, number: u32) -> Next {
        let attempt = Attempt { idempotency, verification: None, number, deadline: FAR };
        next(&Outcome::new(class, "m"), &attempt, &RetryPolicy::REST, Jitter::from_bits(u32::MAX), NOW)
    }

    fn ended(next: &Next) -> Option<FailureCode> {
        match next {
            Next::Fail(failure) | Next::GiveUp(failure) => Some(failure.code),
            Next::Complete | Next::Defer { .. } | Next::Verify { .. } => None,
        }
    }

    #[test]
    fn each_class_has_its_consequence() {
        use Idempotency::{Idempotent, NonIdempotent, Safe};
        let last = RetryPolicy::REST.attempts;
        let table = [
            (Class::Permanent, Safe, 1, Some(FailureCode::FlickrRejected)),
            (Class::Quota, NonIdempotent, 1, Some(FailureCode::QuotaExceeded)),
            (Class::Account, Safe, 1, Some(FailureCode::ReconnectNeeded)),
            (Class::Transient, Safe, 1, None),
            (Class::Transient, Safe, last, Some(FailureCode::AttemptsExhausted)),
            (Class::Transient, NonIdempotent, 1, None),
            (Class::Clock, NonIdempotent, 1, None),
            (Class::UnknownOutcome, Idempotent, 1, None),
            (Class::UnknownOutcome, Idempotent, last, Some(FailureCode::OutcomeUnknown)),
            (Class::UnknownOutcome, NonIdempotent, 1, Some(FailureCode::OutcomeUnknown)),
            (Class::Throttled, Safe, last + 9, None),
            (Class::App, Safe, last + 9, None),
        ];
        for (class, idempotency, attempts, code) in table {
            assert_eq!(ended(&after(class, idempotency, attempts)), code, "{class:?} {idempotency:?} {attempts}");
        }
        assert_eq!(after(Class::Done, Safe, 1), Next::Complete);
        assert!(matches!(after(Class::Transient, Safe, last), Next::GiveUp(_)), "what is exhausted can be replayed");
    }

    #[test]
    fn a_write_that_can_be_checked_is_checked_before_it_is_given_up() {
        let after = |idempotency, number| {
            let attempt = Attempt { idempotency, verification: Some(Verification::ReadBack), number, deadline: FAR };
            next(&Outcome::new(Class::UnknownOutcome, "m"), &attempt, &RetryPolicy::REST, Jitter::from_bits(0), NOW)
        };
        assert!(matches!(after(Idempotency::NonIdempotent, 1), Next::Verify { .. }));
        assert!(matches!(after(Idempotency::Idempotent, 1), Next::Defer { attempted: true, .. }));
        assert!(matches!(after(Idempotency::Idempotent, RetryPolicy::REST.attempts), Next::Verify { .. }));
    }

    #[test]
    fn a_sane_wait_is_honoured_and_being_throttled_is_no_attempt() {
        let wait = |class, seconds| {
            let outcome = Outcome { retry_after: Some(Duration::from_secs(seconds)), ..Outcome::new(class, "m") };
            let attempt = Attempt { idempotency: Idempotency::Safe, verification: None, number: 1, deadline: FAR };
            match next(&outcome, &attempt, &RetryPolicy::REST, Jitter::from_bits(0), NOW) {
                Next::Defer { due_at, attempted, .. } => (due_at.since(NOW).as_secs(), attempted),
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
            let length = back_off(&RetryPolicy::REST, attempts, Jitter::from_bits(bits));
            prop_assert!(length >= Duration::from_secs(1));
            prop_assert!(length <= RetryPolicy::REST.cap);
        }

        #[test]
        fn no_job_is_put_off_beyond_its_deadline(number in 1u32..4, bits: u32, left in 0u64..100_000) {
            let deadline = NOW + Duration::from_millis(left);
            let attempt = Attempt { idempotency: Idempotency::Safe, verification: None, number, deadline };
            for class in [Class::Transient, Class::Throttled, Class::App, Class::Clock] {
                let outcome = Outcome::new(class, "m");
                let next = next(&outcome, &attempt, &RetryPolicy::REST, Jitter::from_bits(bits), NOW);
                if let Next::Defer { due_at, .. } = next {
                    prop_assert!(due_at <= deadline);
                }
            }
        }
    }
}

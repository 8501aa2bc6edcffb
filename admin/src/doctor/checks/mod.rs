//! The checks: each asks, and judges what it was answered. The judgements are functions of their arguments alone.

pub mod alarms;
pub mod api;
pub mod clock;
pub mod deployed_stack;
pub mod event_sources;
pub mod flickr;
pub mod functions;
pub mod keys;
pub mod log_groups;
pub mod probe;
pub mod queues;
pub mod secrets;
pub mod tables;

use super::{aws::Unanswered, finding::Finding};

/// What follows when AWS did not say how a thing is: that it is gone, or that nobody knows.
fn unanswered(check: &str, thing: &str, why: Unanswered) -> Finding {
    match why {
        Unanswered::NotFound => Finding::broken(
            check,
            format!("{thing} does not exist"),
            "it was deleted, and not by CloudFormation: see \"A resource that is gone\" in docs/operations.md",
        ),
        Unanswered::Because(why) => Finding::not_checked(
            check,
            why,
            "if access is denied, give your role the policy ReadOnlyAccess; else run doctor again",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn what_is_gone_is_broken_and_what_is_denied_is_not_checked() {
        let gone = unanswered("key TokenKey", "the key abc", Unanswered::NotFound);
        assert_eq!((gone.verdict, &*gone.what), (Verdict::Broken, "the key abc does not exist"));
        let denied = unanswered("key TokenKey", "the key abc", Unanswered::Because("AccessDenied".to_owned()));
        assert_eq!((denied.verdict, &*denied.what), (Verdict::NotChecked, "AccessDenied"));
    }
}

//! The promises, each as a judgement of what a simulation left behind.
//!
//! An oracle knows nothing of how FlickrHub works: it looks at what callers were told, at what Flickr was made to do,
//! at the records and at their history.
//!
//! To add an oracle, write a function from [`FinalState`] to one line for each way in which the promise was broken, in
//! a file named after the promise, and add it to [`ORACLES`]. What the function needs and the final state lacks is
//! gathered by the executor, or recorded by the fakes in their history. Then break the rule behind the promise on
//! purpose ([`crate::mutation::Mutation`]) and see the oracle notice.

mod acknowledgement;
mod budget;
mod cache;
mod counts;
mod ends;
mod fencing;
mod final_state;
mod idempotency;
mod lease;
mod photos;
mod records;
mod revision;
mod writes;

pub(crate) use final_state::FinalState;
pub(crate) use photos::counts as file_counts;

/// A promise, and how it is judged.
struct Oracle {
    /// The promise's short name, as the documentation has it.
    promise: &'static str,
    /// Each way in which it was broken.
    judge: fn(&FinalState) -> Vec<String>,
}

const ORACLES: [Oracle; 17] = [
    Oracle { promise: "I1", judge: ends::once },
    Oracle { promise: "I1", judge: ends::in_time },
    Oracle { promise: "I2", judge: budget::is_kept },
    Oracle { promise: "I4", judge: idempotency::one_key_makes_one_job },
    Oracle { promise: "I6", judge: records::one_for_each_id },
    Oracle { promise: "I7", judge: writes::none_is_repeated },
    Oracle { promise: "photos", judge: photos::no_account_has_the_same_twice },
    Oracle { promise: "photos", judge: photos::what_is_completed_is_there },
    Oracle { promise: "photos", judge: photos::what_failed_left_nothing },
    Oracle { promise: "photos", judge: photos::the_last_replace_stands },
    Oracle { promise: "I8", judge: budget::open_circuits_grant_nothing },
    Oracle { promise: "fencing", judge: fencing::stale_messages_claim_nothing },
    Oracle { promise: "acknowledgement", judge: acknowledgement::messages_stay_while_jobs_run },
    Oracle { promise: "lease", judge: lease::one_worker_at_a_time },
    Oracle { promise: "revision", judge: revision::each_is_written_once },
    Oracle { promise: "counts", judge: counts::pending_jobs },
    Oracle { promise: "cache", judge: cache::answers },
];

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The promise's short name.
    pub promise: &'static str,
    /// How it was broken.
    pub how: String,
}

/// Every promise that was broken.
pub(crate) fn judge(state: &FinalState) -> Vec<Violation> {
    let of = |oracle: &Oracle| {
        let promise = oracle.promise;
        (oracle.judge)(state).into_iter().map(move |how| Violation { promise, how })
    };
    ORACLES.iter().flat_map(of).collect()
}

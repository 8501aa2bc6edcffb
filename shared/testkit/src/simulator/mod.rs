//! The simulator: the real use cases of every function over the fakes, in virtual time, on one thread.
//!
//! A seed and a [`Profile`] say all that happens, so that a run is reproduced to the byte ([`Report::fingerprint`]).
//! The parts stand on each other in this order:
//!
//! | file | what it is |
//! |---|---|
//! | `profile` | what goes wrong and how much is asked for |
//! | `streams` | one stream of randomness for each part |
//! | `flickr` | Flickr on bad days |
//! | `asked_file` | the files that callers ask to send |
//! | `workload` | what callers ask for |
//! | `oracles` | the promises, each as a judgement of the final state |
//! | `report` | what a simulation came to |
//! | `executor` | runs the workload, and gathers the final state |
//! | `changes` | a profile written as what it changes |
//! | `shrink` | from a seed that breaks a promise to a smaller case |
//!
//! # To add a profile
//!
//! Write a constructor beside [`Profile::bad_day`] that says in its first sentence what its day is like, on top of
//! [`Profile::good_day`], where nothing goes wrong. A new kind of trouble is a new field: it is off in `good_day`, its
//! size is a quantity in `changes`, so that shrinking can take it away, and the executor or the simulated Flickr brings it
//! about.
//!
//! # To add an oracle
//!
//! Write a function from the final state to a line for each way in which the promise was broken, in a file of its own
//! under `oracles`, and add it to the list there. Then see it notice a mutation.
//!
//! # To add a mutation
//!
//! A mutation breaks a rule on purpose: an oracle that does not notice is of no use. Add a variant to
//! [`Mutation`](crate::Mutation), break the rule where it is kept (in a fake, asked by
//! `Stores::breaks`, or in the executor or the simulated Flickr, by [`Profile::mutation`]), and name the promise that
//! notices it in `every_rule_broken_on_purpose_is_noticed`.

mod asked_file;
mod changes;
mod executor;
mod file_counts;
mod flickr;
mod fnv;
mod oracles;
mod period;
mod profile;
mod report;
mod shrink;
mod streams;
mod workload;

pub use asked_file::{AskedFile, FilePurpose};
pub use changes::UnknownChange;
pub use executor::{MAX_RECEIVES, run};
pub use file_counts::FileCounts;
pub use flickr::{COMMENT, CREATE, EDIT, FlickrCall, READ};
pub use oracles::Violation;
pub use period::Period;
pub use profile::{AccountSize, CrashScene, Flow, Profile};
pub use report::{JobStart, Report};
pub use shrink::{MAX_RUNS, Shrunk, explain, shrink};
pub use workload::{Ask, Workload};

//! Jobs: their records, and the list of those to check.

mod checks;
mod claims;
mod commits;
mod insertion;
mod open_and_dead;

pub use checks::{checks, pages_of_checks};
pub use claims::{claims, wait_reasons, waits};
pub use commits::{commits, resends, revisions};
pub use insertion::insertion;
pub use open_and_dead::open_and_dead_jobs;

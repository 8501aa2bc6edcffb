//! What each port promises, as a suite that every implementation passes.
//!
//! A suite panics where a promise is broken. It uses fresh tenants, so that suites can share one
//! deployed stack.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a suite of assertions")]

mod accounts;
mod budget;
mod cache;
mod jobs;
mod line;
mod logins;
mod tenants;

pub use accounts::accounts;
pub use budget::budgets;
pub use cache::{answers, uses};
pub use jobs::{claims, desk, insertion, looks, objects, pressure, results, saving, waits};
pub use line::{lines, reception, turns};
pub use logins::logins;
pub use tenants::{apps, tenants};

//! All routes, a file a subject.

mod accounts;
mod cache;
mod dead_jobs;
mod documentation;
mod examples;
mod health;
mod jobs;
mod logins;
mod tags;
mod uploads;
mod usage;

use crate::route::Route;

pub(crate) use tags::TAGS;

/// All routes, in the order of the document.
pub(crate) fn all() -> Vec<Route> {
    [
        logins::routes(),
        accounts::routes(),
        jobs::routes(),
        uploads::routes(),
        cache::routes(),
        dead_jobs::routes(),
        usage::routes(),
        health::routes(),
        documentation::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

//! The subjects of routes.

pub(super) const LOGINS: &str = "Logins";
pub(super) const ACCOUNTS: &str = "Accounts";
pub(super) const JOBS: &str = "Jobs";
pub(super) const UPLOADS: &str = "Uploads";
pub(super) const CACHE: &str = "Response cache";
pub(super) const DEAD_JOBS: &str = "Dead jobs";
pub(super) const USAGE: &str = "Usage";
pub(super) const HEALTH: &str = "Health";
pub(super) const DOCUMENTATION: &str = "Documentation";

/// The subjects, and what they are about.
pub(crate) const TAGS: [(&str, &str); 9] = [
    (LOGINS, "Connect a Flickr account, by OAuth 1.0a"),
    (ACCOUNTS, "The accounts that are connected; never a token"),
    (JOBS, "Post jobs and read them"),
    (UPLOADS, "Files on their way to Flickr"),
    (CACHE, "Flickr's answers to reads, cached for the account that asked"),
    (DEAD_JOBS, "Jobs that were given up, and can be replayed"),
    (USAGE, "Budgets, pending jobs and the cache's statistics"),
    (HEALTH, "Whether FlickrHub is well"),
    (DOCUMENTATION, "This document, and a page to try it"),
];

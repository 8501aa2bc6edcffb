//! How many bytes the body of a request may have.
//!
//! The table is the only place that says so. A route that takes no body is not in it.

/// The longest body of any route, in bytes: the longest parameters of a job, with room for escapes.
pub const MAX_BODY_BYTES: usize = 512 * 1024;

/// Each route that takes a body, as the routers and the template name it, with the most bytes: what its fields need,
/// with room for escapes and white space.
const ROUTES: [(&str, usize); 7] = [
    ("/v1/auth/start", 32 * 1024),
    ("/v1/auth/complete", 8 * 1024),
    ("/v1/flickr/rest", MAX_BODY_BYTES),
    ("/v1/flickr/jobs/status", 4 * 1024),
    ("/v1/uploads", 8 * 1024),
    ("/v1/cache/invalidate", 4 * 1024),
    ("/v1/dlq/replay", 16 * 1024),
];

/// The most bytes of the body of this route; `None` where it takes no body.
pub fn max_body_bytes(route: &str) -> Option<usize> {
    ROUTES.iter().find(|(path, _)| *path == route).map(|(_, bytes)| *bytes)
}

/// The routes that take a body.
pub fn routes_with_body() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|(path, _)| *path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_route_takes_more_than_the_longest_body() {
        assert_eq!(ROUTES.iter().map(|(_, bytes)| *bytes).max(), Some(MAX_BODY_BYTES));
        let unique: std::collections::BTreeSet<_> = routes_with_body().collect();
        assert_eq!(unique.len(), ROUTES.len());
        assert_eq!(max_body_bytes("/v1/auth/complete"), Some(8192));
        assert_eq!(max_body_bytes("/v1/usage"), None);
    }
}

//! Which scope an API key needs for which route.
//!
//! The table is the only place that says so. A route that is not in it is refused to everybody.

use api::ErrorCode;
use axum::response::{IntoResponse, Response};
use domain::api_key::Scope;
use http::{HeaderValue, Method, header};

use crate::problem::Problem;

/// Each route that needs an API key, as the routers and the template name it, with its scope.
const ROUTES: [(Method, &str, Scope); 19] = [
    (Method::POST, "/v1/auth/start", Scope::Connect),
    (Method::POST, "/v1/auth/complete", Scope::Connect),
    (Method::GET, "/v1/accounts", Scope::Accounts),
    (Method::GET, "/v1/accounts/{user_id}", Scope::Accounts),
    (Method::DELETE, "/v1/accounts/{user_id}", Scope::Accounts),
    (Method::POST, "/v1/flickr/rest", Scope::JobsWrite),
    (Method::POST, "/v1/uploads", Scope::JobsWrite),
    (Method::GET, "/v1/uploads/{upload_id}/parts", Scope::JobsWrite),
    (Method::POST, "/v1/uploads/{upload_id}/complete", Scope::JobsWrite),
    (Method::POST, "/v1/cache/invalidate", Scope::JobsWrite),
    (Method::GET, "/v1/uploads/{upload_id}", Scope::JobsRead),
    (Method::GET, "/v1/flickr/jobs", Scope::JobsRead),
    (Method::POST, "/v1/flickr/jobs/status", Scope::JobsRead),
    (Method::GET, "/v1/flickr/jobs/{job_id}", Scope::JobsRead),
    (Method::GET, "/v1/usage", Scope::JobsRead),
    (Method::GET, "/v1/health/ready", Scope::JobsRead),
    (Method::GET, "/v1/dlq", Scope::Dlq),
    (Method::POST, "/v1/dlq/replay", Scope::Dlq),
    (Method::DELETE, "/v1/dlq/{job_id}", Scope::Dlq),
];

/// The scope that the matched route needs.
///
/// # Errors
/// The answer to a method that the route does not have, or to a route that has no scope.
pub(crate) fn needed(method: &Method, route: Option<&str>) -> Result<Scope, Box<Response>> {
    let of_route = || ROUTES.iter().filter(|(_, path, _)| Some(*path) == route);
    // As routers do, a GET is what answers a HEAD.
    let method = if method == Method::HEAD { &Method::GET } else { method };
    if let Some((_, _, scope)) = of_route().find(|(of, _, _)| of == method) {
        return Ok(*scope);
    }
    let allowed: Vec<&str> = of_route().map(|(method, _, _)| method.as_str()).collect();
    if allowed.is_empty() {
        tracing::error!(route, "the route has no scope");
        return Err(Box::new(
            Problem::new(ErrorCode::NotFound, "See the list of routes in the API's documentation").into_response(),
        ));
    }
    let mut response = Problem::new(ErrorCode::MethodNotAllowed, "See the `Allow` header").into_response();
    if let Ok(allowed) = HeaderValue::from_str(&allowed.join(",")) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    Err(Box::new(response))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const TEMPLATE: &str = include_str!("../../../template.yaml");

    /// Method and path without the names of parameters.
    fn shape(method: &str, path: &str) -> String {
        let parts: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect();
        format!("{method} {}", parts.join("/"))
    }

    /// The routes of the template that need an API key.
    fn routes_of_template() -> BTreeSet<String> {
        let events = TEMPLATE.split("Type: Api\n").skip(1);
        let keyed = events.filter_map(|event| {
            // What an event says, up to the next one or the end of the list.
            let said = event.lines().map(str::trim).take_while(|line| !line.is_empty());
            let lines: Vec<&str> = said.take(6).collect();
            let said = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name));
            let is_open = lines.contains(&"Auth: {ApiKeyRequired: false}");
            (!is_open).then(|| shape(said("Method: ").unwrap(), said("Path: ").unwrap()))
        });
        keyed.collect()
    }

    #[test]
    fn each_route_with_an_api_key_has_one_scope() {
        let table: BTreeSet<String> = ROUTES.iter().map(|(method, path, _)| shape(method.as_str(), path)).collect();
        assert_eq!(table.len(), ROUTES.len(), "no route is there twice");
        assert_eq!(table, routes_of_template());
    }

    #[test]
    fn a_route_without_a_scope_is_refused() {
        let status = |method, route| needed(&method, route).map_err(|response| response.status().as_u16());
        assert_eq!(status(Method::GET, Some("/v1/usage")), Ok(Scope::JobsRead));
        assert_eq!(status(Method::HEAD, Some("/v1/usage")), Ok(Scope::JobsRead));
        assert_eq!(status(Method::DELETE, Some("/v1/usage")), Err(405), "as if it were not there");
        assert_eq!(status(Method::GET, Some("/v1/of-tomorrow")), Err(404));
        assert_eq!(status(Method::GET, None), Err(404));
        let refused = needed(&Method::PUT, Some("/v1/accounts/{user_id}")).unwrap_err();
        assert_eq!(refused.headers()[header::ALLOW], "GET,DELETE");
    }
}

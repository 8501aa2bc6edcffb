//! Which web pages may use the API: CORS, as the Fetch standard says (section 3.2).
//!
//! A browser asks twice. The preflight has no API key, so it is answered from the origins that the stack allows for all
//! tenants together. The request itself is that of a tenant: its `Origin` must be one of the tenant's own, or it is
//! refused before anything is done. An answer never says `*`, and never allows cookies.
//!
//! Where the stack allows no origin, nothing here is done, and no page can use the API: each of its requests has an API
//! key in a header, which needs a preflight. A request without `Origin`, or of a page of the API itself, is no matter
//! of CORS.

use std::sync::Arc;

use api::ErrorCode;
use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use domain::tenant::Origins;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hub::tenants::Principal;
use url::Url;

use crate::{
    context::RequestContext,
    problem::{NOT_AN_ORIGIN, Problem},
};

/// The methods of all routes.
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE");

/// The headers of requests that a page must ask for.
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "Content-Digest, Content-Type, Idempotency-Key, If-None-Match, Signature, Signature-Input, Traceparent, X-Api-Key, \
     X-Idempotency-Key",
);

/// The headers of answers that a page may read besides those that it always may.
const ANSWER_HEADERS: HeaderValue = HeaderValue::from_static(
    "Deprecation, ETag, Idempotent-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, Sunset, \
     WWW-Authenticate, X-Request-Id",
);

/// How long a browser may remember the answer to a preflight, in seconds: as long as any browser does.
const MAX_AGE_SECONDS: HeaderValue = HeaderValue::from_static("7200");

const ORIGIN: HeaderValue = HeaderValue::from_static("Origin");

/// What a browser that sent a tenant's request is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cors {
    /// Nothing: the stack allows no origin.
    Off,
    /// That another origin might be answered otherwise.
    Varies,
    /// That pages of this origin may read the answer.
    Readable(HeaderValue),
}

impl Cors {
    /// Whether the principal's request may come from where it does.
    ///
    /// # Errors
    /// `ERR_ORIGIN_NOT_ALLOWED`.
    pub(crate) fn check(allowed: &Origins, principal: &Principal, request: &Request) -> Result<Self, hub::Error> {
        if allowed.is_empty() {
            return Ok(Self::Off);
        }
        let Some(origin) = foreign_origin(request) else { return Ok(Self::Varies) };
        principal.check_origin(allowed, origin.to_str().unwrap_or_default())?;
        Ok(Self::Readable(origin.clone()))
    }

    /// The answer with what the browser is told.
    pub(crate) fn on(self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        if self != Self::Off {
            headers.append(header::VARY, ORIGIN);
        }
        if let Self::Readable(origin) = self {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
        }
        response
    }
}

/// The origin of the page that sent the request, unless it is one of the API's own pages. A page can change neither
/// header. `Sec-Fetch-Site` knows the name that the browser used, whatever stands before API Gateway.
fn foreign_origin(request: &Request) -> Option<&HeaderValue> {
    let origin = request.headers().get(header::ORIGIN)?;
    let says_own = request.headers().get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    let is_own = |context: &RequestContext| {
        Url::parse(&context.base_url).is_ok_and(|url| origin == url.origin().ascii_serialization().as_str())
    };
    let is_own = says_own || request.extensions().get::<RequestContext>().is_some_and(is_own);
    (!is_own).then_some(origin)
}

/// Answers preflights, of whatever path. Another request is for no route.
pub(crate) fn preflights(allowed: Origins) -> Router {
    Router::new().fallback(preflight).with_state(Arc::new(allowed))
}

async fn preflight(State(allowed): State<Arc<Origins>>, headers: HeaderMap) -> Response {
    let Some(origin) =
        headers.get(header::ORIGIN).filter(|_| headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD))
    else {
        return Problem::new(ErrorCode::NotFound, "See the list of routes in the API's documentation").into_response();
    };
    if !origin.to_str().is_ok_and(|origin| allowed.contains(origin)) {
        return Cors::Varies.on(Problem::new(ErrorCode::OriginNotAllowed, NOT_AN_ORIGIN).into_response());
    }
    let answer = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()),
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS),
        (header::VARY, ORIGIN),
    ];
    (StatusCode::NO_CONTENT, answer).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request {
        let request = headers.iter().fold(http::Request::builder().uri("/v1/usage"), |request, (name, value)| {
            request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
        });
        let mut request = request.body(Body::empty()).unwrap();
        let mut context = RequestContext::of(&request);
        context.base_url = "https://api.example.org/api".to_owned();
        request.extensions_mut().insert(context);
        request
    }

    #[test]
    fn a_page_is_foreign_unless_the_api_served_it() {
        for (headers, is_foreign) in [
            (&[][..], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("origin", "https://app.example.org")], true),
            (&[("origin", "https://app.example.org"), ("sec-fetch-site", "same-site")], true),
            (&[("origin", "https://hub.example.org"), ("sec-fetch-site", "same-origin")], false),
            (&[("origin", "https://api.example.org")], false),
            (&[("origin", "http://api.example.org")], true),
            (&[("origin", "https://api.example.org:8443")], true),
            (&[("origin", "https://api.example.org.evil.example")], true),
            (&[("origin", "https:")], true),
            (&[("origin", "null")], true),
            (&[("origin", "https://zürich.example")], true),
        ] {
            assert_eq!(foreign_origin(&request(headers)).is_some(), is_foreign, "{headers:?}");
        }
    }
}

//! Bodies, queries and paths: read within bounds, refused by naming the field.

use api::{ErrorCode, MAX_BODY_BYTES, max_body_bytes};
use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, MatchedPath, Request},
};
use http::{Extensions, HeaderMap, header, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::{nearest::nearest, problem::Problem};

/// A JSON body.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(ErrorCode::UnsupportedMediaType, "Send `content-type: application/json`"));
        }
        if is_encoded(request.headers()) {
            return Err(Problem::new(ErrorCode::UnsupportedMediaType, "Send the body without `content-encoding`"));
        }
        let limit = limit(request.extensions());
        read(&whole(request.into_body(), limit).await?).map(Json)
    }
}

/// The most bytes of the body of the matched route. A route that takes none reads none, unless its signature covers one.
pub(crate) fn limit(request: &Extensions) -> usize {
    request.get().and_then(|route: &MatchedPath| max_body_bytes(route.as_str())).unwrap_or(MAX_BODY_BYTES)
}

/// The whole body.
///
/// # Errors
/// When it has more than `max_bytes`, or does not arrive.
pub(crate) async fn whole(body: Body, max_bytes: usize) -> Result<Bytes, Problem> {
    let collected = Limited::new(body, max_bytes).collect().await;
    collected.map(|body| body.to_bytes()).map_err(|error| {
        if error.is::<LengthLimitError>() {
            Problem::new(ErrorCode::PayloadTooLarge, format!("The body has more than {max_bytes} bytes"))
        } else {
            Problem::new(ErrorCode::InvalidRequest, "The body did not arrive whole")
        }
    })
}

/// The JSON text as a `T`; what does not fit is named by its path.
fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| misfit("body", &error))?;
    json.end().map_err(|error| Problem::field("body", error.to_string()))?;
    Ok(value)
}

/// The problem of what does not fit: the field, where one is to blame, or else the `whole`.
fn misfit<E: std::error::Error>(whole: &str, error: &serde_path_to_error::Error<E>) -> Problem {
    let message = without_value(error.inner().to_string());
    match error.path().to_string().as_str() {
        "." | "?" => Problem::field(whole, message),
        path => Problem::field(path, message),
    }
}

/// The message of an error without the value it found: that could be a secret in the wrong place. Where a name is
/// unknown, it says which known one was probably meant.
fn without_value(message: String) -> String {
    let Some(start) = message.rfind("expected ") else { return message };
    let (found, expected) = message.split_at(start);
    let unknown = found.split_once("unknown field `").and_then(|(_, name)| name.strip_suffix("`, "));
    // The names are in backticks, so every second part is one.
    let known = expected.split('`').skip(1).step_by(2);
    match unknown.and_then(|name| nearest(name, known)) {
        Some(meant) => format!("is unknown, perhaps `{meant}` is meant; {expected}"),
        None => expected.to_owned(),
    }
}

/// Whether the body is JSON. A missing header means JSON: many small clients send none.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let media_type = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
        || (media_type.len() > 5 && media_type[media_type.len() - 5..].eq_ignore_ascii_case("+json"))
}

/// Whether the body claims to be compressed, or encoded otherwise.
fn is_encoded(headers: &HeaderMap) -> bool {
    let encoding = headers.get(header::CONTENT_ENCODING);
    encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// The one parameter in a path.
#[derive(Debug, Clone)]
pub struct PathText(pub String);

impl<S: Sync + Send> FromRequestParts<S> for PathText {
    type Rejection = Problem;

    /// Refuses what is no text as an unknown path.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(text)| Self(text))
            .map_err(|_| Problem::new(ErrorCode::NotFound, "The path is no text"))
    }
}

/// A query string.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send, S: Sync + Send> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let read = serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(query));
        read.map(Self).map_err(|error| misfit("query", &error))
    }
}

/// `text` as a `T`, or a problem that names `field`.
///
/// # Errors
/// When `text` is no `T`.
pub fn parse<T>(field: &str, text: &str) -> Result<T, Problem>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| Problem::field(field, error.to_string()))
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use serde::Deserialize;
    use tower::ServiceExt;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only read")]
        name: String,
        #[expect(dead_code, reason = "only read")]
        inner: Option<Box<Sample>>,
    }

    async fn read(content_type: Option<&str>, body: impl Into<Body>) -> Result<Sample, Problem> {
        let request = http::Request::builder().uri("/");
        let request = content_type.into_iter().fold(request, |request, value| request.header("content-type", value));
        Json::from_request(request.body(body.into()).unwrap(), &()).await.map(|Json(sample)| sample)
    }

    #[tokio::test]
    async fn a_body_is_read_whatever_json_type_it_claims() {
        for content_type in [None, Some("application/json"), Some("Application/JSON; charset=utf-8"), Some("a/b+json")]
        {
            assert!(read(content_type, r#"{"name": "x"}"#).await.is_ok(), "{content_type:?}");
        }
        let refused = read(Some("application/x-www-form-urlencoded"), "name=x").await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::UnsupportedMediaType);
    }

    #[tokio::test]
    async fn an_encoded_body_is_refused_by_its_type() {
        for (encoding, accepted) in [("identity", true), ("Identity", true), ("gzip", false), ("br, gzip", false)] {
            let request = http::Request::builder().uri("/").header("content-encoding", encoding);
            let request = request.body(Body::from(r#"{"name": "x"}"#)).unwrap();
            let found = Json::<Sample>::from_request(request, &()).await;
            let code = found.err().map(|problem| problem.code());
            assert_eq!(code, (!accepted).then_some(ErrorCode::UnsupportedMediaType), "{encoding}");
        }
    }

    #[tokio::test]
    async fn what_does_not_fit_is_named_and_not_quoted() {
        let table = [
            ("", "body"),
            ("{", "body"),
            (r#"{"name": "x"} canary"#, "body"),
            (r#"{"canary": 1}"#, "canary"),
            (r#"{"name": 4711}"#, "name"),
            (r#"{"name": "x", "inner": {"name": ["canary"]}}"#, "inner.name"),
            ("[1]", "[0]"),
            ("\u{0}", "body"),
        ];
        for (text, field) in table {
            let problem = read(None, text).await.unwrap_err();
            assert_eq!(problem.code(), ErrorCode::InvalidRequest, "{text}");
            let shown = format!("{problem:?}");
            assert!(shown.contains(&format!("field: {field:?}")), "{text}: {shown}");
            assert!(!shown.contains("4711"), "{shown}");
        }
    }

    #[tokio::test]
    async fn an_unknown_member_is_refused_with_the_nearest_known_name() {
        let said = async |text: &'static str| format!("{:?}", read(None, text).await.unwrap_err());
        assert!(
            said(r#"{"nam": 1}"#).await.contains("is unknown, perhaps `name` is meant; expected `name` or `inner`")
        );
        assert!(said(r#"{"name": "x", "inner": {"iner": 1}}"#).await.contains("perhaps `inner` is meant"));
        assert!(!said(r#"{"canary": 1}"#).await.contains("perhaps"));
        assert!(!said(r#"{"name": {"inner": 1}}"#).await.contains("perhaps"), "no name is unknown");
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused() {
        let text = format!(r#"{{"name": "{}"}}"#, "x".repeat(MAX_BODY_BYTES));
        let problem = read(None, text).await.unwrap_err();
        assert_eq!(problem.into_response().status(), 413);
    }

    #[tokio::test]
    async fn each_route_has_a_limit_of_its_own() {
        let answer = async |Json(_): Json<Sample>| "read";
        for path in api::routes_with_body() {
            let limit = max_body_bytes(path).unwrap();
            for (bytes, status) in [(limit, 200), (limit + 1, 413)] {
                let text = format!(r#"{{"name": "{}"}}"#, "x".repeat(bytes - 12));
                assert_eq!(text.len(), bytes);
                let routes = axum::Router::new().route(path, axum::routing::post(answer));
                let request = http::Request::post(path).body(Body::from(text)).unwrap();
                let response = routes.oneshot(request).await.unwrap();
                assert_eq!(response.status(), status, "{path} {bytes}");
            }
        }
    }
}

//! Problem documents (RFC 9457) with stable codes.
//!
//! What a client sees is made from the kind of an error alone; its cause goes to the log.

use std::error::Error as StdError;

use axum::response::{IntoResponse, Response};
use domain::outcome::Outcome;
use http::{HeaderValue, StatusCode, header};
use hub::Kind;
use serde_json::{Value, json};

use crate::context::RequestContext;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:ident, $title:literal;)*) => {
        /// The stable codes of the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// As clients see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// The status it comes with.
            pub const fn status(self) -> StatusCode {
                match self { $(Code::$name => StatusCode::$status,)* }
            }

            /// What it means, for people.
            pub const fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// The request is malformed, or one of its fields is.
    InvalidRequest = "ERR_INVALID_REQUEST", BAD_REQUEST, "The request is invalid";
    /// The login is unknown, foreign, used, stale, or its state is another.
    InvalidState = "ERR_INVALID_STATE", BAD_REQUEST, "The login cannot be completed";
    /// Flickr refused the verifier.
    VerifierRefused = "ERR_VERIFIER_REFUSED", BAD_REQUEST, "Flickr refused the verifier";
    /// No API key, or an unknown one.
    Unauthorized = "ERR_UNAUTHORIZED", UNAUTHORIZED, "An API key is needed";
    /// No such route.
    NotFound = "ERR_NOT_FOUND", NOT_FOUND, "There is no such route";
    /// No such connected account.
    TokenNotFound = "ERR_TOKEN_NOT_FOUND", NOT_FOUND, "There is no such account";
    /// No such Flickr app.
    AppNotFound = "ERR_APP_NOT_FOUND", NOT_FOUND, "There is no such Flickr app";
    /// No such job.
    JobNotFound = "ERR_JOB_NOT_FOUND", NOT_FOUND, "There is no such job";
    /// The route has other methods.
    MethodNotAllowed = "ERR_METHOD_NOT_ALLOWED", METHOD_NOT_ALLOWED, "The route does not have this HTTP method";
    /// The body is too large.
    PayloadTooLarge = "ERR_PAYLOAD_TOO_LARGE", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The body is no JSON.
    UnsupportedMediaType = "ERR_UNSUPPORTED_MEDIA_TYPE", UNSUPPORTED_MEDIA_TYPE, "The body must be JSON";
    /// The hub does not call this Flickr method.
    MethodRefused = "ERR_METHOD_REFUSED", UNPROCESSABLE_ENTITY, "This Flickr method is not called";
    /// The return URL is not on the allow-list.
    ReturnUrlNotAllowed = "ERR_RETURN_URL_NOT_ALLOWED", UNPROCESSABLE_ENTITY, "The return URL is not allowed";
    /// Flickr refused the app's key or secret.
    AppRefused = "ERR_FLICKR_APP_REFUSED", UNPROCESSABLE_ENTITY, "Flickr refused the app's key or secret";
    /// The idempotency key was used with another payload.
    KeyReused = "ERR_IDEMPOTENCY_KEY_REUSED", UNPROCESSABLE_ENTITY, "The idempotency key was used with another payload";
    /// Something failed that needs a person.
    Internal = "ERR_INTERNAL", INTERNAL_SERVER_ERROR, "Something went wrong on our side";
    /// Flickr does not answer.
    FlickrUnavailable = "ERR_FLICKR_UNAVAILABLE", SERVICE_UNAVAILABLE, "Flickr does not answer";
    /// The budget of calls to Flickr is spent, or Flickr refuses calls.
    BudgetSpent = "ERR_BUDGET_SPENT", SERVICE_UNAVAILABLE, "The budget of calls to Flickr is spent";
    /// So many jobs of the account are pending that no other is accepted.
    TooManyPending = "ERR_TOO_MANY_PENDING", SERVICE_UNAVAILABLE, "Too many jobs of the account are pending";
    /// Something the hub stands on does not answer.
    Unavailable = "ERR_UNAVAILABLE", SERVICE_UNAVAILABLE, "The service is not available";
}

/// How long a client should wait after an answer that things are unavailable, in seconds.
const RETRY_AFTER_SECONDS: u64 = 5;

/// A failure on its way to the client.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: String,
    details: Value,
    retry_after_seconds: Option<u64>,
    cause: Option<String>,
}

impl Problem {
    /// A problem of this code; `detail` is for the client's eyes.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let retry_after_seconds = (code.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER_SECONDS);
        Self { code, detail: detail.into(), details: json!([]), retry_after_seconds, cause: None }
    }

    /// A field of the request is wrong.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let detail = format!("{field}: {message}");
        Self { details: json!([{ "field": field, "message": message }]), ..Self::new(Code::InvalidRequest, detail) }
    }

    /// The same with more for the client: a JSON array.
    pub fn with_details(self, details: Value) -> Self {
        Self { details, ..self }
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }
}

impl From<hub::Error> for Problem {
    fn from(error: hub::Error) -> Self {
        let mut problem = match error.kind() {
            Kind::InvalidField { field, message } => Problem::field(field, message.clone()),
            Kind::MethodRefused(message) => Problem::new(Code::MethodRefused, message.clone()),
            Kind::ReturnUrlNotAllowed => {
                Problem::new(Code::ReturnUrlNotAllowed, "The operator lists the allowed return URLs, whole and exact")
            }
            Kind::AccountNotFound => Problem::new(Code::TokenNotFound, "No account of this user_id is connected"),
            Kind::AppNotFound => Problem::new(Code::AppNotFound, "No Flickr app of this app_id is known"),
            Kind::JobNotFound => Problem::new(Code::JobNotFound, "No job of this id is known"),
            Kind::LoginNotFound => Problem::new(
                Code::InvalidState,
                "The login is unknown, was used, has expired, or its state is another. Begin a new one",
            ),
            Kind::AppRefused(outcome) => of_flickr(Code::AppRefused, outcome),
            Kind::VerifierRefused(outcome) => of_flickr(Code::VerifierRefused, outcome),
            Kind::FlickrUnavailable(outcome) => Problem {
                retry_after_seconds: Some(outcome.retry_after.map_or(RETRY_AFTER_SECONDS, |wait| wait.as_secs())),
                ..of_flickr(Code::FlickrUnavailable, outcome)
            },
            Kind::BudgetSpent { retry_after } => Problem {
                retry_after_seconds: Some(retry_after.as_secs().max(1)),
                ..Problem::new(Code::BudgetSpent, "Flickr counts the calls of all users of an app; try again later")
            },
            Kind::TooManyPending { retry_after } => Problem {
                retry_after_seconds: Some(retry_after.as_secs().max(1)),
                ..Problem::new(
                    Code::TooManyPending,
                    "The account's jobs wait for their turn at Flickr; try again later",
                )
            },
            Kind::KeyReused => Problem::new(Code::KeyReused, "Use a new key for a new job"),
            Kind::ApiKeyTaken => Problem::new(Code::InvalidRequest, "The API key already belongs to a tenant"),
            Kind::Unavailable => Problem::new(Code::Unavailable, "Try again shortly"),
            Kind::Internal => Problem::new(Code::Internal, "It is logged under this request_id"),
        };
        problem.cause = error.source().map(hub::chain);
        problem
    }
}

fn of_flickr(code: Code, outcome: &Outcome) -> Problem {
    Problem::new(code, outcome.message.clone())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        if status.is_server_error() {
            tracing::error!(code = self.code.as_str(), cause = self.cause, "request failed");
        } else {
            // The detail can quote the request, and with it a secret in the wrong place.
            tracing::info!(code = self.code.as_str(), "request refused");
        }
        let mut response = status.into_response();
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(PendingProblem(std::sync::Arc::new(self)));
        response
    }
}

/// A problem that waits for the request's id: handlers do not know it, [`crate::serve`] does.
#[derive(Clone)]
pub(crate) struct PendingProblem(std::sync::Arc<Problem>);

impl PendingProblem {
    /// The document, for this request.
    pub(crate) fn document(&self, context: &RequestContext) -> Vec<u8> {
        let problem = &self.0;
        let code = problem.code;
        let document = json!({
            "type": format!("urn:flickrhub:error:{}", code.as_str()),
            "title": code.title(),
            "status": code.status().as_u16(),
            "detail": problem.detail,
            "instance": format!("urn:flickrhub:request:{}", context.request_id),
            "request_id": context.request_id,
            "error": { "code": code.as_str(), "message": problem.detail, "details": problem.details },
        });
        document.to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_fit_their_status() {
        let mut seen = std::collections::HashSet::new();
        for code in Code::ALL {
            assert!(code.as_str().starts_with("ERR_") && seen.insert(code.as_str()), "{code:?}");
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{code:?}");
        }
    }

    #[test]
    fn causes_are_kept_for_the_log_and_out_of_the_document() {
        let problem = Problem::from(hub::Error::internal("canary"));
        assert_eq!(problem.cause.as_deref(), Some("canary"));
        let context = RequestContext {
            request_id: "r".to_owned(),
            trace: domain::TraceId::from_bytes([1; 16]),
            base_url: String::new(),
        };
        let document = PendingProblem(std::sync::Arc::new(problem)).document(&context);
        assert!(!String::from_utf8(document).unwrap().contains("canary"));
    }
}

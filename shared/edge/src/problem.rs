//! Problem documents (RFC 9457) with stable codes.
//!
//! What a client sees is made from the kind of an error alone; its cause goes to the log.

use std::error::Error as StdError;

use api::{ErrorCode, ErrorDetail};
use axum::response::{IntoResponse, Response};
use domain::outcome::Outcome;
use http::{HeaderValue, StatusCode, header};
use hub::Kind;

use crate::{
    context::{API_KEY_HEADER, RequestContext},
    rate_limit::RateLimit,
    translate::uploads::missing_part,
};

/// How long a client should wait after an answer that things are unavailable, in seconds.
const RETRY_AFTER_SECONDS: u64 = 5;

/// What a caller is told whose API key is not accepted, whatever is wrong with it.
pub(crate) const UNAUTHORIZED: &str = "Send a tenant's API key in `x-api-key`";

/// What a caller is told whose web page may not use the API.
pub(crate) const NOT_AN_ORIGIN: &str = "The operator lists the origins of the pages that may use the API, by tenant";

/// A failure on its way to the client.
#[derive(Debug, Clone)]
pub struct Problem {
    code: ErrorCode,
    detail: String,
    details: Vec<ErrorDetail>,
    retry_after_seconds: Option<u64>,
    /// The quota that the request would have violated.
    violated: Option<Box<RateLimit>>,
    cause: Option<String>,
}

impl Problem {
    /// A problem of this code; `detail` is for the client's eyes.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        let retry_after_seconds = (status(code) == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER_SECONDS);
        Self { code, detail: detail.into(), details: Vec::new(), retry_after_seconds, violated: None, cause: None }
    }

    /// A field of the request is wrong.
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let detail = format!("{field}: {message}");
        Self {
            details: vec![ErrorDetail { field: field.to_owned(), message }],
            ..Self::new(ErrorCode::InvalidRequest, detail)
        }
    }

    /// The same with more for the client.
    pub fn with_details(self, details: Vec<ErrorDetail>) -> Self {
        Self { details, ..self }
    }

    pub fn code(&self) -> ErrorCode {
        self.code
    }
}

impl From<hub::Error> for Problem {
    fn from(error: hub::Error) -> Self {
        let mut problem = match error.kind() {
            Kind::InvalidField { field, message } => Problem::field(field, message.clone()),
            Kind::MethodRefused(message) => Problem::new(ErrorCode::MethodRefused, message.clone()),
            Kind::ReturnUrlNotAllowed => Problem::new(
                ErrorCode::ReturnUrlNotAllowed,
                "The operator lists the allowed return URLs, whole and exact",
            ),
            Kind::AccountNotFound => {
                Problem::new(ErrorCode::AccountNotFound, "No account of this user_id is connected")
            }
            Kind::AppNotFound => Problem::new(ErrorCode::AppNotFound, "No Flickr app of this app_id is known"),
            Kind::JobNotFound => Problem::new(ErrorCode::JobNotFound, "No job of this id is known"),
            Kind::UploadNotFound => Problem::new(ErrorCode::UploadNotFound, "No upload of this upload_id is known"),
            Kind::UploadNotArrived => Problem::new(
                ErrorCode::UploadNotArrived,
                "Send the file to the URL that the upload was given, then ask for the job",
            ),
            Kind::UploadIncomplete(incomplete) => Problem::new(ErrorCode::UploadIncomplete, incomplete.to_string())
                .with_details(incomplete.first.iter().map(missing_part).collect()),
            Kind::TooManyBytes { stored_bytes, max_stored_bytes, retry_after } => Problem {
                retry_after_seconds: Some(retry_after.as_secs()),
                ..Problem::new(
                    ErrorCode::TooManyBytes,
                    format!(
                        "{stored_bytes} of {max_stored_bytes} bytes are stored; a file goes when its job has completed, \
                         or after 7 days"
                    ),
                )
            },
            Kind::LoginNotFound => Problem::new(
                ErrorCode::InvalidState,
                "The login is unknown, was used, has expired, or its state is another. Begin a new one",
            ),
            Kind::AppRefused(outcome) => of_flickr(ErrorCode::AppRefused, outcome),
            Kind::VerifierRefused(outcome) => of_flickr(ErrorCode::VerifierRefused, outcome),
            Kind::FlickrUnavailable(outcome) => Problem {
                retry_after_seconds: outcome.retry_after.map_or(Some(RETRY_AFTER_SECONDS), |wait| Some(wait.as_secs())),
                ..of_flickr(ErrorCode::FlickrUnavailable, outcome)
            },
            Kind::BudgetSpent { retry_after } => Problem {
                retry_after_seconds: Some(retry_after.as_secs()),
                ..Problem::new(
                    ErrorCode::BudgetSpent,
                    "Flickr counts the calls of all users of an app; try again later",
                )
            },
            Kind::TooManyPending { retry_after } => Problem {
                retry_after_seconds: Some(retry_after.as_secs()),
                ..Problem::new(
                    ErrorCode::TooManyPending,
                    "The account's jobs wait for their turn at Flickr; try again later",
                )
            },
            Kind::QuotaExceeded { quota, retry_after } => Problem {
                retry_after_seconds: Some(seconds(*retry_after)),
                violated: Some(Box::new(RateLimit::used_up(*quota, *retry_after))),
                ..Problem::new(
                    ErrorCode::QuotaExceeded,
                    format!("The tenant's quota `{}` is used up; try again in its next window", quota.window.policy()),
                )
            },
            Kind::KeyReused => Problem::new(ErrorCode::KeyReused, "Use a new key for a new job"),
            Kind::Unauthenticated => Problem::new(ErrorCode::Unauthorized, UNAUTHORIZED),
            Kind::TenantSuspended => {
                Problem::new(ErrorCode::TenantSuspended, "Its accepted jobs run on; ask the operator of this API")
            }
            Kind::AddressNotAllowed => Problem::new(
                ErrorCode::AddressNotAllowed,
                "The tenant's requests may come from the networks on its list alone",
            ),
            Kind::OriginNotAllowed => Problem::new(ErrorCode::OriginNotAllowed, NOT_AN_ORIGIN),
            Kind::ScopeMissing(scope) => Problem {
                details: vec![ErrorDetail {
                    field: API_KEY_HEADER.to_owned(),
                    message: format!("does not have the scope `{scope}`"),
                }],
                ..Problem::new(ErrorCode::ScopeMissing, format!("The API key does not have the scope `{scope}`"))
            },
            Kind::TenantNotFound => Problem::new(ErrorCode::InvalidRequest, "No tenant of this id is known"),
            Kind::ApiKeyTaken => Problem::new(ErrorCode::InvalidRequest, "The API key already belongs to a tenant"),
            Kind::ApiKeyNotFound => Problem::new(ErrorCode::InvalidRequest, "The API key belongs to no tenant"),
            Kind::Unavailable => Problem::new(ErrorCode::Unavailable, "Try again shortly"),
            Kind::Internal => Problem::new(ErrorCode::Internal, "It is logged under this request_id"),
        };
        problem.cause = error.source().map(hub::chain);
        problem
    }
}

/// Whole seconds, rounded up, so that who waits so long does not come too early.
fn seconds(length: std::time::Duration) -> u64 {
    length.as_secs() + u64::from(length.subsec_nanos() > 0)
}

/// The HTTP status that a code comes with.
fn status(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn of_flickr(code: ErrorCode, outcome: &Outcome) -> Problem {
    Problem::new(code, outcome.message.clone())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = status(self.code);
        if status.is_server_error() {
            tracing::error!(code = self.code.as_str(), cause = self.cause, "request failed");
        } else {
            // The detail can quote the request, and with it a secret in the wrong place.
            tracing::info!(code = self.code.as_str(), "request refused");
        }
        let mut response = status.into_response();
        if let Some(seconds) = self.retry_after_seconds {
            // At once is no time to wait: a client that comes back so would only be refused again.
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if let Some(violated) = &self.violated {
            violated.insert(response.headers_mut());
        }
        response.extensions_mut().insert(PendingProblem(std::sync::Arc::new(self)));
        response
    }
}

/// A problem that waits for the request's id: handlers do not know it, [`crate::serve`] does.
#[derive(Clone)]
pub(crate) struct PendingProblem(std::sync::Arc<Problem>);

impl PendingProblem {
    pub(crate) fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The document, for this request.
    pub(crate) fn document(&self, context: &RequestContext) -> Vec<u8> {
        let problem = &self.0;
        let mut document =
            api::Problem::new(problem.code, &problem.detail, problem.details.clone(), &context.request_id);
        document.violated_policies = problem.violated.iter().map(|violated| violated.policy.to_owned()).collect();
        serde_json::to_vec(&document).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use domain::outcome::Class;

    use super::*;

    #[test]
    fn every_code_has_a_status_of_http() {
        for code in ErrorCode::ALL {
            assert_eq!(status(*code).as_u16(), code.status(), "{code:?}");
        }
    }

    #[test]
    fn a_client_is_told_to_wait_a_second_at_least() {
        let too_many = |retry_after| Kind::TooManyBytes { stored_bytes: 1, max_stored_bytes: 2, retry_after };
        for (wait, seconds) in [(0, "1"), (999, "1"), (1_000, "1"), (2_000, "2")] {
            let retry_after = std::time::Duration::from_millis(wait);
            let throttled = Outcome { retry_after: Some(retry_after), ..Outcome::new(Class::Throttled, "429") };
            for kind in [
                Kind::BudgetSpent { retry_after },
                Kind::TooManyPending { retry_after },
                too_many(retry_after),
                Kind::FlickrUnavailable(throttled),
            ] {
                let response = Problem::from(hub::Error::from(kind.clone())).into_response();
                assert_eq!(response.headers()[header::RETRY_AFTER], seconds, "{kind:?}");
            }
        }
    }

    #[test]
    fn causes_are_kept_for_the_log_and_out_of_the_document() {
        let problem = Problem::from(hub::Error::internal("canary"));
        assert_eq!(problem.cause.as_deref(), Some("canary"));
        let context = RequestContext {
            request_id: "r".to_owned(),
            trace: domain::TraceId::from_bytes([1; 16]),
            source_ip: None,
            base_url: String::new(),
            path: String::new(),
        };
        let document = PendingProblem(std::sync::Arc::new(problem)).document(&context);
        assert!(!String::from_utf8(document).unwrap().contains("canary"));
    }
}

//! The shape of every answer.

use serde::{Deserialize, Serialize};

use crate::ErrorCode;

/// A success: `{"request_id", "data", "error": null}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Success<T> {
    /// The request's id.
    pub request_id: String,
    /// The answer.
    pub data: T,
    /// Always null.
    pub error: (),
}

/// A failure: a problem document (RFC 9457) with `request_id` and `error` as extension members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A URN of the error's code; that of a quota is registered.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the code means, for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request, for people.
    pub detail: String,
    /// A URN of the request's id.
    pub instance: String,
    /// The request's id.
    pub request_id: String,
    /// The failure, for programs.
    pub error: ErrorBody,
    /// The names of the quota policies that the request would have violated, where it is refused for that (IETF
    /// draft-ietf-httpapi-ratelimit-headers-11).
    #[serde(rename = "violated-policies", default, skip_serializing_if = "Vec::is_empty")]
    pub violated_policies: Vec<String>,
}

/// The problem type of a quota that is used up (IETF draft-ietf-httpapi-ratelimit-headers-11).
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// A failure, for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// What to branch on.
    pub code: ErrorCode,
    /// What is wrong with this request, for people.
    pub message: String,
    /// More about it.
    pub details: Vec<ErrorDetail>,
}

/// What is wrong with one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorDetail {
    /// The field of the body, the query or the headers; of a service that is not available, the dependency; of a file in
    /// parts, the part.
    pub field: String,
    /// What is wrong with it, for people.
    pub message: String,
}

impl Problem {
    /// The document of a failure of the request `request_id`.
    pub fn new(code: ErrorCode, detail: &str, details: Vec<ErrorDetail>, request_id: &str) -> Self {
        Self {
            kind: match code {
                ErrorCode::QuotaExceeded => QUOTA_EXCEEDED.to_owned(),
                _ => format!("urn:flickrhub:error:{}", code.as_str()),
            },
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.to_owned(),
            instance: format!("urn:flickrhub:request:{request_id}"),
            request_id: request_id.to_owned(),
            error: ErrorBody { code, message: detail.to_owned(), details },
            violated_policies: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_back_and_agrees_with_its_code() {
        let problem = Problem::new(ErrorCode::JobNotFound, "No job of this id is known", vec![], "r-1");
        let text = serde_json::to_string(&problem).unwrap();
        assert!(text.starts_with(r#"{"type":"urn:flickrhub:error:ERR_JOB_NOT_FOUND","title":"#), "{text}");
        assert!(text.contains(r#""status":404"#) && text.contains(r#""instance":"urn:flickrhub:request:r-1""#));
        assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), problem);
    }

    #[test]
    fn a_success_has_no_error() {
        let success = Success { request_id: "r".to_owned(), data: 1, error: () };
        let text = serde_json::to_string(&success).unwrap();
        assert_eq!(text, r#"{"request_id":"r","data":1,"error":null}"#);
        assert_eq!(serde_json::from_str::<Success<u8>>(&text).unwrap(), success);
    }
}

//! From SDK errors to the ports' own.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use hub::ports;

/// Error codes that say "later".
const LATER: [&str; 13] = [
    "InternalServerError",
    "InternalFailure",
    "ItemCollectionSizeLimitExceededException",
    "KMSInternalException",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// Whether the failure may pass by itself.
pub(crate) fn is_passing<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
        SdkError::ServiceError(answer) => {
            answer.raw().status().is_server_error() || answer.err().code().is_some_and(|code| LATER.contains(&code))
        }
        _ => false,
    }
}

/// The code and message of an error, and no more of it: the rest may quote what was stored.
pub(crate) fn text<E: ProvideErrorMetadata>(error: SdkError<E, HttpResponse>) -> String {
    match error {
        SdkError::ServiceError(answer) => {
            let meta = answer.err().meta();
            format!("{}: {}", meta.code().unwrap_or("unknown error"), meta.message().unwrap_or("no message"))
        }
        SdkError::DispatchFailure(failure) => format!("not sent: {failure:?}"),
        SdkError::TimeoutError(_) => "timed out".to_owned(),
        SdkError::ResponseError(_) => "the answer could not be read".to_owned(),
        _ => "the request could not be built".to_owned(),
    }
}

/// The port's error of an SDK error, of `what` was tried.
pub(crate) fn from_sdk<E>(what: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> ports::Error
where
    E: ProvideErrorMetadata,
{
    move |error| {
        if is_passing(&error) {
            ports::Error::unavailable(what, text(error))
        } else {
            ports::Error::broken(what, text(error))
        }
    }
}

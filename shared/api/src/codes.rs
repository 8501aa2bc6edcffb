//! The stable codes of errors.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $title:literal;)*) => {
        /// The stable codes of errors.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl ErrorCode {
            /// All codes.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$name,)*];

            /// As clients see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$name => $text,)* }
            }

            /// The HTTP status it comes with.
            pub const fn status(self) -> u16 {
                match self { $(ErrorCode::$name => $status,)* }
            }

            /// What it means, for people.
            pub const fn title(self) -> &'static str {
                match self { $(ErrorCode::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// The request is malformed, or one of its fields is.
    InvalidRequest = "ERR_INVALID_REQUEST", 400, "The request is invalid";
    /// The login is unknown, foreign, used, expired, or its state is another.
    InvalidState = "ERR_INVALID_STATE", 400, "The login cannot be completed";
    /// Flickr refused the verifier.
    VerifierRefused = "ERR_VERIFIER_REFUSED", 400, "Flickr refused the verifier";
    /// No API key, or one that is unknown, disabled, revoked or expired.
    Unauthorized = "ERR_UNAUTHORIZED", 401, "An API key is needed";
    /// The API key is one whose requests must be signed, and the request is not.
    SignatureRequired = "ERR_SIGNATURE_REQUIRED", 401, "The request must be signed";
    /// The signature does not verify, is not of the profile, is too old, or was used before.
    SignatureInvalid = "ERR_SIGNATURE_INVALID", 401, "The signature cannot be accepted";
    /// API Gateway or its firewall refuses the request.
    Forbidden = "ERR_FORBIDDEN", 403, "This is not allowed";
    /// The tenant is suspended.
    TenantSuspended = "ERR_TENANT_SUSPENDED", 403, "The tenant is suspended";
    /// The tenant's requests may not come from this address.
    AddressNotAllowed = "ERR_ADDRESS_NOT_ALLOWED", 403, "Requests may not come from this address";
    /// Web pages of this origin may not send the tenant's requests.
    OriginNotAllowed = "ERR_ORIGIN_NOT_ALLOWED", 403, "Web pages of this origin may not use the API";
    /// The API key may not be used for this route.
    ScopeMissing = "ERR_SCOPE_MISSING", 403, "The API key may not be used for this";
    /// No such route.
    NotFound = "ERR_NOT_FOUND", 404, "There is no such route";
    /// No such connected account.
    AccountNotFound = "ERR_ACCOUNT_NOT_FOUND", 404, "There is no such account";
    /// No such Flickr app.
    AppNotFound = "ERR_APP_NOT_FOUND", 404, "There is no such Flickr app";
    /// No such job.
    JobNotFound = "ERR_JOB_NOT_FOUND", 404, "There is no such job";
    /// No such upload.
    UploadNotFound = "ERR_UPLOAD_NOT_FOUND", 404, "There is no such upload";
    /// The route has other methods.
    MethodNotAllowed = "ERR_METHOD_NOT_ALLOWED", 405, "The route does not have this HTTP method";
    /// The file of the upload has not arrived.
    UploadNotArrived = "ERR_UPLOAD_NOT_ARRIVED", 409, "The file has not arrived";
    /// Parts of the file have not arrived.
    UploadIncomplete = "ERR_UPLOAD_INCOMPLETE", 409, "Parts of the file have not arrived";
    /// The body is too large.
    PayloadTooLarge = "ERR_PAYLOAD_TOO_LARGE", 413, "The body is too large";
    /// The body is no JSON.
    UnsupportedMediaType = "ERR_UNSUPPORTED_MEDIA_TYPE", 415, "The body must be JSON";
    /// FlickrHub does not call this Flickr method.
    MethodRefused = "ERR_METHOD_REFUSED", 422, "This Flickr method is not called";
    /// The return URL is not on the allow-list.
    ReturnUrlNotAllowed = "ERR_RETURN_URL_NOT_ALLOWED", 422, "The return URL is not allowed";
    /// Flickr refused the app's key or secret.
    AppRefused = "ERR_FLICKR_APP_REFUSED", 422, "Flickr refused the app's key or secret";
    /// The idempotency key was used with another payload.
    KeyReused = "ERR_IDEMPOTENCY_KEY_REUSED", 422, "The idempotency key was used with another payload";
    /// API Gateway counts more requests than the usage plan, or the route, allows.
    RateLimited = "ERR_RATE_LIMITED", 429, "Too many requests";
    /// So many bytes of files are stored that no other upload is made.
    TooManyBytes = "ERR_TOO_MANY_BYTES", 429, "Too many bytes of files are stored";
    /// The tenant has had as many jobs accepted as its quota allows.
    QuotaExceeded = "ERR_QUOTA_EXCEEDED", 429, "The quota of jobs is used up";
    /// Something failed that needs a person.
    Internal = "ERR_INTERNAL", 500, "Something went wrong on our side";
    /// Flickr does not answer.
    FlickrUnavailable = "ERR_FLICKR_UNAVAILABLE", 503, "Flickr does not answer";
    /// The budget of calls to Flickr is spent, or Flickr refuses calls.
    BudgetSpent = "ERR_BUDGET_SPENT", 429, "The budget of calls to Flickr is spent";
    /// So many jobs of the account are pending that no other is accepted.
    TooManyPending = "ERR_TOO_MANY_PENDING", 503, "Too many jobs of the account are pending";
    /// Something FlickrHub depends on does not answer.
    Unavailable = "ERR_UNAVAILABLE", 503, "The service is not available";
}

// Not derived: `utoipa` does not see names that a macro gives.
#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for ErrorCode {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .description(Some("The stable codes of errors."))
            .enum_values(Some(ErrorCode::ALL.iter().map(|code| code.as_str())))
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for ErrorCode {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_fit_their_status() {
        let mut seen = std::collections::HashSet::new();
        for code in ErrorCode::ALL {
            assert!(code.as_str().starts_with("ERR_") && seen.insert(code.as_str()), "{code:?}");
            assert!((400..600).contains(&code.status()), "{code:?}");
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}

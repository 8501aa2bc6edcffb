//! How routes refuse: for each status, which codes it can come with.

use std::collections::BTreeMap;

use api::{ErrorCode, ErrorDetail, Problem};
use serde_json::{Value, json};
use utoipa::openapi::{
    AllOfBuilder, Content, Object, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Schema, Type,
};

use crate::{
    headers::{ALWAYS, Field},
    schemas::Schemas,
};

/// What API Gateway or a function can answer to any request.
pub(crate) const ALWAYS_POSSIBLE: [ErrorCode; 5] = [
    ErrorCode::InvalidRequest,
    ErrorCode::Forbidden,
    ErrorCode::RateLimited,
    ErrorCode::Internal,
    ErrorCode::Unavailable,
];

/// What a route can answer besides that needs an API key.
pub(crate) const WITH_KEY: [ErrorCode; 7] = [
    ErrorCode::Unauthorized,
    ErrorCode::SignatureRequired,
    ErrorCode::SignatureInvalid,
    ErrorCode::TenantSuspended,
    ErrorCode::AddressNotAllowed,
    ErrorCode::OriginNotAllowed,
    ErrorCode::ScopeMissing,
];

/// What a route with a body can answer besides.
pub(crate) const WITH_BODY: [ErrorCode; 2] = [ErrorCode::PayloadTooLarge, ErrorCode::UnsupportedMediaType];

/// Answers that are the same on each route, by the name of their component.
const SHARED: [(&str, u16, &[ErrorCode]); 10] = [
    ("InvalidRequest", 400, &[ErrorCode::InvalidRequest]),
    ("Unauthorized", 401, &[ErrorCode::Unauthorized, ErrorCode::SignatureRequired, ErrorCode::SignatureInvalid]),
    ("Forbidden", 403, &[ErrorCode::Forbidden]),
    (
        "ForbiddenToKey",
        403,
        &[
            ErrorCode::Forbidden,
            ErrorCode::TenantSuspended,
            ErrorCode::AddressNotAllowed,
            ErrorCode::OriginNotAllowed,
            ErrorCode::ScopeMissing,
        ],
    ),
    ("PayloadTooLarge", 413, &[ErrorCode::PayloadTooLarge]),
    ("UnsupportedMediaType", 415, &[ErrorCode::UnsupportedMediaType]),
    ("RateLimited", 429, &[ErrorCode::RateLimited]),
    ("Internal", 500, &[ErrorCode::Internal]),
    ("Unavailable", 503, &[ErrorCode::Unavailable]),
    ("Timeout", 504, &[ErrorCode::Unavailable]),
];

/// The headers of an answer that a quota is used up.
const QUOTA_FIELDS: [Field; 2] = [Field::RateLimitPolicy, Field::RateLimit];

/// The statuses that a code comes with: API Gateway answers 504 where a function took too long.
fn statuses(code: ErrorCode) -> Vec<u16> {
    if code == ErrorCode::Unavailable { vec![503, 504] } else { vec![code.status()] }
}

/// The responses of a route that can answer these codes and takes a body of so many bytes, by their status.
pub(crate) fn responses(
    codes: &[ErrorCode],
    max_body_bytes: Option<usize>,
    schemas: &mut Schemas,
) -> BTreeMap<u16, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    // In the order of the list of all codes.
    for code in ErrorCode::ALL.iter().filter(|code| codes.contains(code)) {
        for status in statuses(*code) {
            by_status.entry(status).or_default().push(*code);
        }
    }
    let response = |(status, codes): (u16, Vec<ErrorCode>)| {
        let shared = SHARED.iter().find(|(_, of, shared)| *of == status && codes == *shared);
        let response = match shared {
            Some((name, ..)) => {
                let mut reference = Ref::from_response_name(*name);
                if let Some(bytes) = max_body_bytes.filter(|_| codes.contains(&ErrorCode::PayloadTooLarge)) {
                    reference.description =
                        format!("`{}`: The body has more than {bytes} bytes", ErrorCode::PayloadTooLarge.as_str());
                }
                RefOr::Ref(reference)
            }
            None => RefOr::T(response(status, &codes, schemas)),
        };
        (status, response)
    };
    by_status.into_iter().map(response).collect()
}

/// The responses that [`responses`] refers to.
pub(crate) fn components(schemas: &mut Schemas) -> BTreeMap<String, RefOr<Response>> {
    let component = |(name, status, codes): &(&str, u16, &[ErrorCode])| {
        ((*name).to_owned(), RefOr::T(response(*status, codes, schemas)))
    };
    SHARED.iter().map(component).collect()
}

fn response(status: u16, codes: &[ErrorCode], schemas: &mut Schemas) -> Response {
    let described = codes.iter().map(|code| format!("`{}`: {}", code.as_str(), code.title()));
    let mut content = Content::new(Some(Schema::AllOf(
        AllOfBuilder::new().item(schemas.of_answer::<Problem>()).item(narrowed(status, codes)).build(),
    )));
    content.example = codes.first().map(|code| example(status, *code));
    let mut response = ResponseBuilder::new()
        .description(described.collect::<Vec<_>>().join(". "))
        .content("application/problem+json", content);
    let retry_after = [429, 503, 504].contains(&status).then_some(Field::RetryAfter);
    let of_quotas = if codes.contains(&ErrorCode::QuotaExceeded) { &QUOTA_FIELDS[..] } else { &[] };
    for field in ALWAYS.into_iter().chain(retry_after).chain(of_quotas.iter().copied()) {
        response = response.header_ref(field.name(), field.reference());
    }
    response.build()
}

/// A problem of this status with one of these codes.
fn narrowed(status: u16, codes: &[ErrorCode]) -> Object {
    let one_of = |kind, values: Vec<Value>| ObjectBuilder::new().schema_type(kind).enum_values(Some(values)).build();
    let codes = codes.iter().map(|code| json!(code.as_str())).collect();
    let error = ObjectBuilder::new().property("code", one_of(Type::String, codes)).build();
    ObjectBuilder::new().property("status", one_of(Type::Integer, vec![json!(status)])).property("error", error).build()
}

fn example(status: u16, code: ErrorCode) -> Value {
    let detail = ErrorDetail { field: "user_id".to_owned(), message: "is missing".to_owned() };
    let (message, details) = match code {
        ErrorCode::InvalidRequest => ("user_id: is missing", vec![detail]),
        _ => (code.title(), vec![]),
    };
    json!(Problem { status, ..Problem::new(code, message, details, "0f1c2d3e") })
}

//! The headers of answers, each described once.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::{Header, HeaderBuilder, Object, Ref, RefOr, Schema, Type};

/// A header of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    CacheControl,
    ContentSecurityPolicy,
    EntityTag,
    IdempotentReplayed,
    Location,
    RateLimit,
    RateLimitPolicy,
    RequestId,
    RetryAfter,
}

/// Those that every answer has.
pub(crate) const ALWAYS: [Field; 3] = [Field::RequestId, Field::CacheControl, Field::ContentSecurityPolicy];

const ALL: [Field; 9] = [
    Field::CacheControl,
    Field::ContentSecurityPolicy,
    Field::EntityTag,
    Field::IdempotentReplayed,
    Field::Location,
    Field::RateLimit,
    Field::RateLimitPolicy,
    Field::RequestId,
    Field::RetryAfter,
];

impl Field {
    /// As it is written in an answer.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::CacheControl => "Cache-Control",
            Self::ContentSecurityPolicy => "Content-Security-Policy",
            Self::EntityTag => "ETag",
            Self::IdempotentReplayed => "Idempotent-Replayed",
            Self::Location => "Location",
            Self::RateLimit => "RateLimit",
            Self::RateLimitPolicy => "RateLimit-Policy",
            Self::RequestId => "X-Request-Id",
            Self::RetryAfter => "Retry-After",
        }
    }

    /// A reference to its description.
    pub(crate) fn reference(self) -> Ref {
        Ref::new(format!("#/components/headers/{}", self.name()))
    }

    fn header(self) -> Header {
        let (about, kind, example): (_, _, Value) = match self {
            Self::CacheControl => ("`no-store`, but for an answer with an entity tag", Type::String, json!("no-store")),
            Self::ContentSecurityPolicy => ("What a page may load", Type::String, json!("default-src 'none'")),
            Self::EntityTag => (
                "What stands for this answer in `If-None-Match`",
                Type::String,
                json!("W/\"0123456789abcdef0123456789abcdef\""),
            ),
            Self::IdempotentReplayed => {
                ("`true` if the answer is of an earlier request with this idempotency key", Type::String, json!("true"))
            }
            Self::Location => (
                "A URL, relative to that of the request",
                Type::String,
                json!("jobs/job_0123456789abcdef0123456789abcdef"),
            ),
            Self::RateLimit => (
                "The calls that are left now, and the seconds until the whole burst is there again; of a quota of jobs \
                 that is used up, the seconds until its next window (draft-ietf-httpapi-ratelimit-headers-11)",
                Type::String,
                json!("\"flickr-app\";r=149;t=2"),
            ),
            Self::RateLimitPolicy => (
                "The calls of an hour of the Flickr app, or the quota of jobs that is used up",
                Type::String,
                json!("\"flickr-app\";q=3330;w=3600"),
            ),
            Self::RequestId => ("As `request_id` in the body; it finds the log lines", Type::String, json!("0f1c2d3e")),
            Self::RetryAfter => ("When to come back, in seconds", Type::Integer, json!(5)),
        };
        let schema = RefOr::T(Schema::Object(Object::with_type(kind)));
        HeaderBuilder::new().description(Some(about)).schema(Some(schema)).example(Some(example)).build()
    }
}

/// The descriptions that [`Field::reference`] refers to.
pub(crate) fn components() -> BTreeMap<String, RefOr<Header>> {
    ALL.iter().map(|field| (field.name().to_owned(), RefOr::T(field.header()))).collect()
}

use api::{ErrorCode, JobList, JobListQuery, JobQuery, JobStatusRequest, JobView, SubmitJobRequest};
use serde_json::json;
use utoipa::openapi::{Object, ObjectBuilder, Type};

use super::{
    examples::{JOB, METHOD, USER, completed, queued, raw, text},
    tags::JOBS,
};
use crate::{
    headers::Field,
    route::{Answer, Route},
};

pub(super) fn routes() -> Vec<Route> {
    vec![submit(), list(), of_user(), of_tenant()]
}

fn submit() -> Route {
    let request = SubmitJobRequest {
        method: Some(text(METHOD)),
        upload_id: None,
        source_url: None,
        params: raw(r#"{"text":"cat"}"#),
        user_id: text(USER),
        target: None,
        priority: None,
        cache: None,
        meta: Some(raw(r#"{"order":4711}"#)),
        run_at: None,
        delay_seconds: None,
    };
    let key = "1 to 255 printable ASCII characters, bare or in double quotes. A repeat with the same payload answers the \
               first job, one with another payload is refused.";
    Route::post("/v1/flickr/rest", "submitJob", JOBS, &request)
        .does(
            "Post a job",
            "From a 202 on FlickrHub is responsible for the job: it ends, whatever fails. A call names its `method` and \
             `params`; an `upload` or `replace` names its file, by `upload_id` or `source_url`.",
        )
        .header("Idempotency-Key", key, key_schema())
        .header("X-Idempotency-Key", "The same, for clients that cannot send the other.", key_schema())
        .header("traceparent", "W3C trace context, whose trace id goes with the job.", trace_schema())
        .answers(Answer::data(202, "The job is accepted", &queued()).with(&[
            Field::Location,
            Field::RateLimitPolicy,
            Field::RateLimit,
            Field::IdempotentReplayed,
        ]))
        .refuses(&[
            ErrorCode::MethodRefused,
            ErrorCode::AccountNotFound,
            ErrorCode::AppNotFound,
            ErrorCode::UploadNotFound,
            ErrorCode::UploadNotArrived,
            ErrorCode::KeyReused,
            ErrorCode::QuotaExceeded,
            ErrorCode::TooManyPending,
        ])
}

fn list() -> Route {
    let job = JobView { result: None, ..completed() };
    let page = JobList { jobs: vec![job], next_cursor: Some(format!("1790000000000.{JOB}")) };
    Route::get("/v1/flickr/jobs", "listJobs", JOBS)
        .does(
            "List the jobs of an account",
            "The latest accepted first, without their results. A page may hold few jobs, or none, and not be the last: \
             go on while `next_cursor` is not null.",
        )
        .query::<JobListQuery>()
        .answers(Answer::data(200, "A page of jobs", &page))
}

fn of_user() -> Route {
    let request = JobStatusRequest { job_id: text(JOB), user_id: text(USER), result: None };
    Route::post("/v1/flickr/jobs/status", "getJobOfAccount", JOBS, &request)
        .does("Read a job of an account", "A job of another account is unknown.")
        .answers(Answer::data(200, "The job", &completed()).with(&[Field::RetryAfter]))
        .refuses(&[ErrorCode::JobNotFound])
}

fn of_tenant() -> Route {
    let tags =
        "Entity tags that the client has answers of. If one is that of the job, the answer is 304 without a body.";
    Route::get("/v1/flickr/jobs/{job_id}", "getJob", JOBS)
        .does("Read a job", "A job that has ended has an entity tag, unless its answer has a `result_url`.")
        .query::<JobQuery>()
        .header("If-None-Match", tags, Object::with_type(Type::String))
        .answers(Answer::data(200, "The job", &completed()).with(&[Field::EntityTag, Field::RetryAfter]))
        .answers(Answer::nothing(304, "The job is as the client has it").with(&[Field::EntityTag]))
        .refuses(&[ErrorCode::JobNotFound])
}

fn key_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[ -~]+$"))
        .max_length(Some(512))
        .examples([json!("order-4711")])
        .build()
}

fn trace_schema() -> Object {
    let example = json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    ObjectBuilder::new().schema_type(Type::String).examples([example]).build()
}

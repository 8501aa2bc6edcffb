//! What a request for a job asks for.

use std::time::Duration;

use api::{ErrorCode, JobCacheOptions, JobTarget, SubmitJobRequest};
use domain::{
    AccountRef, TenantId,
    cache::CacheOptions,
    call::{InvalidMethod, MethodName, Params, RestCall},
    idempotency::Key,
    job::{FileCall, JobSpec, MAX_META_BYTES, Start, Target, Work},
    json,
    upload::{FileSource, UploadFields},
};
use edge::{Problem, translate::jobs::lane};
use http::HeaderMap;

/// The headers an idempotency key may come in.
const KEY_HEADERS: [&str; 2] = ["idempotency-key", "x-idempotency-key"];

/// When the job is to run.
///
/// # Errors
/// Names the field that cannot be accepted.
pub(crate) fn start(request: &SubmitJobRequest) -> Result<Start, Problem> {
    match (&request.run_at, request.delay_seconds) {
        (Some(_), Some(_)) => Err(Problem::field("delay_seconds", "cannot be given together with `run_at`")),
        (Some(at), None) => Ok(Start::At(edge::parse("run_at", at)?)),
        (None, Some(seconds)) => Ok(Start::After(Duration::from_secs(seconds))),
        (None, None) => Ok(Start::Now),
    }
}

/// The job that a tenant's request asks for.
///
/// # Errors
/// Names the first field that cannot be accepted.
pub(crate) fn spec(tenant: &TenantId, request: SubmitJobRequest) -> Result<JobSpec, Problem> {
    let work = work(&request)?;
    let meta = request.meta.map(|meta| self::meta(meta.get())).transpose()?;
    Ok(JobSpec {
        account: AccountRef { tenant: tenant.clone(), user: edge::parse("user_id", &request.user_id)? },
        work,
        priority: request.priority.map(lane).unwrap_or_default(),
        cache: request.cache.as_ref().map(cache_options).transpose()?.unwrap_or_default(),
        meta,
    })
}

/// What is to be done.
fn work(request: &SubmitJobRequest) -> Result<Work, Problem> {
    match request.target.unwrap_or(JobTarget::Rest) {
        JobTarget::Rest => rest_call(request).map(Work::Rest),
        JobTarget::Upload => file_call(request, Target::Upload).map(Work::Upload),
        JobTarget::Replace => file_call(request, Target::Replace).map(Work::Replace),
    }
}

fn of_another_target(field: &'static str, targets: &str) -> Problem {
    Problem::field(field, format!("is of a job whose target is {targets}"))
}

/// A call names its method.
fn rest_call(request: &SubmitJobRequest) -> Result<RestCall, Problem> {
    for (field, file) in [("upload_id", &request.upload_id), ("source_url", &request.source_url)] {
        if file.is_some() {
            return Err(of_another_target(field, "`upload` or `replace`"));
        }
    }
    let method = request.method.as_ref().ok_or_else(|| Problem::field("method", "is missing"))?;
    Ok(RestCall {
        method: self::method(method)?,
        params: Params::from_json(request.params.get()).map_err(|error| Problem::field("params", error.to_string()))?,
    })
}

fn method(text: &str) -> Result<MethodName, Problem> {
    text.parse().map_err(|error: InvalidMethod| match error {
        InvalidMethod::Shape => Problem::field("method", error.to_string()),
        InvalidMethod::Auth => Problem::new(ErrorCode::MethodRefused, error.to_string()),
    })
}

/// A file names its upload, or the URL where it is.
fn file_call(request: &SubmitJobRequest, target: Target) -> Result<FileCall, Problem> {
    if request.method.is_some() {
        return Err(of_another_target("method", "`rest`"));
    }
    let source = match (&request.upload_id, &request.source_url) {
        (Some(_), Some(_)) => return Err(Problem::field("source_url", "cannot be given together with `upload_id`")),
        (Some(id), None) => FileSource::Upload(edge::parse("upload_id", id)?),
        (None, Some(url)) => FileSource::Url(url.clone()),
        (None, None) => return Err(Problem::field("upload_id", "is missing, and so is `source_url`")),
    };
    if request.cache.is_some() {
        return Err(Problem::field("cache", "has no effect: what becomes of a file is never cached"));
    }
    let fields = UploadFields::from_json(request.params.get(), target);
    Ok(FileCall { source, fields: fields.map_err(|error| Problem::field("params", error.to_string()))? })
}

/// The caller's own JSON object as it was written, without white space between its parts.
fn meta(text: &str) -> Result<String, Problem> {
    let compact = json::compact(text);
    if compact.len() > MAX_META_BYTES {
        return Err(Problem::field("meta", format!("has more than {MAX_META_BYTES} bytes")));
    }
    match json::canonical_object(&compact) {
        Ok(_) => Ok(compact),
        Err(_) => {
            let message = format!("must be an object of Unicode texts, nested at most {} levels", json::MAX_DEPTH);
            Err(Problem::field("meta", message))
        }
    }
}

fn cache_options(options: &JobCacheOptions) -> Result<CacheOptions, Problem> {
    CacheOptions::new(options.ttl_seconds, options.bypass)
        .map_err(|error| Problem::field("cache.ttl_seconds", error.to_string()))
}

/// The request's idempotency key, in whichever header it came.
///
/// # Errors
/// When it is none, or two different keys were given.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<Key>, Problem> {
    let mut keys = KEY_HEADERS.iter().flat_map(|name| headers.get_all(*name).iter()).map(|value| {
        let text = value.to_str().unwrap_or_default();
        Key::parse(text).map_err(|error| Problem::field("Idempotency-Key", error.to_string()))
    });
    let first = keys.next().transpose()?;
    for other in keys {
        if Some(other?) != first {
            return Err(Problem::field("Idempotency-Key", "two different keys were given"));
        }
    }
    Ok(first)
}

//! Accepts jobs: `POST /v1/flickr/rest`.
//!
//! A job is validated, written once and sent; 202 says that it is the hub's from then on. One with
//! `run_at` or `delay_seconds` waits for its time first. One that the app's budget has no call for
//! stands in line, by its priority. One of an account whose jobs already wait in great number is
//! refused, with the time to come back. The answer says about when the job will start, and how the
//! budget stands.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::post,
};
use domain::{
    cache::Terms,
    call::{InvalidMethod, MethodName, Params},
    idempotency::Key,
    job::{MAX_META_BYTES, Order, Target},
    line::Priority,
};
use edge::{
    Authenticator, Code, Envelope, Json, Problem, RateLimit, RequestContext, Tenant, require_key, views::JobView,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hub::{
    line::Outlook,
    ports::{
        Catalogue, Clock, Entropy, FindCached, FindJob, FindReception, FindTenant, InsertJob, JoinLine, SendDispatch,
        TakeTurn,
    },
    submit::{Accepted, Start, Submit, Wish},
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The headers an idempotency key may come in.
const KEY_HEADERS: [&str; 2] = ["idempotency-key", "x-idempotency-key"];

/// The routes.
pub fn routes<P, F>(submit: Arc<Submit<P, F>>, authenticator: Arc<Authenticator<P>>) -> Router
where
    P: Clock
        + Entropy
        + FindTenant
        + FindReception
        + FindCached
        + FindJob
        + TakeTurn
        + JoinLine
        + InsertJob
        + SendDispatch
        + 'static,
    F: Catalogue + 'static,
{
    Router::new()
        .route("/v1/flickr/rest", post(accept::<P, F>))
        .with_state(submit)
        .layer(from_fn_with_state(authenticator, require_key::<P>))
}

/// `POST /v1/flickr/rest`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: String,
    #[serde(default)]
    params: Map<String, Value>,
    user_id: String,
    target: Option<Target>,
    priority: Option<Priority>,
    meta: Option<Map<String, Value>>,
    /// RFC 3339. Not with `delay_seconds`.
    run_at: Option<String>,
    /// Not with `run_at`.
    delay_seconds: Option<u64>,
}

impl Request {
    /// # Errors
    /// Names the field that cannot be accepted.
    fn start(&self) -> Result<Start, Problem> {
        match (&self.run_at, self.delay_seconds) {
            (Some(_), Some(_)) => Err(Problem::field("delay_seconds", "cannot be given together with `run_at`")),
            (Some(at), None) => Ok(Start::At(edge::parse("run_at", at)?)),
            (None, Some(seconds)) => Ok(Start::After(Duration::from_secs(seconds))),
            (None, None) => Ok(Start::Now),
        }
    }

    /// # Errors
    /// Names the first field that cannot be accepted.
    fn order(self) -> Result<Order, Problem> {
        let method: MethodName = self.method.parse().map_err(|error| match error {
            InvalidMethod::Shape => Problem::field("method", error.to_string()),
            InvalidMethod::Auth => Problem::new(Code::MethodRefused, error.to_string()),
        })?;
        let params = Params::from_json(&self.params).map_err(|error| Problem::field("params", error.to_string()))?;
        let meta = self.meta.map(|meta| Value::Object(meta).to_string());
        if meta.as_ref().is_some_and(|meta| meta.len() > MAX_META_BYTES) {
            return Err(Problem::field("meta", format!("has more than {MAX_META_BYTES} bytes")));
        }
        Ok(Order {
            user: edge::parse("user_id", &self.user_id)?,
            target: self.target.unwrap_or(Target::Rest),
            priority: self.priority.unwrap_or_default(),
            method,
            params,
            cache: Terms::default(),
            meta,
        })
    }
}

async fn accept<P, F>(
    State(submit): State<Arc<Submit<P, F>>>,
    Tenant(tenant): Tenant,
    context: RequestContext,
    headers: HeaderMap,
    Json(request): Json<Request>,
) -> Result<Response, Problem>
where
    P: Clock + Entropy + FindReception + FindCached + FindJob + TakeTurn + JoinLine + InsertJob + SendDispatch,
    F: Catalogue,
{
    let key = idempotency_key(&headers)?;
    let start = request.start()?;
    let wish = Wish { order: request.order()?, start, key, trace: context.trace };
    let Accepted { job, replayed, outlook } = submit.accept(&tenant, wish).await?;
    // Relative to the request's own URL, whatever stage or domain stands before it.
    let location = format!("jobs/{}", job.id);
    let estimated_start = outlook.as_ref().and_then(|outlook| outlook.estimated_start(&job));
    let view = JobView::of(job, None, estimated_start)?;
    let mut response = Envelope { status: StatusCode::ACCEPTED, data: view }.into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if let Some(Outlook { limit, standing, .. }) = &outlook {
        RateLimit::of(limit, standing, submit.ports.now()).insert(response.headers_mut());
    }
    if replayed {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// The request's idempotency key, in whichever header it came.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<Key>, Problem> {
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

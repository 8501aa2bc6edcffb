//! Where every answer leaves: it gets its request id, its headers and its log line.

use std::pin::pin;

use api::ErrorCode;
use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use domain::tenant::Origins;
use http::{HeaderName, HeaderValue, header};
use lambda_http::{Adapter, LambdaEvent, lambda_runtime, request::LambdaRequest, tower::service_fn};
use serde_json::Value;
use tokio::time::timeout;
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::{
    audit::Watched,
    context::RequestContext,
    cors,
    envelope::PendingData,
    event::normalized,
    problem::{PendingProblem, Problem},
};

/// The headers of every answer, unless it has its own: it shows nothing, is framed by nobody, is what it says it is, and
/// its host is asked in no other way than by TLS. API Gateway's own answers have the same (`template.yaml`).
const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// `routes`, ready to serve: unknown routes and methods answer as problems, and a panic does.
pub fn serve(routes: Router) -> Router {
    routes
        .fallback(|| async { Problem::new(ErrorCode::NotFound, "See the list of routes in the API's documentation") })
        .method_not_allowed_fallback(|| async { Problem::new(ErrorCode::MethodNotAllowed, "See the `Allow` header") })
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            Problem::new(ErrorCode::Internal, "It is logged under this request_id").into_response()
        }))
        .layer(from_fn(finish))
}

/// Serves routes on AWS Lambda behind API Gateway.
///
/// # Errors
/// When the Lambda Runtime API fails.
pub async fn lambda(gateway: impl Into<Gateway>) -> Result<(), lambda_http::Error> {
    let gateway = gateway.into();
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| gateway.answer(event).await)).await
}

/// Routes behind API Gateway. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gateway {
    routes: Router,
    /// What answers `OPTIONS`, in the function that the template sends it to.
    preflights: Option<Router>,
}

impl From<Router> for Gateway {
    fn from(routes: Router) -> Self {
        Self::new(routes)
    }
}

impl Gateway {
    /// Serves `routes`.
    pub fn new(routes: Router) -> Self {
        Self { routes: serve(routes), preflights: None }
    }

    /// The same, which also answers the preflights of all routes: those of pages of these origins alone may use the API.
    #[must_use]
    pub fn with_preflights(self, allowed: Origins) -> Self {
        Self { preflights: Some(cors::preflights(allowed).layer(from_fn(finish))), ..self }
    }

    /// The answer to one event of API Gateway, as API Gateway reads it.
    ///
    /// # Errors
    /// When the event is none of API Gateway's.
    pub async fn answer(&self, event: LambdaEvent<Value>) -> Result<Value, lambda_http::Error> {
        let LambdaEvent { payload, context } = event;
        let (routes, event) = match normalized(payload) {
            Ok(event) => (self.router(&event).clone(), event),
            Err(refused) => {
                let (problem, event) = *refused;
                (refusing(problem), event)
            }
        };
        let request: LambdaRequest = serde_json::from_value(event)?;
        let response = Adapter::from(routes).oneshot(LambdaEvent::new(request, context)).await?;
        Ok(serde_json::to_value(response)?)
    }

    /// What serves the event.
    fn router(&self, event: &Value) -> &Router {
        let is_preflight = event["httpMethod"] == "OPTIONS";
        self.preflights.as_ref().filter(|_| is_preflight).unwrap_or(&self.routes)
    }
}

/// Answers whatever is asked with this problem.
fn refusing(problem: Problem) -> Router {
    let answer = move || std::future::ready(problem.clone());
    Router::new().fallback(answer).layer(from_fn(finish))
}

async fn finish(mut request: Request, next: Next) -> Response {
    let context = RequestContext::of(&request);
    let span = tracing::info_span!(
        "request",
        request_id = context.request_id,
        trace_id = %context.trace,
        method = %request.method(),
        path = request.uri().path(),
    );
    request.extensions_mut().insert(context.clone());
    let watched = Watched::of(&request, &context);
    let answered = async {
        let response = dress(next.run(request).await, &context);
        tracing::info!(status = response.status().as_u16(), "answered");
        response
    };
    // Outside of the span, which has the path as it came.
    let response = in_time(&watched, answered.instrument(span)).await;
    watched.log_answered(&response);
    response
}

/// The answer. If it is not there before the function's time is over, the audit log is told of the request without it.
async fn in_time(watched: &Watched, answered: impl Future<Output = Response>) -> Response {
    let Some(time_left) = watched.time_left() else { return answered.await };
    let mut answered = pin!(answered);
    if let Ok(response) = timeout(time_left, &mut answered).await {
        return response;
    }
    watched.log_unfinished();
    answered.await
}

/// The answer with its body and headers for this request.
fn dress(mut response: Response, context: &RequestContext) -> Response {
    let document = match (response.extensions().get::<PendingData>(), response.extensions().get::<PendingProblem>()) {
        (Some(data), _) => Some(("application/json", data.document(context))),
        (None, Some(problem)) => Some(("application/problem+json", problem.document(context))),
        (None, None) => None,
    };
    if let Some((media_type, document)) = document {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(document);
    }
    let headers = response.headers_mut();
    // But for an answer that may be stored under its entity tag.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    for (name, value) in SECURITY_HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(&context.request_id) {
        headers.insert("x-request-id", id);
    }
    response
}

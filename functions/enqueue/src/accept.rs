//! `POST /v1/flickr/rest`.

use std::sync::Arc;

use api::SubmitJobRequest;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use edge::{Authenticated, Envelope, Json, Problem, RateLimit, RequestContext, Touched, translate::jobs};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hub::{
    fair_queue::QueueForecast,
    ports::{Entropy, FairQueues, JobCounts, Uploads},
    submit::{Accepted, Submit, SubmitRequest},
    transition,
};

use crate::request::{idempotency_key, spec, start};

pub(crate) async fn post<P>(
    State(submit): State<Arc<Submit<P>>>,
    Authenticated(principal): Authenticated,
    context: RequestContext,
    headers: HeaderMap,
    Json(request): Json<SubmitJobRequest>,
) -> Result<Response, Problem>
where
    P: transition::Ports + Entropy + FairQueues + JobCounts + Uploads,
{
    let key = idempotency_key(&headers)?;
    let start = start(&request)?;
    let spec = spec(principal.tenant(), request)?;
    let request = SubmitRequest { spec, start, key, trace: context.trace };
    let Accepted { job, replayed, forecast } = submit.accept(&principal, request).await?;
    // Relative to the request's own URL, whatever stage or domain is in front of it.
    let location = format!("jobs/{}", job.id);
    let touched = Touched::ids([job.id.as_str(), job.spec.account.user.as_str()]);
    let estimated_start = forecast.as_ref().and_then(|forecast| forecast.estimated_start(&job));
    let data = jobs::without_result(job, estimated_start, None)?;
    let mut response = (touched, Envelope { status: StatusCode::ACCEPTED, data }).into_response();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if let Some(QueueForecast { limit, status, .. }) = &forecast {
        RateLimit::of(limit, status, submit.ports.now()).insert(response.headers_mut());
    }
    if replayed {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    Ok(response)
}

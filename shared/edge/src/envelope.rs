//! The shape of a success: `{"request_id", "data", "error": null}`.

use api::{ErrorCode, Success};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{context::RequestContext, problem::Problem};

/// A success on its way to the client.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<T> {
    pub status: StatusCode,
    /// What `data` holds.
    pub data: T,
}

impl<T: Serialize> Envelope<T> {
    /// 200 with `data`.
    pub fn ok(data: T) -> Self {
        Self { status: StatusCode::OK, data }
    }
}

/// Data that waits for the request's id: handlers do not know it, [`crate::serve`] does.
#[derive(Clone)]
pub(crate) struct PendingData(std::sync::Arc<RawValue>);

impl PendingData {
    /// The document, for this request.
    pub(crate) fn document(&self, context: &RequestContext) -> Vec<u8> {
        let success = Success { request_id: context.request_id.clone(), data: &*self.0, error: () };
        serde_json::to_vec(&success).unwrap_or_default()
    }
}

impl<T: Serialize> IntoResponse for Envelope<T> {
    fn into_response(self) -> Response {
        match serde_json::value::to_raw_value(&self.data) {
            Ok(data) => {
                let mut response = self.status.into_response();
                response.extensions_mut().insert(PendingData(data.into()));
                response
            }
            Err(error) => {
                tracing::error!(%error, "an answer cannot be written as JSON");
                Problem::new(ErrorCode::Internal, "It is logged under this request_id").into_response()
            }
        }
    }
}

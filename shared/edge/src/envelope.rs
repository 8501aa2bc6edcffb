//! The shape of a success: `{"request_id", "data", "error": null}`.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    context::RequestContext,
    problem::{Code, Problem},
};

/// A success on its way to the client.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<T> {
    /// The status.
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
        let request_id = serde_json::Value::from(context.request_id.as_str());
        format!(r#"{{"request_id":{request_id},"data":{},"error":null}}"#, self.0.get()).into_bytes()
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
                Problem::new(Code::Internal, "It is logged under this request_id").into_response()
            }
        }
    }
}

//! An AWS that answers as it is told, to test what an adapter makes of an answer.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::{
    client::{
        behavior_version::BehaviorVersion,
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use aws_smithy_types::{body::SdkBody, retry::RetryConfig};
use aws_types::{SdkConfig, region::Region};

/// An AWS that answers as it is told.
#[derive(Clone, Debug)]
pub(crate) struct Answering {
    answer: Answer,
    asked: Arc<Mutex<Vec<String>>>,
    requests: Arc<Mutex<Vec<String>>>,
    headers: Arc<Mutex<BTreeMap<String, String>>>,
}

#[derive(Clone, Debug)]
enum Answer {
    Same(u16, String),
    By(fn(&HttpRequest) -> HttpResponse),
}

impl Answering {
    /// One whose every answer is the same.
    pub(crate) fn new(status: u16, body: &serde_json::Value) -> Self {
        Self::text(status, &body.to_string())
    }

    /// As [`Answering::new`], for a service that does not answer in JSON.
    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self::with(Answer::Same(status, body.to_owned()))
    }

    /// One whose answer depends on the request.
    pub(crate) fn by(answer: fn(&HttpRequest) -> HttpResponse) -> Self {
        Self::with(Answer::By(answer))
    }

    fn with(answer: Answer) -> Self {
        Self { answer, asked: Arc::default(), requests: Arc::default(), headers: Arc::default() }
    }

    /// A configuration of clients that ask it, once for each request.
    pub(crate) fn config(&self) -> SdkConfig {
        let connector = SharedHttpConnector::new(self.clone());
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("key", "secret", None, None, "test")))
            .region(Region::new("us-east-1"))
            .retry_config(RetryConfig::disabled())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build()
    }

    /// The headers of the last request.
    pub(crate) fn headers(&self) -> BTreeMap<String, String> {
        self.headers.lock().unwrap().clone()
    }

    /// The methods and URLs of the requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// The bodies of the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl HttpConnector for Answering {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let headers = request.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        *self.headers.lock().unwrap() = headers.collect();
        let body = request.body().bytes().unwrap_or_default();
        self.requests.lock().unwrap().push(String::from_utf8(body.to_vec()).unwrap());
        self.asked.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
        HttpConnectorFuture::ready(Ok(match &self.answer {
            Answer::Same(status, body) => {
                HttpResponse::new(StatusCode::try_from(*status).unwrap(), SdkBody::from(body.clone()))
            }
            Answer::By(answer) => answer(&request),
        }))
    }
}

//! Single HTTP requests, each with a time limit.

use std::time::Duration;

use aws::ConfigError;
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use hub::chain;
use serde::de::DeserializeOwned;

/// The longest that a request may take, to the end of the answer. A cold function is slower than any service of AWS.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// Sends requests, and follows no redirect and repeats none.
#[derive(Debug, Clone)]
pub struct Http {
    connector: SharedHttpConnector,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The header `Date`.
    pub date: Option<String>,
    /// The header `x-amzn-errortype`, by which some services of AWS say what is wrong.
    pub error_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Http {
    /// # Errors
    /// When the environment names an unknown trust store.
    pub fn new() -> Result<Self, ConfigError> {
        Ok(Self { connector: aws::http_connector()? })
    }

    /// Sends `request`, once.
    ///
    /// # Errors
    /// Why there is no answer, for people.
    pub async fn send(&self, request: http::Request<String>) -> Result<Reply, String> {
        let sent = tokio::time::timeout(TIME_LIMIT, self.exchange(request)).await;
        sent.unwrap_or_else(|_| Err(format!("no answer within {} seconds", TIME_LIMIT.as_secs())))
    }

    async fn exchange(&self, request: http::Request<String>) -> Result<Reply, String> {
        let request = HttpRequest::try_from(request.map(SdkBody::from)).map_err(|error| chain(&error))?;
        let response = self.connector.call(request).await.map_err(|error| chain(&error))?;
        let header = |name| response.headers().get(name).map(str::to_owned);
        let (date, error_type) = (header("date"), header("x-amzn-errortype"));
        let status = response.status().as_u16();
        let body = ByteStream::new(response.into_body()).collect().await.map_err(|error| chain(&error))?.to_vec();
        Ok(Reply { status, date, error_type, body })
    }
}

impl Reply {
    /// Whether it is a success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body, if it is JSON of this type.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }
}

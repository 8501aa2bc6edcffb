//! Requests of AWS: one signed request each, and the few members of the answer that are needed.
//!
//! The services that are asked so speak JSON. An SDK client for each would be a large crate for a request or two.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::{Credentials, provider::ProvideCredentials};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_types::SdkConfig;
use domain::Timestamp;
use hub::{chain, ports::Clock};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::http::{Http, Reply};

/// A service of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    ApiGateway,
    CloudWatch,
    CloudWatchLogs,
    DynamoDb,
    Kms,
    Lambda,
    SecretsManager,
    Sqs,
}

impl Service {
    /// Its name in its host's name and in signatures.
    const fn name(self) -> &'static str {
        match self {
            Self::ApiGateway => "apigateway",
            Self::CloudWatch => "monitoring",
            Self::CloudWatchLogs => "logs",
            Self::DynamoDb => "dynamodb",
            Self::Kms => "kms",
            Self::Lambda => "lambda",
            Self::SecretsManager => "secretsmanager",
            Self::Sqs => "sqs",
        }
    }

    /// Its name before that of an operation, and the version of AWS JSON that it speaks; none of one with paths.
    const fn target(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::CloudWatch => Some(("GraniteServiceVersion20100801", "1.0")),
            Self::CloudWatchLogs => Some(("Logs_20140328", "1.1")),
            Self::DynamoDb => Some(("DynamoDB_20120810", "1.0")),
            Self::Kms => Some(("TrentService", "1.1")),
            Self::SecretsManager => Some(("secretsmanager", "1.1")),
            Self::Sqs => Some(("AmazonSQS", "1.0")),
            Self::ApiGateway | Self::Lambda => None,
        }
    }
}

/// Why AWS did not say what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// There is no such thing.
    NotFound,
    /// Any other reason, for people.
    Because(String),
}

/// An operator of a stack, who asks.
pub struct Aws<C> {
    http: Http,
    clock: C,
    identity: Identity,
    region: String,
    endpoint: Option<String>,
}

impl<C: Clock> Aws<C> {
    /// Asks with the credentials, the region and the endpoint of `config`.
    ///
    /// # Errors
    /// When there are no credentials.
    pub async fn new(config: &SdkConfig, http: Http, clock: C) -> Result<Self, crate::stack::Error> {
        let missing = crate::stack::Error::NoCredentials;
        let provider = config.credentials_provider().ok_or(missing(None))?;
        let credentials: Credentials = provider.provide_credentials().await.map_err(|error| missing(Some(error)))?;
        let region = config.region().ok_or(crate::stack::Error::NoRegion)?.to_string();
        let endpoint = config.endpoint_url().map(|url| url.trim_end_matches('/').to_owned());
        Ok(Self { http, clock, identity: credentials.into(), region, endpoint })
    }

    /// The clock of this machine.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Calls an operation of a service that speaks AWS JSON.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn call<T: DeserializeOwned>(
        &self,
        service: Service,
        operation: &str,
        input: &Value,
    ) -> Result<T, Unanswered> {
        let mut request = http::Request::post(self.url(service, "/"));
        if let Some((target, version)) = service.target() {
            request = request.header("x-amz-target", format!("{target}.{operation}"));
            request = request.header("content-type", format!("application/x-amz-json-{version}"));
        }
        read(self.send(service, request, input.to_string()).await.map_err(Unanswered::Because)?)
    }

    /// Reads what is at a path of a service that speaks REST.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn get<T: DeserializeOwned>(&self, service: Service, path: &str) -> Result<T, Unanswered> {
        let request = http::Request::get(self.url(service, path));
        read(self.send(service, request, String::new()).await.map_err(Unanswered::Because)?)
    }

    /// Sends JSON to a path of a service that speaks REST.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn ask<T: DeserializeOwned>(
        &self,
        service: Service,
        method: http::Method,
        path: &str,
        body: &Value,
    ) -> Result<T, Unanswered> {
        let request = http::Request::builder().method(method).uri(self.url(service, path));
        let request = request.header("content-type", "application/json").header("accept", "application/json");
        read(self.send(service, request, body.to_string()).await.map_err(Unanswered::Because)?)
    }

    /// The header `Date` of some answer of AWS, even of a refusal.
    ///
    /// # Errors
    /// Why there is no answer, for people.
    pub async fn date(&self) -> Result<Option<String>, String> {
        let request = http::Request::post(self.url(Service::Kms, "/"));
        let request = request.header("x-amz-target", "TrentService.ListKeys");
        let request = request.header("content-type", "application/x-amz-json-1.1");
        Ok(self.send(Service::Kms, request, json!({ "Limit": 1 }).to_string()).await?.date)
    }

    fn url(&self, service: Service, path: &str) -> String {
        let Self { region, endpoint, .. } = self;
        match endpoint {
            Some(endpoint) => format!("{endpoint}{path}"),
            None => {
                let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
                format!("https://{}.{region}.{suffix}{path}", service.name())
            }
        }
    }

    /// Signs and sends, once.
    async fn send(&self, service: Service, request: http::request::Builder, body: String) -> Result<Reply, String> {
        let mut request = request.body(body).map_err(|error| chain(&error))?;
        let since_epoch = u64::try_from(self.clock.now().as_milliseconds()).unwrap_or_default();
        let time: SystemTime = UNIX_EPOCH + Duration::from_millis(since_epoch);
        let parameters = v4::SigningParams::builder()
            .identity(&self.identity)
            .region(&self.region)
            .name(service.name())
            .time(time)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| chain(&error))?
            .into();
        let uri = request.uri().to_string();
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect();
        let signable = SignableRequest::new(
            request.method().as_str(),
            uri,
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())),
            SignableBody::Bytes(request.body().as_bytes()),
        );
        let signed = signable.and_then(|signable| sign(signable, &parameters)).map_err(|error| chain(&error))?;
        signed.into_parts().0.apply_to_request_http1x(&mut request);
        self.http.send(request).await
    }
}

/// What an error of AWS looks like; the services do not agree on its members' names.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(rename = "__type", alias = "code")]
    kind: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

/// The answer's body as `T`.
fn read<T: DeserializeOwned>(reply: Reply) -> Result<T, Unanswered> {
    if reply.is_success() {
        return reply.json().ok_or_else(|| Unanswered::Because("AWS answered something unexpected".to_owned()));
    }
    let refusal: Refusal = reply.json().unwrap_or_default();
    let kind = refusal.kind.or(reply.error_type).unwrap_or_default();
    // As `com.amazonaws.kms#NotFoundException` or `ResourceNotFoundException:http://...`.
    let kind = kind.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default();
    if kind.contains("NotFound") || kind.contains("DoesNotExist") || kind.contains("NonExistent") {
        return Err(Unanswered::NotFound);
    }
    let message = refusal.message.unwrap_or_default();
    let parts = [format!("HTTP {}", reply.status), kind.to_owned(), message];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Err(Unanswered::Because(parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, error_type: Option<&str>, body: &str) -> Reply {
        Reply { status, date: None, error_type: error_type.map(str::to_owned), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn an_answer_is_read_as_what_was_asked() {
        assert_eq!(read::<Value>(reply(200, None, r#"{"a":1}"#)), Ok(json!({ "a": 1 })));
        assert!(matches!(read::<Vec<u8>>(reply(200, None, "<html>")), Err(Unanswered::Because(_))));
    }

    #[test]
    fn what_is_not_there_is_told_from_other_refusals() {
        let missing = [
            reply(400, None, r#"{"__type":"NotFoundException","message":"Key 'x' does not exist"}"#),
            reply(400, None, r#"{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}"#),
            reply(400, None, r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no queue"}"#),
            reply(404, Some("ResourceNotFoundException"), r#"{"Type":"User","Message":"Function not found"}"#),
            reply(404, Some("ResourceNotFoundException:http://internal.amazon.com/"), "{}"),
        ];
        for reply in missing {
            assert_eq!(read::<Value>(reply.clone()), Err(Unanswered::NotFound), "{reply:?}");
        }
        let denied = reply(400, None, r#"{"__type":"AccessDeniedException","Message":"User: x is not authorized"}"#);
        let said = "HTTP 400, AccessDeniedException, User: x is not authorized".to_owned();
        assert_eq!(read::<Value>(denied), Err(Unanswered::Because(said)));
        assert_eq!(read::<Value>(reply(502, None, "<html>")), Err(Unanswered::Because("HTTP 502".to_owned())));
    }
}

//! What all SDK clients share: credentials, one HTTP client, time limits, retries.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::{
    Builder, Connector,
    tls::{Provider, TlsContext, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    behavior_version::BehaviorVersion,
    http::{HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn},
    stalled_stream_protection::StalledStreamProtectionConfig,
};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{SdkConfig, region::Region};

use domain::timing::{AWS_ATTEMPT, AWS_REQUEST, SLOW_AWS_ATTEMPT, SLOW_AWS_REQUEST};

use crate::{
    settings::variable,
    trust::{self, TrustStore},
};

/// A client that is made when it is first needed, since not every function comes to need each.
pub(crate) type Lazily<T> = Arc<LazyLock<T, Box<dyn FnOnce() -> T + Send>>>;

/// A client of this configuration, to be made by `make`.
pub(crate) fn lazily<T: 'static>(config: &SdkConfig, make: fn(&SdkConfig) -> T) -> Lazily<T> {
    let config = config.clone();
    Arc::new(LazyLock::new(Box::new(move || make(&config))))
}

/// The environment does not say how to reach AWS.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It lacks credentials or region.
    #[error("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION must be set; AWS Lambda sets them")]
    NoCredentials,
    /// It names an unknown trust store.
    #[error(transparent)]
    TrustStore(#[from] trust::Unknown),
    /// The HTTP client cannot be made.
    #[error("the HTTP client of AWS could not be made")]
    Http(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What the environment says of `name`; an empty variable says nothing.
fn said(name: &str) -> Option<String> {
    variable(name).filter(|value| !value.is_empty())
}

/// The configuration of all SDK clients. `AWS_ENDPOINT_URL`, where set, stands for every service.
///
/// # Errors
/// When the environment has no credentials or no region, or names an unknown trust store.
pub fn sdk_config() -> Result<SdkConfig, Error> {
    let required = |name| said(name).ok_or(Error::NoCredentials);
    let credentials = Credentials::new(
        required("AWS_ACCESS_KEY_ID")?,
        required("AWS_SECRET_ACCESS_KEY")?,
        said("AWS_SESSION_TOKEN"),
        None,
        "environment",
    );
    let region = required("AWS_REGION").or_else(|_| required("AWS_DEFAULT_REGION"))?;
    let endpoint = said("AWS_ENDPOINT_URL");
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .region(Region::new(region))
        .http_client(http_client()?)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .timeout_config(if endpoint.is_some() { slow() } else { prompt() })
        // Where an answer is read whole within its attempt, the attempt's time limit does the same.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .retry_config(RetryConfig::standard().with_max_attempts(3));
    if let Some(url) = endpoint {
        config = config.endpoint_url(url);
    }
    Ok(config.build())
}

/// The time limits of small requests.
fn prompt() -> TimeoutConfig {
    limits(AWS_ATTEMPT, AWS_REQUEST)
}

/// The time limits of requests that take longer.
pub(crate) fn slow() -> TimeoutConfig {
    limits(SLOW_AWS_ATTEMPT, SLOW_AWS_REQUEST)
}

fn limits(attempt: Duration, whole: Duration) -> TimeoutConfig {
    let connect = attempt.min(Duration::from_secs(1));
    TimeoutConfig::builder()
        .connect_timeout(connect)
        .operation_attempt_timeout(attempt)
        .operation_timeout(whole)
        .build()
}

/// The one HTTP client of all SDK clients: they share its connections, and it is made when the first of them sends
/// something. Given as it is, each of them would make one more at once, as a test. `TRUST_STORE` is whose certificates
/// AWS may show, by default those of Amazon alone.
///
/// # Errors
/// When the environment names an unknown trust store.
pub fn http_client() -> Result<SharedHttpClient, Error> {
    let client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls()?).build_https();
    Ok(http_client_fn(move |settings, components| client.http_connector(settings, components)))
}

/// What sends single HTTP requests to AWS, outside of any SDK client; it trusts whom [`http_client`] trusts.
///
/// # Errors
/// When the environment names an unknown trust store.
pub fn http_connector() -> Result<SharedHttpConnector, Error> {
    // Who asks so may be far from the region.
    let settings = HttpConnectorSettings::builder().connect_timeout(Duration::from_secs(5)).build();
    let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls()?);
    let connector = connector.connector_settings(settings).sleep_impl(SharedAsyncSleep::new(TokioSleep::new()));
    Ok(SharedHttpConnector::new(connector.build()))
}

/// Whom connections to AWS trust.
fn tls() -> Result<TlsContext, Error> {
    let trust_store: TrustStore = said("TRUST_STORE").map(|name| name.parse()).transpose()?.unwrap_or_default();
    let tls = TlsContext::builder().with_trust_store(trust_store.into()).build();
    tls.map_err(|error| Error::Http(error.into()))
}

//! The Lambda of the dead-letter desk.

use std::sync::Arc;

use aws::{Cloud, Settings};
use dlq_replay::Service;
use edge::Authenticator;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::logging::start();
    let settings = Settings::from_env()?;
    let config = aws::sdk_config()?;
    let ports = Cloud::new(&config, &settings);
    let (keyed_hash, ()) = tokio::join!(aws::keyed_hash(&config, &settings), ports.open_tables());
    let keyed_hash = keyed_hash?;
    let authenticator = Authenticator { ports: ports.clone(), keyed_hash };
    let service = Service::new(Arc::new(ports), Arc::new(authenticator));
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| service.take(event).await)).await
}

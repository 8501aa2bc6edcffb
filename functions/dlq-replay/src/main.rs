//! The Lambda of dead-letter queues and dead jobs.

use std::sync::Arc;

use aws::Aws;
use dlq_replay::Service;
use edge::Authenticator;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let aws = Aws::start()?;
    let (ports, limits) = (aws.cloud.clone(), aws.settings.limits);
    let allowed_origins = aws.settings.allowed_origins.clone();
    let (keyed_hash, secrets) = (aws.keyed_hash().await?, aws.vaults()?.secrets);
    let authenticator = Authenticator { ports: ports.clone(), keyed_hash, limits, secrets, allowed_origins };
    let service = Service::new(Arc::new(ports), Arc::new(authenticator));
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| service.take(event).await)).await
}

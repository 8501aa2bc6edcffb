//! The Lambda that reads jobs and usage.

use std::sync::Arc;

use aws::Aws;
use edge::Authenticator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let aws = Aws::start()?;
    let (ports, limits) = (aws.cloud.clone(), aws.settings.limits);
    let (keyed_hash, secrets) = (aws.keyed_hash().await?, aws.vaults()?.secrets);
    let authenticator = Authenticator { ports: ports.clone(), keyed_hash, limits, secrets };
    edge::lambda(status::routes(Arc::new(ports), Arc::new(authenticator))).await
}

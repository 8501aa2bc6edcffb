//! The Lambda that reads jobs and usage.

use std::sync::Arc;

use aws::Aws;
use edge::{Authenticator, Gateway};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let aws = Aws::start()?;
    let (ports, limits) = (aws.cloud.clone(), aws.settings.limits);
    let allowed_origins = aws.settings.allowed_origins.clone();
    let (keyed_hash, secrets) = (aws.keyed_hash().await?, aws.vaults()?.secrets);
    let authenticator =
        Authenticator { ports: ports.clone(), keyed_hash, limits, secrets, allowed_origins: allowed_origins.clone() };
    let gateway = Gateway::new(status::routes(Arc::new(ports), Arc::new(authenticator)));
    edge::lambda(gateway.with_preflights(allowed_origins)).await
}

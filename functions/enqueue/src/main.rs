//! The Lambda that accepts jobs.

use std::sync::Arc;

use aws::Aws;
use edge::Authenticator;
use flickr::CATALOGUE;
use hub::submit::Submit;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let aws = Aws::start()?;
    let (ports, limits, sources) = (aws.cloud.clone(), aws.settings.limits, aws.settings.sources.clone());
    let (secrets, allowed_origins) = (aws.vaults()?.secrets, aws.settings.allowed_origins.clone());
    let (keyed_hash, ()) = tokio::join!(aws.keyed_hash(), ports.open_queues());
    let submit = Submit { ports: ports.clone(), catalogue: &CATALOGUE, sources };
    let authenticator = Authenticator { ports, keyed_hash: keyed_hash?, limits, secrets, allowed_origins };
    edge::lambda(enqueue::routes(Arc::new(submit), Arc::new(authenticator))).await
}

//! The Lambda that accepts jobs.

use std::sync::Arc;

use aws::{Cloud, Settings};
use edge::Authenticator;
use hub::submit::Submit;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    aws::logging::start();
    let settings = Settings::from_env()?;
    let config = aws::sdk_config()?;
    let ports = Cloud::new(&config, &settings);
    let secret = aws::keyed_hash(&config, &settings);
    let (keyed_hash, ..) = tokio::join!(secret, ports.open_tables(), ports.open_queue());
    let keyed_hash = keyed_hash?;
    let submit = Submit {
        ports: ports.clone(),
        catalogue: flickr::Catalogue,
        limits: settings.limits,
        max_pending_jobs: settings.max_pending_jobs,
    };
    edge::lambda(enqueue::routes(Arc::new(submit), Arc::new(Authenticator { ports, keyed_hash }))).await
}

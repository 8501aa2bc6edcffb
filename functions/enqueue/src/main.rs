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
    let keyed_hash = aws::keyed_hash(&config, &settings).await?;
    let submit = Submit {
        ports: ports.clone(),
        catalogue: flickr::Catalogue,
        limits: settings.limits,
        max_pending_jobs: settings.max_pending_jobs,
    };
    edge::lambda(enqueue::routes(Arc::new(submit), Arc::new(Authenticator { ports, keyed_hash }))).await
}

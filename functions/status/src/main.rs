//! The Lambda that reads jobs.

use std::sync::Arc;

use aws::{Cloud, Settings};
use edge::Authenticator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    aws::logging::start();
    let settings = Settings::from_env()?;
    let config = aws::sdk_config()?;
    let ports = Cloud::new(&config, &settings);
    let (keyed_hash, ()) = tokio::join!(aws::keyed_hash(&config, &settings), ports.open_tables());
    let keyed_hash = keyed_hash?;
    let authenticator = Authenticator { ports: ports.clone(), keyed_hash };
    edge::lambda(status::routes(Arc::new(ports), settings.limits, Arc::new(authenticator))).await
}

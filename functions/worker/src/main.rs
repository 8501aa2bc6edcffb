//! The Lambda that runs jobs.

use std::sync::Arc;

use aws::{Cloud, Settings};
use aws_lambda_events::sqs::SqsEvent;
use flickr::{Client, Hosts};
use hub::{cache::Tally, worker::Worker};
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::logging::start();
    let settings = Settings::from_env()?;
    let config = aws::sdk_config()?;
    let ports = Cloud::new(&config, &settings);
    ports.open_tables().await;
    let vaults = aws::vaults(&config, &settings)?;
    let flickr = Client::new(Hosts::from_setting(settings.flickr_url.as_deref())?, ports.clone())?;
    let (policy, limits) = (settings.rest_retries, settings.limits);
    let worker = Arc::new(Worker { ports, flickr, vaults, policy, limits, tally: Tally::default() });
    lambda_runtime::run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        Ok::<_, Error>(worker::run(Arc::clone(&worker), event.payload, &event.context.request_id).await)
    }))
    .await
}

//! The Lambda that runs jobs.

use std::sync::Arc;

use aws::{Aws, Settings};
use aws_lambda_events::sqs::SqsEvent;
use flickr::{CATALOGUE, Client, Hosts};
use hub::{budget::Grants, run::Worker};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use worker::HttpSources;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let aws = Aws::start()?;
    let (ports, vaults) = (aws.cloud.clone(), aws.vaults()?);
    ports.open_tables().await;
    let flickr = Client::new(Hosts::from_setting(aws.settings.flickr_url.as_deref())?, ports.clone())?;
    let Settings { retries, limits, file_rules, sources, .. } = aws.settings;
    let sources = Arc::new(HttpSources::new(sources)?);
    let (catalogue, grants) = (&CATALOGUE, Grants::default());
    let worker = Arc::new(Worker { ports, flickr, catalogue, vaults, retries, file_rules, sources, limits, grants });
    lambda_runtime::run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        Ok::<_, Error>(worker::run(Arc::clone(&worker), event.payload, &event.context.request_id).await)
    }))
    .await
}

//! The Lambda that sweeps.

use aws::{Cloud, Settings};
use domain::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::logging::start();
    let settings = Settings::from_env()?;
    let config = aws::sdk_config()?;
    let ports = Cloud::new(&config, &settings);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let deadline = i64::try_from(event.context.deadline).unwrap_or(i64::MAX);
        Ok::<_, Error>(sweep::run(&ports, &settings.limits, Timestamp::from_milliseconds(deadline)).await?)
    }))
    .await
}

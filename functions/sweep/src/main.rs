//! The Lambda that sweeps.

use aws::Aws;
use domain::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let Aws { cloud, settings, .. } = &Aws::start()?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let deadline = i64::try_from(event.context.deadline).unwrap_or(i64::MAX);
        Ok::<_, Error>(sweep::run(cloud, &settings.limits, Timestamp::from_milliseconds(deadline)).await?)
    }))
    .await
}

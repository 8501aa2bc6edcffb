//! The Lambda that sweeps.

use aws::Aws;
use domain::Timestamp;
use hub::ports::SweepScope;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let aws = &Aws::start()?;
    let (others, limits) = (&aws.sweeps(), &aws.settings.limits);
    lambda_runtime::run(service_fn(async |event: LambdaEvent<SweepScope>| {
        let deadline = i64::try_from(event.context.deadline).unwrap_or(i64::MAX);
        let deadline = Timestamp::from_milliseconds(deadline);
        Ok::<_, Error>(sweep::run(&aws.cloud, others, limits, &event.payload, deadline).await?)
    }))
    .await
}

//! The Lambda that copies lines into the audit log.

use aws::Aws;
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let log = Aws::start()?.audit_log();
    lambda_runtime::run(service_fn(async |event: LambdaEvent<audit::Delivery>| {
        Ok::<_, Error>(audit::take(&log, &event.payload).await?)
    }))
    .await
}

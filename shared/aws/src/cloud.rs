//! One value that implements all ports that stand on AWS.

use aws_sdk_dynamodb::Client as Dynamo;
use aws_sdk_s3::Client as S3;
use aws_sdk_sqs::Client as Sqs;
use aws_types::SdkConfig;

use crate::{budget::Seen, results_bucket, settings::Settings};

/// DynamoDB's tables, SQS's queues and S3's bucket. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cloud {
    pub(crate) dynamo: Dynamo,
    pub(crate) sqs: Sqs,
    pub(crate) s3: S3,
    pub(crate) vault_table: String,
    pub(crate) jobs_table: String,
    pub(crate) runtime_table: String,
    pub(crate) rest_queue_url: String,
    pub(crate) results_bucket: String,
    pub(crate) budgets: Seen,
}

impl Cloud {
    /// The tables and queues that `settings` names.
    pub fn new(config: &SdkConfig, settings: &Settings) -> Self {
        Self {
            dynamo: Dynamo::new(config),
            sqs: Sqs::new(config),
            s3: results_bucket::client(config),
            vault_table: settings.vault_table.clone(),
            jobs_table: settings.jobs_table.clone(),
            runtime_table: settings.runtime_table.clone(),
            rest_queue_url: settings.rest_queue_url.clone(),
            results_bucket: settings.results_bucket.clone(),
            budgets: Seen::default(),
        }
    }
}

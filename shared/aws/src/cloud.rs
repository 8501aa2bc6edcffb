//! One value that implements all ports that stand on AWS.

use std::sync::{Arc, LazyLock};

use aws_sdk_dynamodb::Client as Dynamo;
use aws_sdk_s3::Client as S3;
use aws_sdk_sqs::Client as Sqs;
use aws_types::SdkConfig;

use crate::{
    budget::Seen,
    known::{KnownAccounts, KnownApps, KnownKeys},
    results_bucket,
    settings::Settings,
};

/// A client that is made when it is first needed, since not every function comes to need each.
type Lazily<T> = Arc<LazyLock<T, Box<dyn FnOnce() -> T + Send>>>;

/// DynamoDB's tables, SQS's queues and S3's bucket. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cloud {
    pub(crate) dynamo: Dynamo,
    pub(crate) sqs: Lazily<Sqs>,
    pub(crate) s3: Lazily<S3>,
    pub(crate) vault_table: String,
    pub(crate) jobs_table: String,
    pub(crate) runtime_table: String,
    pub(crate) rest_queue_url: String,
    pub(crate) results_bucket: String,
    pub(crate) budgets: Seen,
    pub(crate) accounts: KnownAccounts,
    pub(crate) apps: KnownApps,
    pub(crate) api_keys: KnownKeys,
}

impl Cloud {
    /// The tables and queues that `settings` names.
    pub fn new(config: &SdkConfig, settings: &Settings) -> Self {
        Self {
            dynamo: Dynamo::new(config),
            sqs: lazily(config, Sqs::new),
            s3: lazily(config, results_bucket::client),
            vault_table: settings.vault_table.clone(),
            jobs_table: settings.jobs_table.clone(),
            runtime_table: settings.runtime_table.clone(),
            rest_queue_url: settings.rest_queue_url.clone(),
            results_bucket: settings.results_bucket.clone(),
            budgets: Seen::default(),
            accounts: KnownAccounts::default(),
            apps: KnownApps::default(),
            api_keys: KnownKeys::default(),
        }
    }
}

fn lazily<T: 'static>(config: &SdkConfig, make: fn(&SdkConfig) -> T) -> Lazily<T> {
    let config = config.clone();
    Arc::new(LazyLock::new(Box::new(move || make(&config))))
}

//! One value that implements all ports that AWS serves.
//!
//! The ports' operations are in the files of their names; here is what they share: a client for each store, and what
//! this process remembers.

use aws_sdk_dynamodb::{Client as Dynamo, config::Builder};
use aws_types::SdkConfig;
use hub::ports::Shards;

use crate::{
    bucket::ResultsBucket,
    memory::{AccountAppCache, ApiKeyCache, AppCache, KeyUseCache, SigningSecretCache},
    queues::Queues,
    sdk_headers::WithoutSdkHeaders,
    settings::Stores,
    table::Table,
    uploads_bucket::UploadsBucket,
};

/// DynamoDB's tables, SQS's queues and S3's buckets. Cheap to clone; its clones remember the same.
#[derive(Clone, Debug)]
pub struct Cloud {
    pub(crate) vault: Table,
    pub(crate) jobs: Table,
    pub(crate) runtime: Table,
    pub(crate) shards: Shards,
    pub(crate) queues: Queues,
    pub(crate) bucket: ResultsBucket,
    pub(crate) uploads: UploadsBucket,
    pub(crate) account_app_cache: AccountAppCache,
    pub(crate) app_cache: AppCache,
    pub(crate) api_key_cache: ApiKeyCache,
    pub(crate) key_use_cache: KeyUseCache,
    pub(crate) signing_secret_cache: SigningSecretCache,
}

impl Cloud {
    /// The stores of these names. It asks nothing of AWS.
    pub fn new(config: &SdkConfig, stores: &Stores) -> Self {
        let dynamo = Dynamo::from_conf(Builder::from(config).interceptor(WithoutSdkHeaders).build());
        Self {
            vault: Table::new(&dynamo, &stores.vault_table),
            jobs: Table::new(&dynamo, &stores.jobs_table),
            runtime: Table::new(&dynamo, &stores.runtime_table),
            shards: stores.shards,
            queues: Queues::new(config, &stores.queue_urls),
            bucket: ResultsBucket::new(config, &stores.results_bucket),
            uploads: UploadsBucket::new(config, &stores.uploads_bucket),
            account_app_cache: AccountAppCache::default(),
            app_cache: AppCache::default(),
            api_key_cache: ApiKeyCache::default(),
            key_use_cache: KeyUseCache::default(),
            signing_secret_cache: SigningSecretCache::default(),
        }
    }
}

//! Readiness: does each thing that jobs stand on answer?

use aws_sdk_sqs::types::QueueAttributeName;
use hub::ports::Probe;

use crate::{Cloud, item};

impl Probe for Cloud {
    async fn probe(&self) -> Vec<(&'static str, bool)> {
        let table = |name: &str| {
            let get = self.dynamo.get_item().table_name(name).set_key(Some(item::key("PROBE", "PROBE")));
            async move { get.send().await.inspect_err(|error| tracing::warn!(%error, "a table does not answer")).is_ok() }
        };
        let queue = async {
            let ask = self.sqs.get_queue_attributes().queue_url(&self.rest_queue_url);
            let answer = ask.attribute_names(QueueAttributeName::QueueArn).send().await;
            answer.inspect_err(|error| tracing::warn!(%error, "the queue does not answer")).is_ok()
        };
        let (vault, jobs, runtime, queue) =
            tokio::join!(table(&self.vault_table), table(&self.jobs_table), table(&self.runtime_table), queue);
        vec![("vault_table", vault), ("jobs_table", jobs), ("runtime_table", runtime), ("rest_queue", queue)]
    }
}

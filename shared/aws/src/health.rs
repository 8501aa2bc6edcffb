//! Readiness: whether each thing that jobs depend on answers.

use std::sync::LazyLock;

use domain::job::{PerTarget, Target};
use hub::ports::Health;

use crate::{Cloud, error::text, item, table::Table};

/// The key of no item.
const NOBODY: &str = "PROBE";

/// What the targets' queues are called.
static QUEUE_NAMES: LazyLock<PerTarget<String>> = LazyLock::new(|| PerTarget::new(|target| format!("{target}_queue")));

impl Health for Cloud {
    async fn probe(&self) -> Vec<(&'static str, bool)> {
        let queues = async {
            let mut queues = Vec::with_capacity(Target::ALL.len());
            for (target, name) in QUEUE_NAMES.iter() {
                let answer = self.queues.ask(target).await;
                let answers =
                    answer.map_err(text).inspect_err(|error| tracing::warn!(error, "a queue does not answer"));
                queues.push((name.as_str(), answers.is_ok()));
            }
            queues
        };
        let (vault, jobs, runtime, queues) =
            tokio::join!(answers(&self.vault), answers(&self.jobs), answers(&self.runtime), queues);
        let tables = [("vault_table", vault), ("jobs_table", jobs), ("runtime_table", runtime)];
        tables.into_iter().chain(queues).collect()
    }
}

async fn answers(table: &Table) -> bool {
    let answer = table.read(item::key(NOBODY, NOBODY)).send().await;
    answer.map_err(text).inspect_err(|error| tracing::warn!(error, "a table does not answer")).is_ok()
}

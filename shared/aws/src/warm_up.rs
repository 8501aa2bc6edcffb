//! Connections opened before the first event.
//!
//! A TLS handshake costs a small function more than all else of its start, and a function that starts has more of a
//! processor than one that runs. So what a request is sure to need is asked something small while the function starts,
//! each service beside the others. The start waits for it: an event that came upon a handshake under way would begin
//! another one. What fails is opened when it is needed.

use std::time::Duration;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use domain::job::Target;
use tokio::time::timeout;

use crate::{Cloud, error::text, item};

/// The longest that a start waits for a connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// The key of no item.
const NOBODY: &str = "WARM_UP";

impl Cloud {
    /// Opens a connection to DynamoDB, by a read that the function's role must allow: of an item of the vault table.
    pub async fn open_tables(&self) {
        patiently("DynamoDB", self.vault.read(item::key(NOBODY, NOBODY)).send()).await;
    }

    /// Opens a connection to SQS, by a read that the function's role must allow: of the ARN of one queue. All queues
    /// are reached by it.
    pub async fn open_queues(&self) {
        patiently("SQS", self.queues.ask(Target::default())).await;
    }
}

async fn patiently<T, E: ProvideErrorMetadata>(
    service: &'static str,
    request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) {
    match timeout(PATIENCE, request).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::debug!(service, error = text(error), "a connection could not be opened ahead"),
        Err(_) => tracing::debug!(service, "a connection opened too slowly to wait for"),
    }
}

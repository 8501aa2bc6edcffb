//! From SQS to Flickr: runs the jobs of a batch of messages, each for itself.
//!
//! A message that fails is reported as such (partial batch response) and comes again after the
//! visibility timeout; the others go. A panic fails its own message alone.

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use domain::timing::COUNTING_DEADLINE;
use edge::batch;
use hub::{
    dispatch::Dispatch,
    ports::CallFlickr,
    worker::{Disposition, Ports, Worker},
};
use tokio::time::timeout;
use vault::DataKeys;

// A panic must unwind, or it would fail its whole batch: whatever builds the function builds it so.
const _: () = assert!(cfg!(panic = "unwind"));

/// Runs the batch. What is reported back comes again.
pub async fn run<P, F, K>(worker: Arc<Worker<P, F, K>>, messages: SqsEvent, request_id: &str) -> SqsBatchResponse
where
    P: Ports + 'static,
    F: CallFlickr + 'static,
    K: DataKeys + 'static,
{
    let response = batch::each(messages, request_id, |message| {
        let worker = Arc::clone(&worker);
        async move { one(&worker, &message).await }
    })
    .await;
    // The jobs are done: what counting meets must not bring their messages again.
    if timeout(COUNTING_DEADLINE, worker.tally.write(&worker.ports)).await.is_err() {
        tracing::warn!("counting the cache's use took too long, and was given up");
    }
    response
}

/// Whether the message is finished.
async fn one<P, F, K>(worker: &Worker<P, F, K>, message: &SqsMessage) -> bool
where
    P: Ports,
    F: CallFlickr,
    K: DataKeys,
{
    let body = message.body.as_deref().unwrap_or_default();
    let dispatch: Dispatch = match serde_json::from_str(body) {
        Ok(dispatch) => dispatch,
        Err(error) => {
            // It comes again until the redrive policy moves it, whole, to the dead-letter queue.
            tracing::error!(%error, "a message cannot be read");
            return false;
        }
    };
    let span = tracing::Span::current();
    span.record("trace_id", dispatch.trace.as_str());
    span.record("job_id", dispatch.job.as_str());
    span.record("dispatch", dispatch.dispatch);
    match worker.handle(&dispatch).await {
        Ok(Disposition::Finished | Disposition::LostLease) => true,
        Ok(Disposition::ComesAgain) => {
            tracing::info!("another worker holds the job");
            false
        }
        Err(error) => {
            tracing::error!(error = hub::chain(&error), "the job could not be moved on");
            false
        }
    }
}

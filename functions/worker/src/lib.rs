//! From SQS to Flickr: runs the jobs of a batch of messages, each for itself.
//!
//! A message that fails is reported as such (partial batch response) and comes again after the
//! visibility timeout; the others go. A panic fails its own message alone.

use std::sync::Arc;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::join_all;
use hub::{
    dispatch::Dispatch,
    ports::{
        CallFlickr, ClaimJob, Clock, Entropy, FindAccount, FindApp, KeepObject, KeepResult, MarkAccount, SaveJob,
        SendDispatch,
    },
    worker::{Disposition, Worker},
};
use tracing::Instrument;
use vault::DataKeys;

/// Runs the batch. What is reported back comes again.
pub async fn run<P, F, K>(worker: Arc<Worker<P, F, K>>, batch: SqsEvent, request_id: &str) -> SqsBatchResponse
where
    P: Clock
        + Entropy
        + ClaimJob
        + SaveJob
        + KeepResult
        + KeepObject
        + FindAccount
        + FindApp
        + MarkAccount
        + SendDispatch
        + 'static,
    F: CallFlickr + 'static,
    K: DataKeys + 'static,
{
    let runs = batch.records.into_iter().map(|message| {
        let worker = Arc::clone(&worker);
        let id = message.message_id.clone().unwrap_or_default();
        let span = tracing::info_span!(
            "message",
            request_id,
            message_id = id,
            trace_id = tracing::field::Empty,
            job_id = tracing::field::Empty,
            dispatch = tracing::field::Empty,
        );
        // A task of its own, so that a panic is one message's failure.
        let run = tokio::spawn(async move { one(&worker, &message).await }.instrument(span.clone()));
        async move {
            let finished = run.await.unwrap_or_else(|error| {
                span.in_scope(|| tracing::error!(%error, "the worker panicked"));
                false
            });
            (!finished).then_some(id)
        }
    });
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = join_all(runs).await.into_iter().flatten().map(failure).collect();
    response
}

fn failure(message_id: String) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = message_id;
    failure
}

/// Whether the message is finished.
async fn one<P, F, K>(worker: &Worker<P, F, K>, message: &SqsMessage) -> bool
where
    P: Clock
        + Entropy
        + ClaimJob
        + SaveJob
        + KeepResult
        + KeepObject
        + FindAccount
        + FindApp
        + MarkAccount
        + SendDispatch,
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
        Ok(Disposition::Finished) => true,
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

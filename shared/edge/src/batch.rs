//! A batch of messages of a queue, each taken for itself.
//!
//! What is not finished is reported as such (partial batch response) and comes again after the
//! visibility timeout; the others go. A panic, or taking too long, fails its own message alone.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use domain::timing::MESSAGE_DEADLINE;
use futures_util::future::join_all;
use tokio::time::timeout;
use tracing::{Instrument, field::Empty};

/// Has `take` take each message of the batch, all at once; it says whether the message is finished.
/// One that is not within [`MESSAGE_DEADLINE`] is stopped: the function's own end would fail the
/// whole batch.
/// In the message's span it can record `trace_id`, `job_id` and `dispatch`.
pub async fn each<F, T>(batch: SqsEvent, request_id: &str, take: F) -> SqsBatchResponse
where
    F: Fn(SqsMessage) -> T,
    T: Future<Output = bool> + Send + 'static,
{
    let runs = batch.records.into_iter().map(|message| {
        let id = message.message_id.clone().unwrap_or_default();
        let span = tracing::info_span!(
            "message",
            request_id,
            message_id = id,
            trace_id = Empty,
            job_id = Empty,
            dispatch = Empty,
        );
        // A task of its own, so that a panic is one message's failure.
        let run = tokio::spawn(timeout(MESSAGE_DEADLINE, take(message)).instrument(span.clone()));
        async move {
            let finished = match run.await {
                Ok(Ok(finished)) => finished,
                Ok(Err(_)) => {
                    span.in_scope(|| tracing::error!("a message took too long, and was stopped"));
                    false
                }
                Err(error) => {
                    span.in_scope(|| tracing::error!(%error, "a message was not taken to its end"));
                    false
                }
            };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_not_finished_comes_again_and_a_panic_fails_alone() {
        let mut batch = SqsEvent::default();
        batch.records = ["done", "fails", "panics", "done too"]
            .map(|id| {
                let mut message = SqsMessage::default();
                message.message_id = Some(id.to_owned());
                message
            })
            .to_vec();
        let response = each(batch, "request-1", |message| async move {
            let id = message.message_id.unwrap();
            assert_ne!(id, "panics");
            id.starts_with("done")
        })
        .await;
        let failed: Vec<&str> = response.batch_item_failures.iter().map(|item| &*item.item_identifier).collect();
        assert_eq!(failed, ["fails", "panics"]);
    }
}

//! A batch of messages of a queue, each taken for itself.
//!
//! What is not finished is reported as such (partial batch response) and comes again after the
//! visibility timeout; the others go. A panic, or taking too long, fails its own message alone.

use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::future::join_all;
use tokio::time::timeout;
use tracing::{Instrument, field::Empty};

/// What taking a message came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken<T> {
    /// Whether the message is finished.
    pub finished: bool,
    /// What else came of it.
    pub value: T,
}

/// Has `take` take each message of the batch, all at once. One that is not taken within `deadline` is stopped: the
/// function's own end would fail the whole batch.
///
/// In the message's span `take` can record `trace_id`, `job_id` and `fencing_number`.
///
/// Gives the answer to SQS, and the values of the messages that were taken to their end.
pub async fn each<F, R, T>(batch: SqsEvent, request_id: &str, deadline: Duration, take: F) -> (SqsBatchResponse, Vec<T>)
where
    F: Fn(SqsMessage) -> R,
    R: Future<Output = Taken<T>> + Send + 'static,
    T: Send + 'static,
{
    let runs = batch.records.into_iter().map(|message| {
        let id = message.message_id.clone().unwrap_or_default();
        let span = tracing::info_span!(
            "message",
            request_id,
            message_id = id,
            trace_id = Empty,
            job_id = Empty,
            fencing_number = Empty,
        );
        // A task of its own, so that a panic is one message's failure. Boxed, since what runs a job is large, and a task
        // is moved several times before it begins.
        let run = tokio::spawn(timeout(deadline, Box::pin(take(message))).instrument(span.clone()));
        async move {
            let taken = match run.await {
                Ok(Ok(taken)) => Some(taken),
                Ok(Err(_)) => {
                    span.in_scope(|| tracing::error!("a message took too long, and was stopped"));
                    None
                }
                Err(error) => {
                    span.in_scope(|| tracing::error!(%error, "a message was not taken to its end"));
                    None
                }
            };
            (id, taken)
        }
    });
    let mut response = SqsBatchResponse::default();
    let mut values = Vec::new();
    for (id, taken) in join_all(runs).await {
        if !taken.as_ref().is_some_and(|taken| taken.finished) {
            response.batch_item_failures.push(failure(id));
        }
        values.extend(taken.map(|taken| taken.value));
    }
    (response, values)
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
        let (response, values) = each(batch, "request-1", Duration::from_secs(9), |message| async move {
            let id = message.message_id.unwrap();
            assert_ne!(id, "panics");
            Taken { finished: id.starts_with("done"), value: id }
        })
        .await;
        assert_eq!(values, ["done", "fails", "done too"], "a panic gives nothing");
        let failed: Vec<&str> = response.batch_item_failures.iter().map(|item| &*item.item_identifier).collect();
        assert_eq!(failed, ["fails", "panics"]);
    }
}

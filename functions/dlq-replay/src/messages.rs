//! Messages of the dead-letter queues.

use std::{sync::Arc, time::Duration};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use edge::batch::{self, Taken};
use hub::{
    dead_jobs::{self, DeadLetterResult},
    ports::DeadJobs,
    transition,
};

/// The longest a message may take: the function itself has 30 seconds for the batch.
const MESSAGE_DEADLINE: Duration = Duration::from_secs(27);

/// Deals with a batch of dead letters. What is reported back comes again.
pub async fn take_dead_letters<P>(ports: Arc<P>, messages: SqsEvent, request_id: &str) -> SqsBatchResponse
where
    P: transition::Ports + DeadJobs + 'static,
{
    let (response, _) = batch::each(messages, request_id, MESSAGE_DEADLINE, |message| {
        let ports = Arc::clone(&ports);
        async move { Taken { finished: one(&*ports, &message).await, value: () } }
    })
    .await;
    response
}

/// Whether the message is finished.
async fn one(ports: &(impl transition::Ports + DeadJobs), message: &SqsMessage) -> bool {
    let id = message.message_id.as_deref().unwrap_or_default();
    let body = message.body.as_deref().unwrap_or_default();
    match dead_jobs::take_dead_letter(ports, id, body).await {
        Ok(DeadLetterResult::Retry) => {
            tracing::info!("a worker holds the job of a dead letter");
            false
        }
        Ok(_) => true,
        Err(error) => {
            tracing::error!(error = hub::chain(&error), "a dead letter could not be dealt with");
            false
        }
    }
}

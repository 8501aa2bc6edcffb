//! Messages of the dead-letter queues.

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use edge::batch;
use hub::{
    dead::{self, Burial},
    ports::{Clock, FindJob, Quarantine, SaveJob, SendDispatch},
};

/// Deals with a batch of dead letters. What is reported back comes again.
pub async fn bury<P>(ports: Arc<P>, messages: SqsEvent, request_id: &str) -> SqsBatchResponse
where
    P: Clock + FindJob + SaveJob + SendDispatch + Quarantine + 'static,
{
    batch::each(messages, request_id, |message| {
        let ports = Arc::clone(&ports);
        async move { one(&*ports, &message).await }
    })
    .await
}

/// Whether the message is finished.
async fn one<P>(ports: &P, message: &SqsMessage) -> bool
where
    P: Clock + FindJob + SaveJob + SendDispatch + Quarantine,
{
    let id = message.message_id.as_deref().unwrap_or_default();
    let body = message.body.as_deref().unwrap_or_default();
    match dead::bury(ports, id, body).await {
        Ok(Burial::Buried | Burial::Quarantined | Burial::Stale | Burial::Resent) => true,
        Ok(Burial::ComesAgain) => {
            tracing::info!("a worker holds the job of a dead letter");
            false
        }
        Err(error) => {
            tracing::error!(error = hub::chain(&error), "a dead letter could not be dealt with");
            false
        }
    }
}

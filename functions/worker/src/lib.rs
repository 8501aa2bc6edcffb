//! From SQS to Flickr: runs the jobs of a batch of messages, each for itself.
//!
//! A message that fails is reported as such (partial batch response) and comes again after the visibility timeout; the
//! others go. A panic fails its own message alone.

mod sources;

use std::{sync::Arc, time::Duration};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use domain::timing::STATS_DEADLINE;
use edge::batch::{self, Taken};
use hub::{
    message::Dispatch,
    response_cache::{CacheUse, record_stats},
    run::{Disposition, Flickr, Handled, Ports, Worker},
};
use tokio::time::timeout;
use vault::DataKeys;

pub use sources::HttpSources;

// A panic must unwind, or it would fail its whole batch: whatever builds the function builds it so.
const _: () = assert!(cfg!(panic = "unwind"));

/// Runs the batch. What is reported back comes again.
pub async fn run<P, F, K>(worker: Arc<Worker<P, F, K>>, messages: SqsEvent, request_id: &str) -> SqsBatchResponse
where
    P: Ports + 'static,
    F: Flickr + 'static,
    K: DataKeys + 'static,
{
    let deadline = message_deadline(&messages);
    let (response, uses) = batch::each(messages, request_id, deadline, |message| {
        let worker = Arc::clone(&worker);
        async move { one(&worker, &message).await }
    })
    .await;
    // The jobs are done: what recording meets must not bring their messages again.
    if timeout(STATS_DEADLINE, record_stats(&worker.ports, uses.into_iter().flatten())).await.is_err() {
        tracing::warn!("recording the cache's statistics took too long, and was given up");
    }
    response
}

/// The longest a message of the batch may take: all are of the one queue that the function receives from, so its own end
/// comes after it.
fn message_deadline(messages: &SqsEvent) -> Duration {
    let targets = messages.records.iter().filter_map(|message| dispatch(message).ok()).map(|dispatch| dispatch.target);
    // Nothing is done for messages that cannot be read.
    targets.min_by_key(|target| target.timing().message_deadline).unwrap_or_default().timing().message_deadline
}

/// What the message asks for.
fn dispatch(message: &SqsMessage) -> Result<Dispatch, serde_json::Error> {
    serde_json::from_str(message.body.as_deref().unwrap_or_default())
}

/// Whether the message is finished, and the outcome of its job's cache lookup.
async fn one<P, F, K>(worker: &Worker<P, F, K>, message: &SqsMessage) -> Taken<Option<CacheUse>>
where
    P: Ports,
    F: Flickr,
    K: DataKeys,
{
    let dispatch = match dispatch(message) {
        Ok(dispatch) => dispatch,
        Err(error) => {
            // It comes again until the redrive policy moves it, whole, to the dead-letter queue.
            tracing::error!(%error, "a message cannot be read");
            return Taken { finished: false, value: None };
        }
    };
    let span = tracing::Span::current();
    span.record("trace_id", dispatch.trace.as_str());
    span.record("job_id", dispatch.job.as_str());
    span.record("fencing_number", dispatch.fencing_number);
    let Handled { disposition, cache_use } = worker.handle(&dispatch).await;
    let finished = match disposition {
        Ok(Disposition::Ack | Disposition::LostLease) => true,
        Ok(Disposition::Retry) => {
            tracing::info!("another worker holds the job");
            false
        }
        Err(error) => {
            tracing::error!(error = hub::chain(&error), "the job could not be moved on");
            false
        }
    };
    Taken { finished, value: cache_use }
}

#[cfg(test)]
mod tests {
    use domain::{JobId, TenantId, TraceId, UserId, job::Target};

    use super::*;

    fn message(body: String) -> SqsMessage {
        let mut message = SqsMessage::default();
        message.body = Some(body);
        message
    }

    fn dispatch_of(target: Target) -> SqsMessage {
        let tenant = TenantId::from_bytes([1; 16]);
        let (user, job, trace) =
            (UserId::of(&tenant, "1@N00"), JobId::from_bytes([2; 16]), TraceId::from_bytes([3; 16]));
        message(serde_json::to_string(&Dispatch { tenant, job, target, user, fencing_number: 1, trace }).unwrap())
    }

    #[test]
    fn a_batch_has_the_time_of_its_own_target() {
        for target in Target::ALL {
            let mut batch = SqsEvent::default();
            batch.records = vec![message("}{".to_owned()), dispatch_of(target)];
            assert_eq!(message_deadline(&batch), target.timing().message_deadline, "{target}");
        }
        let mut mixed = SqsEvent::default();
        mixed.records = [Target::Upload, Target::Rest].map(dispatch_of).into();
        assert_eq!(message_deadline(&mixed), Target::Rest.timing().message_deadline);
    }
}

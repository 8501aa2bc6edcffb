//! The dead-letter desk, in one function for two kinds of events.
//!
//! Messages of the dead-letter queues: their jobs die, what cannot be read is quarantined
//! ([`letters`]). Requests of API Gateway: a tenant lists its dead jobs, replays them as new runs,
//! or takes them off the desk ([`desk`]).

mod desk;
mod letters;

use std::sync::Arc;

use edge::{Authenticator, Gateway};
use hub::ports::{Clock, DiscardDead, FindJob, FindTenant, ListDead, Quarantine, SaveJob, SendDispatch, SettleJob};
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;

pub use desk::routes;
pub use letters::bury;

/// Takes the function's events.
pub struct Service<P> {
    ports: Arc<P>,
    gateway: Gateway,
}

impl<P> Service<P>
where
    P: Clock
        + FindTenant
        + FindJob
        + SaveJob
        + SettleJob
        + SendDispatch
        + ListDead
        + DiscardDead
        + Quarantine
        + 'static,
{
    /// On these ports.
    pub fn new(ports: Arc<P>, authenticator: Arc<Authenticator<P>>) -> Self {
        Self { gateway: Gateway::new(routes(Arc::clone(&ports), authenticator)), ports }
    }

    /// Takes one event: a batch of messages has `Records`, every other event is a request.
    ///
    /// # Errors
    /// When the event is neither.
    pub async fn take(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        if event.payload.get("Records").is_none() {
            return self.gateway.answer(event).await;
        }
        let messages = serde_json::from_value(event.payload)?;
        let response = bury(Arc::clone(&self.ports), messages, &event.context.request_id).await;
        Ok(serde_json::to_value(response)?)
    }
}

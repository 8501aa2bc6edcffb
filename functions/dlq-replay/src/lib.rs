//! Dead jobs, in one function for two kinds of events.
//!
//! Messages of the dead-letter queues: their jobs die, what cannot be read is quarantined ([`take_dead_letters`]).
//! Requests of API Gateway: a tenant lists its dead jobs, replays them as new runs, or takes them off the list
//! ([`routes`]).

mod messages;
mod routes;

use std::sync::Arc;

use edge::{Authenticator, Gateway};
use hub::{
    ports::{DeadJobs, FairQueues, KeyUses, Tenants},
    transition,
};
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;

pub use messages::take_dead_letters;
pub use routes::routes;

/// Takes the function's events.
pub struct Service<P> {
    ports: Arc<P>,
    gateway: Gateway,
}

impl<P: transition::Ports + Tenants + KeyUses + DeadJobs + FairQueues + 'static> Service<P> {
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
        let response = take_dead_letters(Arc::clone(&self.ports), messages, &event.context.request_id).await;
        Ok(serde_json::to_value(response)?)
    }
}

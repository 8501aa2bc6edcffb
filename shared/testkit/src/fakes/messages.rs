//! The queues of messages to workers.

use std::time::Duration;

use domain::Timestamp;
use hub::{
    message::Dispatch,
    ports::{Messages, Result},
};

use super::world::World;
use crate::call::Call;

/// A message in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedMessage {
    /// What it says.
    pub dispatch: Dispatch,
    /// When it can be received.
    pub visible_at: Timestamp,
}

/// The messages of all queues, as sent.
#[derive(Default)]
struct SentMessages(Vec<QueuedMessage>);

impl SentMessages {
    fn receive(&mut self, now: Timestamp) -> Option<Dispatch> {
        let message = self.0.iter_mut().find(|message| message.visible_at <= now)?;
        message.visible_at = now + message.dispatch.target.timing().visibility_timeout;
        Some(message.dispatch.clone())
    }

    fn acknowledge(&mut self, dispatch: &Dispatch) {
        if let Some(place) = self.0.iter().position(|message| message.dispatch == *dispatch) {
            self.0.remove(place);
        }
    }
}

impl World {
    /// The messages in the queue, as sent.
    pub fn queue(&self) -> Vec<QueuedMessage> {
        self.stores(|stores, _| stores.part::<SentMessages>().0.clone())
    }

    /// Takes the messages that were sent out of the queue.
    pub fn take_queue(&self) -> Vec<QueuedMessage> {
        self.stores(|stores, _| std::mem::take(&mut stores.part::<SentMessages>().0))
    }

    /// Receives the first visible message: it stays in the queue, unseen for the visibility timeout, until it is
    /// acknowledged.
    pub fn receive(&self) -> Option<Dispatch> {
        self.stores(|stores, now| stores.part::<SentMessages>().receive(now))
    }

    /// Removes a received message.
    pub fn acknowledge(&self, dispatch: &Dispatch) {
        self.stores(|stores, _| stores.part::<SentMessages>().acknowledge(dispatch));
    }
}

impl Messages for World {
    async fn send(&self, dispatch: &Dispatch, delay: Duration) -> Result<()> {
        self.call(Call::Send, |stores, now| {
            let message = QueuedMessage { dispatch: dispatch.clone(), visible_at: now + delay };
            stores.part::<SentMessages>().0.push(message);
        })
        .await
    }
}

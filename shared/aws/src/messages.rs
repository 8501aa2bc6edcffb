//! Messages to workers, in SQS.
//!
//! The messages of one tenant are one message group: so SQS's fair queues let no tenant's many messages delay those of
//! others. Groups by account would be too small for SQS to notice a tenant with many: it takes a group for noisy from 30
//! messages in flight on.

use std::time::Duration;

use hub::{
    message::Dispatch,
    ports::{self, Messages},
};

use crate::{Cloud, error::from_sdk};

const SENDING: &str = "sending a message to a worker";

impl Messages for Cloud {
    async fn send(&self, dispatch: &Dispatch, delay: Duration) -> ports::Result<()> {
        let body = serde_json::to_string(dispatch).map_err(|error| ports::Error::broken(SENDING, error))?;
        let message = self.queues.send(dispatch.target).message_body(body).message_group_id(dispatch.tenant.as_str());
        let message = message.delay_seconds(i32::try_from(delay.as_secs()).unwrap_or(i32::MAX));
        message.send().await.map(|_| ()).map_err(from_sdk(SENDING))
    }
}

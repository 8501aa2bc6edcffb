//! The queues of jobs.

use std::time::Duration;

use hub::{
    dispatch::Dispatch,
    ports::{self, SendDispatch},
};

use crate::{Cloud, error::from_sdk};

impl SendDispatch for Cloud {
    async fn send_dispatch(&self, dispatch: &Dispatch, delay: Duration) -> ports::Result<()> {
        const WHAT: &str = "sending a message to a worker";
        let body = serde_json::to_string(dispatch).map_err(|error| ports::Error::broken(WHAT, error))?;
        let send = self.sqs.send_message().queue_url(&self.rest_queue_url).message_body(body);
        let send = send.message_group_id(dispatch.user.as_str());
        send.delay_seconds(i32::try_from(delay.as_secs()).unwrap_or(i32::MAX))
            .send()
            .await
            .map(|_| ())
            .map_err(from_sdk(WHAT))
    }
}

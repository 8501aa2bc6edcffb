//! The queues of messages to workers.

use std::time::Duration;

use hub::{
    message::Dispatch,
    ports::{Clock, Entropy, Messages},
};

use super::steps::job;

/// Sending messages: at once, the same twice, and delayed. No job is behind them, so that a worker drops them.
pub async fn messages(ports: &(impl Clock + Entropy + Messages)) {
    let dispatch = Dispatch::of(&job(ports, "{}", ports.now()));
    for delay in [Duration::ZERO, Duration::ZERO, Duration::from_secs(1)] {
        ports.send(&dispatch, delay).await.unwrap();
    }
}

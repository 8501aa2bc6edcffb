//! Logs: one JSON object a line, on standard output, where AWS Lambda collects them.

use tracing_subscriber::{EnvFilter, fmt};

use crate::settings::variable;

/// What is logged of others, whatever the level: their debug lines quote requests, and with them
/// secrets.
const OTHERS: &str = "warn";

/// Starts logging at `LOG_LEVEL` (`error`, `warn`, `info`, `debug` or `trace`; by default `info`).
pub fn start() {
    let level = variable("LOG_LEVEL").filter(|level| level.parse::<tracing::Level>().is_ok());
    let level = level.as_deref().unwrap_or("info");
    let ours = [
        "aws",
        "dlq_replay",
        "domain",
        "edge",
        "enqueue",
        "flickr",
        "hub",
        "oauth",
        "status",
        "sweep",
        "vault",
        "worker",
    ];
    let filter = ours.iter().fold(OTHERS.to_owned(), |filter, name| format!("{filter},{name}={level}"));
    let json = fmt().json().flatten_event(true).with_current_span(true).with_span_list(false);
    // A second start is of no use and does no harm: the first one holds.
    let _ = json.with_env_filter(EnvFilter::new(filter)).with_target(true).with_ansi(false).try_init();
}

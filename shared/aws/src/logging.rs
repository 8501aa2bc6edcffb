//! Logs: one JSON object a line.

use tracing::Level;
use tracing_subscriber::{
    filter::Targets,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    registry,
    util::SubscriberInitExt,
};

use crate::settings::variable;

/// What is logged of others, whatever the level: their debug lines quote requests, and with them
/// secrets.
const OTHERS: Level = Level::WARN;

/// The target of the lines that belong into the audit log. They are logged whatever the level.
const AUDITED: &str = "audited";

/// Starts logging to `writer` at `LOG_LEVEL` (`error`, `warn`, `info`, `debug` or `trace`; by default `info`). AWS Lambda
/// collects what a function writes on standard output.
pub fn start(writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) {
    let level = variable("LOG_LEVEL").and_then(|level| level.parse().ok()).unwrap_or(Level::INFO);
    let json = fmt::layer().json().flatten_event(true).with_current_span(true).with_span_list(false);
    let lines = json.with_target(true).with_ansi(false).with_writer(writer);
    // A second start is of no use and does no harm: the first one holds.
    let _ = registry().with(lines).with(filter(level)).try_init();
}

/// Our own lines to `level`, those of others to [`OTHERS`].
fn filter(level: Level) -> Targets {
    let ours = [
        "audit",
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
    // A name stands for all that begin with it: `aws` alone would be the SDK's crates, too.
    let targets = Targets::new().with_default(OTHERS).with_targets(ours.map(|name| (name, level)));
    targets.with_target("aws_", OTHERS).with_target(AUDITED, Level::INFO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_ours_and_others_only_warn() {
        let filter = filter(Level::TRACE);
        for target in ["aws", "aws::health", "dlq_replay::letters", "hub::worker", "worker"] {
            assert!(filter.would_enable(target, &Level::TRACE), "{target}");
        }
        for target in ["hyper::client", "tower", "aws_smithy_runtime::client", "aws_sdk_kms"] {
            assert!(filter.would_enable(target, &Level::WARN), "{target}");
            assert!(!filter.would_enable(target, &Level::INFO), "{target}");
        }
    }

    #[test]
    fn no_level_silences_the_audit_log() {
        let filter = filter(Level::ERROR);
        assert!(filter.would_enable(AUDITED, &Level::INFO) && !filter.would_enable("audit", &Level::INFO));
    }
}

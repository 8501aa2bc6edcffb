//! The template's figures and the code's.

use domain::timing::{VISIBILITY_TIMEOUT, WORKER_TIMEOUT};

const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// The lines of a resource of the template, without the comments.
fn resource(name: &str) -> Vec<&'static str> {
    let start = format!("  {name}:");
    let lines = TEMPLATE.lines().skip_while(move |line| *line != start).skip(1);
    let lines =
        lines.take_while(|line| line.is_empty() || line.starts_with("    ") || line.trim_start().starts_with('#'));
    lines.map(|line| line.split(" #").next().unwrap_or_default().trim()).collect()
}

#[test]
fn the_workers_time_and_the_queues_agree_with_the_lease() {
    let timeout = format!("Timeout: {}", WORKER_TIMEOUT.as_secs());
    assert!(resource("WorkerFunction").contains(&timeout.as_str()), "{timeout}");
    let visibility = format!("VisibilityTimeout: {}", VISIBILITY_TIMEOUT.as_secs());
    assert!(resource("RestQueue").contains(&visibility.as_str()), "{visibility}");
    let receives = format!("maxReceiveCount: {}", testkit::simulator::MAX_RECEIVES);
    assert!(resource("RestQueue").contains(&receives.as_str()), "{receives}");
    assert!(resource("WorkerFunction").contains(&"FunctionResponseTypes: [ReportBatchItemFailures]"));
}

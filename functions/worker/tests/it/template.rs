//! The template's figures and the code's.

use std::time::Duration;

use domain::{
    budget::{Limit, MAX_PENDING},
    egress::DEFAULT_PORTS,
    fair_queue::SWEEP_INTERVAL,
    job::{RetryPolicy, Target},
    timing::{AWS_REQUEST, RECORD_RETENTION, UPLOAD_RETENTION},
    upload::{BYTES_PER_GIGABYTE, FileRules, MAX_STORED_BYTES},
};
use flickr::Deadlines;
use hub::hash_secret::HashSecret;

/// The template's text.
pub const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// The lines of a resource of the template, without the comments; none where there is no such resource.
pub fn resource(name: &str) -> Vec<&'static str> {
    let start = format!("  {name}:");
    let lines = TEMPLATE.lines().skip_while(move |line| without_comment(line) != start).skip(1);
    let lines =
        lines.take_while(|line| line.is_empty() || line.starts_with("    ") || line.trim_start().starts_with('#'));
    lines.map(|line| without_comment(line).trim()).collect()
}

fn without_comment(line: &str) -> &str {
    line.split(" #").next().unwrap_or_default()
}

/// The lines of what the template says of each queue, its dead-letter queue apart.
fn queue() -> Vec<&'static str> {
    let lines = resource("Fn::ForEach::Queues").into_iter().skip_while(|line| *line != "- ${Target}Queue:");
    lines.take_while(|line| *line != "${Target}DeadLetterQueue:").collect()
}

#[test]
fn the_workers_time_and_the_queues_agree_with_the_lease() {
    for target in Target::ALL {
        let (timing, name) = (target.timing(), capitalised(target.as_str()));
        let worker = if target == Target::Rest { "WorkerFunction".to_owned() } else { format!("{name}WorkerFunction") };
        let worker = resource(&worker);
        let timeout = format!("Timeout: {}", timing.function_timeout.as_secs());
        assert!(worker.contains(&timeout.as_str()), "{name}: {timeout}");
        assert!(worker.contains(&"FunctionResponseTypes: [ReportBatchItemFailures]"), "{name}");
        assert_eq!(worker.contains(&"BatchSize: 1"), timing.renews_lease, "{name}: a file has the function for itself");
        let visibility = format!("{name}: {{VisibilitySeconds: {}}}", timing.visibility_timeout.as_secs());
        assert!(TEMPLATE.lines().any(|line| line.trim() == visibility), "{visibility}");
    }
    let receives = format!("maxReceiveCount: {}", testkit::simulator::MAX_RECEIVES);
    assert!(queue().contains(&receives.as_str()), "{receives}");
    assert!(queue().contains(&"VisibilityTimeout: !FindInMap [Targets, !Ref Target, VisibilitySeconds]"));
}

fn capitalised(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_uppercase() + rest
}

/// The exchange of a token cannot be repeated: the account must be stored before the function is stopped.
#[test]
fn a_login_is_completed_before_its_function_is_stopped() {
    let Deadlines { login, check_token, .. } = Deadlines::default();
    let lines = resource("OauthFunction");
    let timeout = lines.iter().find_map(|line| line.strip_prefix("Timeout: ")?.parse().ok()).map(Duration::from_secs);
    assert!(login + check_token + AWS_REQUEST < timeout.unwrap(), "{timeout:?}");
}

#[test]
fn the_sweep_comes_when_the_fair_queues_count_on_it() {
    assert_eq!(SWEEP_INTERVAL, Duration::from_secs(60));
    assert!(resource("SweepFunction").contains(&"ScheduleExpression: cron(* * * * ? *)"), "with each minute");
}

#[test]
fn long_results_are_stored_longer_than_the_records_of_their_jobs() {
    let days = RECORD_RETENTION.as_secs() / (24 * 60 * 60) + 1;
    let expiration = format!("ExpirationInDays: {days}");
    assert!(resource("ResultsBucket").contains(&expiration.as_str()), "{expiration}");
}

#[test]
fn files_are_stored_longer_than_what_is_known_of_them() {
    let days = UPLOAD_RETENTION.as_secs() / (24 * 60 * 60) + 1;
    let expiration = format!("ExpirationInDays: {days}");
    let lines = resource("UploadsBucket");
    assert!(lines.contains(&expiration.as_str()), "{expiration}");
    let parts = format!("AbortIncompleteMultipartUpload: {{DaysAfterInitiation: {days}}}");
    assert!(lines.contains(&parts.as_str()), "{parts}");
}

#[test]
fn the_parameters_defaults_are_the_codes() {
    let seconds = |length: std::time::Duration| length.as_secs().to_string();
    let files = FileRules::default();
    let defaults = [
        ("FlickrCallsPerHour", "FLICKR_CALLS_PER_HOUR", Limit::FLICKR.calls_per_hour.to_string()),
        ("FlickrBurstCalls", "FLICKR_BURST_CALLS", Limit::FLICKR.burst_calls.to_string()),
        ("RestAttempts", "REST_ATTEMPTS", RetryPolicy::REST.attempts.to_string()),
        ("RestBackoffBaseSeconds", "REST_BACKOFF_BASE_SECONDS", seconds(RetryPolicy::REST.base)),
        ("RestBackoffCapSeconds", "REST_BACKOFF_CAP_SECONDS", seconds(RetryPolicy::REST.cap)),
        ("MaxPendingJobs", "MAX_PENDING_JOBS", MAX_PENDING.to_string()),
        ("MaxStoredGigabytes", "MAX_STORED_GIGABYTES", (MAX_STORED_BYTES / BYTES_PER_GIGABYTE).to_string()),
        ("DedupCheck", "DEDUP_CHECK", format!("\"{}\"", files.dedup_check.value().unwrap_or("0"))),
        ("UploadIndexLagSeconds", "UPLOAD_INDEX_LAG_SECONDS", seconds(files.index_lag)),
        ("UploadDedupLagSeconds", "UPLOAD_DEDUP_LAG_SECONDS", seconds(files.dedup_lag)),
        ("SourcePorts", "SOURCE_PORTS", DEFAULT_PORTS.map(|port| port.to_string()).join(",")),
        ("LocalSources", "LOCAL_SOURCES", "\"false\"".to_owned()),
    ];
    for (parameter, variable, default) in defaults {
        let default = format!("Default: {default}");
        assert!(resource(parameter).contains(&default.as_str()), "{parameter}: {default}");
        let line = format!("        {variable}: !Ref {parameter}");
        assert!(TEMPLATE.lines().any(|found| found == line), "{line}");
    }
    for parameter in ["AccountCallsPerHour", "SourceNetworks"] {
        assert!(resource(parameter).contains(&r#"Default: """#), "{parameter}");
    }
}

/// CloudFormation makes the secret anew where these lines change, and no stored hash would be found any more. What it
/// makes is read as the first version of the secret (`hub::hash_secret`).
#[test]
fn the_hash_secret_is_generated_as_it_always_was() {
    let lines = resource("HashSecret");
    assert!(lines.contains(&"GenerateSecretString: {PasswordLength: 64, ExcludePunctuation: true}"), "{lines:?}");
    assert!(lines.contains(&"DeletionPolicy: RetainExceptOnCreate"), "{lines:?}");
    assert!(lines.contains(&"UpdateReplacePolicy: Retain"), "{lines:?}");
    let generated = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01";
    let secret = HashSecret::parse(generated).unwrap();
    assert_eq!((secret.current(), secret.apps(), &**secret.to_text().unwrap()), (1, 1, generated));
}

//! Event source mappings, which give a queue's messages to a function; and whether the account's concurrency is enough
//! for them.

use hub::ports::Clock;
use serde::Deserialize;

use super::unanswered;
use crate::{
    deployed_stack::Resource,
    doctor::{
        aws::{Aws, Service},
        finding::Finding,
    },
};

/// What AWS leaves of an account's concurrency to functions that reserve none.
const LEFT_UNRESERVED: u32 = 100;

const CONCURRENCY: &str = "concurrency";

/// Part of the logical id of each event source that runs jobs.
const WORKER: &str = "Worker";

/// An event source mapping.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventSource {
    state: String,
    #[serde(default)]
    last_processing_result: Option<String>,
    #[serde(default)]
    scaling_config: Option<ScalingConfig>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ScalingConfig {
    maximum_concurrency: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetAccountSettings {
    account_limit: AccountLimit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccountLimit {
    concurrent_executions: u32,
    unreserved_concurrent_executions: u32,
}

/// How the event sources are, and whether the account runs as many functions at once as the workers may.
pub async fn check<C: Clock>(aws: &Aws<C>, sources: &[&Resource]) -> Vec<Finding> {
    let (mut findings, mut workers) = (Vec::new(), Some(0));
    for source in sources {
        let (check, id) = (format!("event source {}", source.logical_id), &source.physical_id);
        let found = aws.get(Service::Lambda, &format!("/2015-03-31/event-source-mappings/{id}")).await;
        if source.logical_id.contains(WORKER) {
            workers = workers.and_then(|sum: u32| Some(sum + found.as_ref().ok().and_then(maximum_concurrency)?));
        }
        findings.push(match found {
            Ok(found) => state(&check, id, &found),
            Err(why) => unanswered(&check, &format!("the event source {id}"), why),
        });
    }
    let account = aws.get(Service::Lambda, "/2016-08-19/account-settings").await;
    findings.push(match account {
        Ok(GetAccountSettings { account_limit }) => concurrency(account_limit, workers),
        Err(why) => unanswered(CONCURRENCY, "the account", why),
    });
    findings
}

fn maximum_concurrency(source: &EventSource) -> Option<u32> {
    source.scaling_config.as_ref()?.maximum_concurrency
}

fn state(check: &str, id: &str, source: &EventSource) -> Finding {
    let EventSource { state, last_processing_result, .. } = source;
    let enable = format!("aws lambda update-event-source-mapping --uuid {id} --enabled");
    match (state.as_str(), last_processing_result) {
        ("Enabled", Some(result)) if result.starts_with("PROBLEM") => {
            let what_to_do = "read the log of its function; a right that its role lacks comes back with sam deploy";
            Finding::warning(check, format!("enabled, and its last batch failed: {result}"), what_to_do)
        }
        ("Enabled", _) => Finding::fine(check, "enabled"),
        ("Creating" | "Enabling" | "Updating", _) => {
            Finding::warning(check, format!("it is {}", state.to_lowercase()), "run doctor again in a minute")
        }
        _ => Finding::broken(check, format!("it is {}: no message reaches its function", state.to_lowercase()), enable),
    }
}

/// Whether the workers' `workers` batches at once, if they have a maximum and it is known, leave something of the
/// account's limit to the API.
fn concurrency(limit: AccountLimit, workers: Option<u32>) -> Finding {
    let AccountLimit { concurrent_executions: quota, unreserved_concurrent_executions: unreserved } = limit;
    let Some(workers) = workers else {
        let why = format!("the account runs {quota} functions at once; a worker's maximum is not known");
        return Finding::not_checked(CONCURRENCY, why, "see what is said of the workers' event sources");
    };
    let can_reserve = unreserved >= LEFT_UNRESERVED.saturating_add(workers);
    let reserve = if can_reserve { "ReserveWorkerConcurrency=true is possible" } else { "none can be reserved" };
    let what = format!("the account runs {quota} functions at once, the workers up to {workers} of them; {reserve}");
    let ask = "ask for a higher quota, or lower WorkerMaximumConcurrency and UploadMaximumConcurrency: see \"The \
               account\" in docs/operations.md";
    match quota {
        _ if workers >= quota => Finding::broken(CONCURRENCY, format!("{what}: nothing is left to the API"), ask),
        _ if workers > quota / 2 => Finding::warning(CONCURRENCY, format!("{what}: little is left to the API"), ask),
        _ => Finding::fine(CONCURRENCY, what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    fn source(text: &str) -> EventSource {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn only_an_enabled_event_source_is_fine() {
        for (text, verdict) in [
            (r#"{"State":"Enabled","LastProcessingResult":"No records processed"}"#, Verdict::Fine),
            (r#"{"State":"Enabled"}"#, Verdict::Fine),
            (r#"{"State":"Enabled","LastProcessingResult":"PROBLEM: Function call failed"}"#, Verdict::Warning),
            (r#"{"State":"Enabling"}"#, Verdict::Warning),
            (r#"{"State":"Disabled"}"#, Verdict::Broken),
            (r#"{"State":"Disabling"}"#, Verdict::Broken),
        ] {
            assert_eq!(state("e", "id", &source(text)).verdict, verdict, "{text}");
        }
    }

    #[test]
    fn the_maximum_concurrency_is_read() {
        let found = source(r#"{"UUID":"u","State":"Enabled","ScalingConfig":{"MaximumConcurrency":5}}"#);
        assert_eq!(maximum_concurrency(&found), Some(5));
    }

    #[test]
    fn the_workers_leave_something_to_the_api() {
        let judged = |quota, unreserved, workers| {
            let limit = AccountLimit { concurrent_executions: quota, unreserved_concurrent_executions: unreserved };
            concurrency(limit, Some(workers))
        };
        assert_eq!(judged(10, 10, 5).verdict, Verdict::Fine);
        assert_eq!(judged(10, 10, 9).verdict, Verdict::Warning, "a new account, with the defaults");
        assert_eq!(judged(10, 10, 10).verdict, Verdict::Broken);
        let limit = AccountLimit { concurrent_executions: 10, unreserved_concurrent_executions: 10 };
        assert_eq!(concurrency(limit, None).verdict, Verdict::NotChecked);
        assert!(judged(10, 10, 5).what.ends_with("none can be reserved"));
        assert!(judged(1000, 104, 5).what.ends_with("none can be reserved"));
        assert!(judged(1000, 105, 5).what.ends_with("ReserveWorkerConcurrency=true is possible"));
    }
}

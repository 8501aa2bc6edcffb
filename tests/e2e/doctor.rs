//! `flickrhub-admin doctor`: fine on the stack as it is deployed, and naming each fault that is put into it.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    emulator::{ask, random_key},
    stack::{Hub, env, exclusive_stack, shared_stack},
};

#[derive(Debug, Deserialize)]
struct Finding {
    check: String,
    verdict: String,
    what: String,
    what_to_do: Option<String>,
}

/// What the doctor finds with these arguments and variables, and whether it calls the stack well.
async fn doctor(arguments: &[&str], variables: &[(&str, &str)]) -> (bool, Vec<Finding>) {
    let (stack, url) = (env("FLICKRHUB_STACK"), env("FLICKRHUB_URL"));
    let mut admin = Command::new(env("FLICKRHUB_ADMIN"));
    admin.args(["doctor", "--json", "--stack", &stack, "--api-url", &url]).args(arguments);
    let output = admin.envs(variables.iter().copied()).output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for secret in ["FLICKRHUB_API_KEY", "FLICKR_API_KEY", "FLICKR_API_SECRET", "AWS_SESSION_TOKEN"] {
        assert!(!text.contains(&env(secret)), "the doctor prints {secret}");
    }
    let findings: Vec<Finding> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!findings.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.success(), findings)
}

/// The findings that are broken, and no alarm: other tests may have made one ring.
fn broken(findings: &[Finding]) -> Vec<&str> {
    let broken = findings.iter().filter(|finding| finding.verdict == "broken");
    broken.map(|finding| finding.check.as_str()).filter(|check| !check.starts_with("alarm ")).collect()
}

/// One request to a service that speaks AWS JSON.
async fn call(service: &str, target: &str, body: &Value) -> Value {
    ask(service, Method::POST, "/", Some(target), body).await
}

/// The id of what gives messages to a function.
async fn event_source_of(function: &str) -> String {
    let path = format!("/2015-03-31/event-source-mappings?FunctionName={function}");
    let found = ask("lambda", Method::GET, &path, None, &Value::Null).await;
    found["EventSourceMappings"][0]["UUID"].as_str().unwrap().to_owned()
}

/// The id of the key with this alias.
async fn key(alias: &str) -> String {
    let found = call("kms", "TrentService.ListAliases", &json!({})).await;
    let aliases = found["Aliases"].as_array().unwrap();
    let alias = aliases.iter().find(|found| found["AliasName"] == *alias).unwrap();
    alias["TargetKeyId"].as_str().unwrap().to_owned()
}

/// The alarm whose name, which CloudFormation makes up, has `part`.
async fn alarm(part: &str) -> String {
    let target = "GraniteServiceVersion20100801.DescribeAlarms";
    let found = call("monitoring", target, &json!({ "MaxRecords": 100 })).await;
    let names = found["MetricAlarms"].as_array().unwrap().iter().map(|alarm| alarm["AlarmName"].as_str().unwrap());
    names.into_iter().find(|name| name.contains(part)).unwrap().to_owned()
}

#[tokio::test]
async fn a_stack_as_it_is_deployed_is_fine_and_each_fault_put_into_it_is_found() {
    let _exclusive = exclusive_stack().await;
    let account = Hub::first().connect().await;
    let (_, findings) = doctor(&["--probe-account", &account.user_id], &[]).await;
    assert_eq!(broken(&findings), Vec::<&str>::new(), "{findings:#?}");
    let not_checked: Vec<_> = findings.iter().filter(|finding| finding.verdict == "not_checked").collect();
    assert!(not_checked.is_empty(), "{not_checked:#?}");
    let probe = findings.iter().find(|finding| finding.check == "probe job").unwrap();
    assert!(probe.what.contains("completed"), "{probe:?}");

    let source = event_source_of(&env("WORKER_FUNCTION")).await;
    let source = format!("/2015-03-31/event-source-mappings/{source}");
    let source = async |enabled: bool| {
        ask("lambda", Method::PUT, &source, None, &json!({ "Enabled": enabled })).await;
    };
    source(false).await;
    let (well, found) = doctor(&[], &[]).await;
    source(true).await;
    expect(well, &found, "event source WorkerFunctionRestJobs", "broken", "update-event-source-mapping");

    let queue = env("REST_QUEUE_URL");
    let asked = json!({ "QueueUrl": queue, "AttributeNames": ["RedrivePolicy"] });
    let policy = call("sqs", "AmazonSQS.GetQueueAttributes", &asked).await["Attributes"]["RedrivePolicy"].clone();
    let redrive = async |policy: &Value| {
        let body = json!({ "QueueUrl": queue, "Attributes": { "RedrivePolicy": policy } });
        call("sqs", "AmazonSQS.SetQueueAttributes", &body).await;
    };
    redrive(&json!("")).await;
    let (well, found) = doctor(&[], &[]).await;
    redrive(&policy).await;
    expect(well, &found, "queue RestQueue", "broken", "set-queue-attributes");

    // Not a key of stored secrets: other tests open some meanwhile.
    let key = json!({ "KeyId": key(&format!("alias/{}-alarms", env("FLICKRHUB_STACK"))).await });
    call("kms", "TrentService.ScheduleKeyDeletion", &key).await;
    let (well, found) = doctor(&[], &[]).await;
    call("kms", "TrentService.CancelKeyDeletion", &key).await;
    call("kms", "TrentService.EnableKey", &key).await;
    expect(well, &found, "key AlarmKey", "broken", "cancel-key-deletion");

    let group = json!({ "logGroupName": format!("/aws/lambda/{}", env("WORKER_FUNCTION")) });
    call("logs", "Logs_20140328.DeleteRetentionPolicy", &group).await;
    let (_, found) = doctor(&[], &[]).await;
    let kept = json!({ "logGroupName": group["logGroupName"], "retentionInDays": 30 });
    call("logs", "Logs_20140328.PutRetentionPolicy", &kept).await;
    expect(false, &found, "log group WorkerLogs", "warning", "put-retention-policy");

    let time_to_live = async |enabled: bool| {
        let specification = json!({ "AttributeName": "expires_at", "Enabled": enabled });
        let body = json!({ "TableName": env("JOBS_TABLE"), "TimeToLiveSpecification": specification });
        call("dynamodb", "DynamoDB_20120810.UpdateTimeToLive", &body).await;
    };
    time_to_live(false).await;
    let (well, found) = doctor(&[], &[]).await;
    time_to_live(true).await;
    expect(well, &found, "expiry of JobsTable", "broken", "update-time-to-live");

    let alarm = alarm("RestDeadLetters").await;
    let ring = async |state: &str| {
        let body = json!({ "AlarmName": alarm, "StateValue": state, "StateReason": "a test" });
        call("monitoring", "GraniteServiceVersion20100801.SetAlarmState", &body).await;
    };
    ring("ALARM").await;
    let (well, found) = doctor(&[], &[]).await;
    ring("OK").await;
    expect(well, &found, "alarm RestDeadLettersAlarm", "broken", "docs/operations.md");

    let (_, findings) = doctor(&[], &[]).await;
    assert_eq!(broken(&findings), Vec::<&str>::new(), "each fault was undone: {findings:#?}");
}

/// The doctor found `check` to be so, said `what_to_do`, and did not call the stack well.
fn expect(well: bool, findings: &[Finding], check: &str, verdict: &str, what_to_do: &str) {
    assert!(!well, "the doctor calls the stack well: {check}");
    let finding = findings.iter().find(|finding| finding.check == check);
    let finding = finding.unwrap_or_else(|| panic!("no finding of {check}: {findings:#?}"));
    assert_eq!(finding.verdict, verdict, "{finding:?}");
    assert!(finding.what_to_do.as_ref().is_some_and(|said| said.contains(what_to_do)), "{finding:?}");
}

#[tokio::test]
async fn wrong_secrets_and_an_unknown_account_are_found() {
    let _shared = shared_stack().await;
    let wrong = random_key();
    let (well, found) = doctor(&[], &[("FLICKR_API_SECRET", &wrong[..16])]).await;
    expect(well, &found, "flickr", "broken", "secret is wrong");
    let (well, found) = doctor(&[], &[("FLICKRHUB_API_KEY", &wrong)]).await;
    expect(well, &found, "api readiness", "broken", "create a tenant");
    let (well, found) = doctor(&["--probe-account", "12345678@N00"], &[]).await;
    expect(well, &found, "probe job", "broken", "/v1/accounts");
}

#[tokio::test]
async fn what_the_doctor_is_not_given_is_not_checked() {
    let nothing = [("FLICKRHUB_API_KEY", ""), ("FLICKR_API_KEY", ""), ("FLICKR_API_SECRET", "")];
    let (_, found) = doctor(&["--probe-account", "12345678@N00"], &nothing).await;
    for check in ["flickr", "api readiness", "probe job"] {
        let finding = found.iter().find(|finding| finding.check == check).unwrap();
        assert_eq!((&*finding.check, &*finding.verdict), (check, "not_checked"));
    }
}

#[tokio::test]
async fn a_stack_that_is_not_there_is_broken() {
    let output = Command::new(env("FLICKRHUB_ADMIN")).args(["doctor", "--stack", "another"]).output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success());
    assert!(text.contains("broken       stack: there is no stack `another`"), "{text}");
}

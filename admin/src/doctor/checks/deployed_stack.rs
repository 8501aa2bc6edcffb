//! The stack itself: its state, its outputs, its resources.

use crate::{
    deployed_stack::{DeployedStack, Resource},
    doctor::finding::Finding,
    stack,
};

/// The outputs that a person needs, beside those that settings are read from.
const FOR_PEOPLE: [&str; 3] = ["ApiUrl", "ApiId", "FirstApiKeyId"];

/// What the checks look for: at least one of each kind.
pub const KINDS: [&str; 8] = [KEY, QUEUE, EVENT_SOURCE, TABLE, SECRET, ALARM, LOG_GROUP, FUNCTION];
pub const KEY: &str = "AWS::KMS::Key";
pub const QUEUE: &str = "AWS::SQS::Queue";
pub const EVENT_SOURCE: &str = "AWS::Lambda::EventSourceMapping";
pub const TABLE: &str = "AWS::DynamoDB::GlobalTable";
pub const SECRET: &str = "AWS::SecretsManager::Secret";
pub const ALARM: &str = "AWS::CloudWatch::Alarm";
pub const LOG_GROUP: &str = "AWS::Logs::LogGroup";
pub const FUNCTION: &str = "AWS::Lambda::Function";

/// Whether the last deployment of `stack` came to its end.
pub fn state(stack: &str, status: &str) -> Finding {
    let events = format!(
        "read why: aws cloudformation describe-stack-events --stack-name {stack} --query \
         \"StackEvents[?contains(ResourceStatus,'FAILED')].[LogicalResourceId,ResourceStatusReason]\""
    );
    match status {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => Finding::fine("stack", status),
        "UPDATE_ROLLBACK_COMPLETE" => {
            Finding::warning("stack", format!("{status}: the last deployment failed, the one before it runs"), events)
        }
        "ROLLBACK_COMPLETE" => {
            let what_to_do = "see \"If the first deployment fails\" in docs/operations.md";
            Finding::broken("stack", format!("{status}: the first deployment failed"), what_to_do)
        }
        _ if status.ends_with("_IN_PROGRESS") => {
            let wait = format!("wait: aws cloudformation describe-stacks --stack-name {stack}, then run doctor again");
            Finding::warning("stack", format!("{status}: it is being deployed"), wait)
        }
        _ => Finding::broken("stack", status, events),
    }
}

/// Whether the stack says all that an operator needs.
pub fn outputs(deployed_stack: &DeployedStack) -> Finding {
    let mut missing = stack::missing(&deployed_stack.outputs);
    missing
        .extend(FOR_PEOPLE.iter().filter(|name| !deployed_stack.outputs.contains_key(**name)).map(ToString::to_string));
    if missing.is_empty() {
        return Finding::fine("outputs", format!("all of {}", deployed_stack.outputs.len()));
    }
    let what = format!("missing: {}", missing.join(", "));
    Finding::broken("outputs", what, "the stack is of an earlier version, or not of FlickrHub: sam build && sam deploy")
}

/// Whether the stack has something of each kind that is checked.
pub fn resources(resources: &[Resource]) -> Finding {
    let missing: Vec<&str> =
        KINDS.into_iter().filter(|kind| !resources.iter().any(|resource| resource.kind == *kind)).collect();
    if missing.is_empty() {
        return Finding::fine("resources", format!("all of {}", resources.len()));
    }
    let what = format!("the stack has none of these: {}", missing.join(", "));
    Finding::broken("resources", what, "the stack is not of FlickrHub, or was not deployed whole: sam deploy")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn a_stack_is_fine_once_its_deployment_is_complete() {
        for (status, verdict) in [
            ("CREATE_COMPLETE", Verdict::Fine),
            ("UPDATE_COMPLETE", Verdict::Fine),
            ("UPDATE_ROLLBACK_COMPLETE", Verdict::Warning),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Verdict::Warning),
            ("CREATE_IN_PROGRESS", Verdict::Warning),
            ("ROLLBACK_COMPLETE", Verdict::Broken),
            ("UPDATE_ROLLBACK_FAILED", Verdict::Broken),
            ("DELETE_FAILED", Verdict::Broken),
        ] {
            assert_eq!(state("flickrhub", status).verdict, verdict, "{status}");
        }
    }

    #[test]
    fn missing_outputs_are_named() {
        let template = include_str!("../../../../template.yaml");
        let (_, all) = template.split_once("\nOutputs:\n").unwrap();
        let names = all.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
        let outputs: HashMap<String, String> = names.map(|name| (name.to_owned(), "x".to_owned())).collect();
        let mut deployed_stack =
            DeployedStack { status: String::new(), outputs, parameters: HashMap::new(), tags: Vec::new() };
        assert_eq!(super::outputs(&deployed_stack).verdict, Verdict::Fine);
        deployed_stack.outputs.remove("ApiUrl");
        deployed_stack.outputs.remove("HashSecretArn");
        let finding = super::outputs(&deployed_stack);
        assert_eq!((finding.verdict, &*finding.what), (Verdict::Broken, "missing: HashSecretArn, ApiUrl"));
    }

    #[test]
    fn a_stack_has_something_of_each_kind() {
        let resource =
            |kind: &str| Resource { logical_id: "A".to_owned(), physical_id: "a".to_owned(), kind: kind.to_owned() };
        let mut all: Vec<Resource> = KINDS.into_iter().map(resource).collect();
        assert_eq!(resources(&all).verdict, Verdict::Fine);
        all.retain(|resource| resource.kind != QUEUE);
        let finding = resources(&all);
        assert_eq!((finding.verdict, finding.what.ends_with(": AWS::SQS::Queue")), (Verdict::Broken, true));
    }
}

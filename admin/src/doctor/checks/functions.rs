//! Functions: there, and of the last deployment.

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

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct FunctionConfiguration {
    state: Option<String>,
    state_reason: Option<String>,
    last_update_status: Option<String>,
    last_update_status_reason: Option<String>,
}

/// Whether a function can run, as it was last deployed.
pub async fn check<C: Clock>(aws: &Aws<C>, function: &Resource) -> Finding {
    let (check, name) = (format!("function {}", function.logical_id), &function.physical_id);
    match aws.get(Service::Lambda, &format!("/2015-03-31/functions/{name}/configuration")).await {
        Ok(configuration) => judge(&check, &configuration),
        Err(why) => unanswered(&check, &format!("the function {name}"), why),
    }
}

/// A function that has not run for weeks is `Inactive`, and wakes when it is called.
fn judge(check: &str, function: &FunctionConfiguration) -> Finding {
    let reason = |reason: &Option<String>| reason.clone().unwrap_or_else(|| "no reason given".to_owned());
    let wait = "run doctor again in a minute";
    match (function.state.as_deref(), function.last_update_status.as_deref()) {
        (Some("Failed"), _) => Finding::broken(
            check,
            format!("it cannot run: {}", reason(&function.state_reason)),
            "sam build && sam deploy",
        ),
        (_, Some("Failed")) => {
            let what = format!("its last update failed: {}", reason(&function.last_update_status_reason));
            Finding::broken(check, what, "sam build && sam deploy")
        }
        (Some("Pending"), _) => Finding::warning(check, "it is being created", wait),
        (_, Some("InProgress")) => Finding::warning(check, "it is being updated", wait),
        (state, _) => Finding::fine(check, state.unwrap_or("Active").to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn a_function_is_active_and_up_to_date() {
        for (text, verdict) in [
            (r#"{"State":"Active","LastUpdateStatus":"Successful"}"#, Verdict::Fine),
            (r#"{"State":"Inactive","LastUpdateStatus":"Successful"}"#, Verdict::Fine),
            (r#"{"State":"Pending","LastUpdateStatus":"InProgress"}"#, Verdict::Warning),
            (r#"{"State":"Active","LastUpdateStatus":"InProgress"}"#, Verdict::Warning),
            (r#"{"State":"Active","LastUpdateStatus":"Failed"}"#, Verdict::Broken),
            (r#"{"State":"Failed","StateReason":"no image"}"#, Verdict::Broken),
        ] {
            assert_eq!(judge("f", &serde_json::from_str(text).unwrap()).verdict, verdict, "{text}");
        }
    }
}

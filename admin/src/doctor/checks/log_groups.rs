//! Log groups: there, and forgetting in time.

use hub::ports::Clock;
use serde::Deserialize;
use serde_json::json;

use super::unanswered;
use crate::{
    deployed_stack::Resource,
    doctor::{
        aws::{Aws, Service, Unanswered},
        finding::Finding,
    },
};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DescribeLogGroups {
    log_groups: Vec<LogGroup>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogGroup {
    log_group_name: String,
    #[serde(default)]
    retention_in_days: Option<u32>,
}

/// Whether a log group is there, and for how long it keeps its lines.
pub async fn check<C: Clock>(aws: &Aws<C>, group: &Resource) -> Finding {
    let (check, name) = (format!("log group {}", group.logical_id), &group.physical_id);
    let input = json!({ "logGroupNamePrefix": name });
    let answer: Result<DescribeLogGroups, Unanswered> =
        aws.call(Service::CloudWatchLogs, "DescribeLogGroups", &input).await;
    match answer {
        Ok(DescribeLogGroups { log_groups }) => judge(&check, name, &log_groups),
        Err(why) => unanswered(&check, &format!("the log group {name}"), why),
    }
}

/// How the group called `name` is, among those whose names begin so.
fn judge(check: &str, name: &str, groups: &[LogGroup]) -> Finding {
    let Some(group) = groups.iter().find(|group| group.log_group_name == name) else {
        return unanswered(check, &format!("the log group {name}"), Unanswered::NotFound);
    };
    match group.retention_in_days {
        Some(days) => Finding::fine(check, format!("keeps its lines for {days} days")),
        None => Finding::warning(
            check,
            "it keeps its lines for ever, and each month costs more",
            format!("aws logs put-retention-policy --log-group-name {name} --retention-in-days 30"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn a_log_group_forgets() {
        let text = r#"{"logGroups":[{"logGroupName":"/a/b-worker","retentionInDays":30,"storedBytes":1},
            {"logGroupName":"/a/b"}]}"#;
        let groups = serde_json::from_str::<DescribeLogGroups>(text).unwrap().log_groups;
        assert_eq!(judge("l", "/a/b-worker", &groups).verdict, Verdict::Fine);
        assert_eq!(judge("l", "/a/b", &groups).verdict, Verdict::Warning);
        assert_eq!(judge("l", "/a", &groups).verdict, Verdict::Broken, "a group that is gone");
    }
}

//! Alarms: there, listening, and silent.

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

/// As many as CloudWatch takes names, and gives alarms, at once.
const A_PAGE: usize = 100;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct DescribeAlarms {
    metric_alarms: Vec<Alarm>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Alarm {
    alarm_name: String,
    state_value: String,
    #[serde(default)]
    state_reason: Option<String>,
    #[serde(default = "yes")]
    actions_enabled: bool,
}

const fn yes() -> bool {
    true
}

/// Which alarms ring, are gone or are silenced; one finding if it is none.
pub async fn check<C: Clock>(aws: &Aws<C>, alarms: &[&Resource]) -> Vec<Finding> {
    let mut found = Vec::new();
    for page in alarms.chunks(A_PAGE) {
        let names: Vec<&str> = page.iter().map(|alarm| alarm.physical_id.as_str()).collect();
        let input = json!({ "AlarmNames": names, "MaxRecords": A_PAGE });
        let answer: Result<DescribeAlarms, Unanswered> = aws.call(Service::CloudWatch, "DescribeAlarms", &input).await;
        match answer {
            Ok(answer) => found.extend(answer.metric_alarms),
            Err(why) => return vec![unanswered("alarms", "CloudWatch", why)],
        }
    }
    judge(alarms, &found)
}

fn judge(alarms: &[&Resource], found: &[Alarm]) -> Vec<Finding> {
    let findings: Vec<Finding> = alarms
        .iter()
        .filter_map(|alarm| {
            let check = format!("alarm {}", alarm.logical_id);
            match found.iter().find(|found| found.alarm_name == alarm.physical_id) {
                Some(found) => trouble(&check, found),
                None => Some(unanswered(&check, &format!("the alarm {}", alarm.physical_id), Unanswered::NotFound)),
            }
        })
        .collect();
    if findings.is_empty() {
        return vec![Finding::fine("alarms", format!("none of {} rings", alarms.len()))];
    }
    findings
}

/// What is wrong with an alarm, if anything is.
fn trouble(check: &str, alarm: &Alarm) -> Option<Finding> {
    let Alarm { alarm_name, state_value, state_reason, actions_enabled } = alarm;
    if state_value == "ALARM" {
        let what = format!("it rings: {}", state_reason.as_deref().unwrap_or("for no reason given"));
        return Some(Finding::broken(check, what, "see its row in \"Alarms\" in docs/operations.md"));
    }
    let enable = || format!("aws cloudwatch enable-alarm-actions --alarm-names {alarm_name}");
    (!actions_enabled).then(|| Finding::warning(check, "its actions are off: it tells nobody", enable()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    fn resource(logical_id: &str) -> Resource {
        let physical_id = format!("stack-{logical_id}");
        Resource { logical_id: logical_id.to_owned(), physical_id, kind: String::new() }
    }

    fn alarms(text: &str) -> Vec<Alarm> {
        serde_json::from_str::<DescribeAlarms>(text).unwrap().metric_alarms
    }

    #[test]
    fn silent_alarms_are_one_finding() {
        let (a, b) = (resource("A"), resource("B"));
        let found = alarms(
            r#"{"MetricAlarms":[{"AlarmName":"stack-A","StateValue":"OK","ActionsEnabled":true},
                {"AlarmName":"stack-B","StateValue":"INSUFFICIENT_DATA"}]}"#,
        );
        let findings = judge(&[&a, &b], &found);
        assert_eq!(findings, [Finding::fine("alarms", "none of 2 rings")]);
    }

    #[test]
    fn an_alarm_that_rings_or_is_gone_or_silenced_is_named() {
        let (a, b, c) = (resource("A"), resource("B"), resource("C"));
        let found = alarms(
            r#"{"MetricAlarms":[{"AlarmName":"stack-A","StateValue":"ALARM","StateReason":"10 > 0"},
                {"AlarmName":"stack-B","StateValue":"OK","ActionsEnabled":false}]}"#,
        );
        let findings = judge(&[&a, &b, &c], &found);
        let named: Vec<_> = findings.iter().map(|finding| (&*finding.check, finding.verdict)).collect();
        let expected = [("alarm A", Verdict::Broken), ("alarm B", Verdict::Warning), ("alarm C", Verdict::Broken)];
        assert_eq!(named, expected);
        assert_eq!(findings[0].what, "it rings: 10 > 0");
    }
}

//! Tables: there, expiring what has ended, and recoverable.

use hub::ports::Clock;
use serde::Deserialize;
use serde_json::json;

use super::unanswered;
use crate::{
    deployed_stack::Resource,
    doctor::{
        aws::{Aws, Service},
        finding::Finding,
    },
};

/// What it holds is rebuilt by itself, so it is not backed up.
const NOT_BACKED_UP: &str = "RuntimeTable";

/// Its deletion would lose every token.
const PROTECTED: &str = "VaultTable";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeTable {
    table: Table,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Table {
    table_status: String,
    deletion_protection_enabled: bool,
    global_secondary_indexes: Vec<Index>,
    stream_specification: Option<StreamSpecification>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Index {
    index_name: String,
    #[serde(default)]
    index_status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamSpecification {
    stream_enabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeTimeToLive {
    time_to_live_description: TimeToLive,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimeToLive {
    #[serde(default)]
    time_to_live_status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeContinuousBackups {
    continuous_backups_description: ContinuousBackups,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContinuousBackups {
    point_in_time_recovery_description: Option<PointInTimeRecovery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PointInTimeRecovery {
    point_in_time_recovery_status: String,
}

/// How a table is: its state, its expiry, its recovery, its protection.
pub async fn check<C: Clock>(aws: &Aws<C>, table: &Resource) -> Vec<Finding> {
    let (id, name) = (&table.logical_id, &table.physical_id);
    let (thing, input) = (format!("the table {name}"), json!({ "TableName": name }));
    let check = format!("table {id}");
    let described = match aws.call(Service::DynamoDb, "DescribeTable", &input).await {
        Ok(DescribeTable { table }) => table,
        Err(why) => return vec![unanswered(&check, &thing, why)],
    };
    let mut findings = vec![state(&check, &described)];
    let check = format!("expiry of {id}");
    findings.push(match aws.call(Service::DynamoDb, "DescribeTimeToLive", &input).await {
        Ok(DescribeTimeToLive { time_to_live_description: TimeToLive { time_to_live_status } }) => {
            expiry(&check, name, &time_to_live_status)
        }
        Err(why) => unanswered(&check, &thing, why),
    });
    if id != NOT_BACKED_UP {
        let check = format!("recovery of {id}");
        let answer = aws.call(Service::DynamoDb, "DescribeContinuousBackups", &input).await;
        findings.push(match answer {
            Ok(DescribeContinuousBackups { continuous_backups_description: backups }) => {
                recovery(&check, name, backups.point_in_time_recovery_description.as_ref())
            }
            Err(why) => unanswered(&check, &thing, why),
        });
    }
    if id == PROTECTED {
        findings.push(protection(&format!("protection of {id}"), name, described.deletion_protection_enabled));
    }
    findings
}

fn state(check: &str, table: &Table) -> Finding {
    let Table { table_status, global_secondary_indexes: indexes, stream_specification, .. } = table;
    let wait = "wait until DynamoDB has changed it, and run doctor again";
    if stream_specification.as_ref().is_some_and(|stream| !stream.stream_enabled) {
        return Finding::broken(check, "its stream is off: no event leaves it", "sam deploy, or turn it on by hand");
    }
    let mut statuses = indexes.iter().filter_map(|index| Some((&index.index_name, index.index_status.as_deref()?)));
    let unfinished = statuses.find(|(_, status)| *status != "ACTIVE");
    match (table_status.as_str(), unfinished) {
        ("ACTIVE", None) => Finding::fine(check, "active"),
        ("ACTIVE", Some((name, status))) => Finding::warning(check, format!("its index {name} is {status}"), wait),
        ("UPDATING", _) => Finding::warning(check, "it is UPDATING", wait),
        (other, _) => Finding::broken(
            check,
            format!("it is {other}"),
            "read the event history in CloudTrail; see \"A resource that is gone\" in docs/operations.md",
        ),
    }
}

fn expiry(check: &str, name: &str, status: &str) -> Finding {
    match status {
        "ENABLED" | "ENABLING" => Finding::fine(check, "on"),
        _ => Finding::broken(
            check,
            "off: what has expired is kept, and paid for",
            format!(
                "aws dynamodb update-time-to-live --table-name {name} --time-to-live-specification \
                 Enabled=true,AttributeName=expires_at (DynamoDB takes one change an hour)"
            ),
        ),
    }
}

fn recovery(check: &str, name: &str, recovery: Option<&PointInTimeRecovery>) -> Finding {
    if recovery.is_some_and(|found| found.point_in_time_recovery_status == "ENABLED") {
        return Finding::fine(check, "on");
    }
    let what_to_do = format!(
        "aws dynamodb update-continuous-backups --table-name {name} --point-in-time-recovery-specification \
         PointInTimeRecoveryEnabled=true"
    );
    Finding::broken(check, "off: what is deleted or overwritten by mistake is lost", what_to_do)
}

fn protection(check: &str, name: &str, enabled: bool) -> Finding {
    if enabled {
        return Finding::fine(check, "protected from deletion");
    }
    let what_to_do = format!(
        "aws dynamodb update-table --table-name {name} --deletion-protection-enabled, and deploy with \
         VaultDeletionProtection=true; not for a stack that you will throw away"
    );
    Finding::warning(check, "not protected from deletion", what_to_do)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    fn table(text: &str) -> Table {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_active_table_with_active_indexes_is_fine() {
        let index = |status| {
            format!(
                r#"{{"TableStatus":"ACTIVE","GlobalSecondaryIndexes":[{{"IndexName":"open","IndexStatus":"{status}"}}]}}"#
            )
        };
        for (text, verdict) in [
            (r#"{"TableStatus":"ACTIVE"}"#.to_owned(), Verdict::Fine),
            (index("ACTIVE"), Verdict::Fine),
            (index("CREATING"), Verdict::Warning),
            (r#"{"TableStatus":"UPDATING"}"#.to_owned(), Verdict::Warning),
            (r#"{"TableStatus":"INACCESSIBLE_ENCRYPTION_CREDENTIALS"}"#.to_owned(), Verdict::Broken),
            (r#"{"TableStatus":"ACTIVE","StreamSpecification":{"StreamEnabled":true}}"#.to_owned(), Verdict::Fine),
            (r#"{"TableStatus":"ACTIVE","StreamSpecification":{"StreamEnabled":false}}"#.to_owned(), Verdict::Broken),
        ] {
            assert_eq!(state("t", &table(&text)).verdict, verdict, "{text}");
        }
    }

    #[test]
    fn a_table_expires_its_items() {
        let judged = |status| expiry("t", "name", status).verdict;
        assert_eq!((judged("ENABLED"), judged("ENABLING")), (Verdict::Fine, Verdict::Fine));
        assert_eq!((judged("DISABLED"), judged("")), (Verdict::Broken, Verdict::Broken));
    }

    #[test]
    fn a_table_can_be_recovered() {
        let judged = |status: &str| {
            let found = PointInTimeRecovery { point_in_time_recovery_status: status.to_owned() };
            recovery("t", "name", Some(&found)).verdict
        };
        assert_eq!((judged("ENABLED"), judged("DISABLED")), (Verdict::Fine, Verdict::Broken));
        assert_eq!(recovery("t", "name", None).verdict, Verdict::Broken);
    }

    #[test]
    fn the_vault_is_protected() {
        let protected = table(r#"{"TableStatus":"ACTIVE","DeletionProtectionEnabled":true}"#);
        assert_eq!(protection("t", "name", protected.deletion_protection_enabled).verdict, Verdict::Fine);
        assert_eq!(protection("t", "name", false).verdict, Verdict::Warning);
    }
}

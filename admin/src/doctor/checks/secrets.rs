//! Secrets of Secrets Manager: the hash secret, without which no API key is recognised.

use hub::ports::Clock;
use serde::Deserialize;
use serde_json::{Value, json};

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
struct DescribeSecret {
    /// When its deletion was asked for.
    deleted_date: Option<Value>,
    replication_status: Vec<Replica>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Replica {
    region: String,
    status: String,
}

/// Whether a secret is there and will stay, with its copies.
pub async fn check<C: Clock>(aws: &Aws<C>, secret: &Resource) -> Finding {
    let (check, id) = (format!("secret {}", secret.logical_id), &secret.physical_id);
    match aws.call(Service::SecretsManager, "DescribeSecret", &json!({ "SecretId": id })).await {
        Ok(described) => judge(&check, id, &described),
        Err(why) => unanswered(&check, &format!("the secret {id}"), why),
    }
}

fn judge(check: &str, id: &str, secret: &DescribeSecret) -> Finding {
    if secret.deleted_date.is_some() {
        let what = "it is scheduled for deletion: no API key is recognised by a function that starts now";
        return Finding::broken(check, what, format!("aws secretsmanager restore-secret --secret-id {id}"));
    }
    let failed = secret.replication_status.iter().find(|replica| replica.status == "Failed");
    if let Some(Replica { region, .. }) = failed {
        let what_to_do = format!("aws secretsmanager describe-secret --secret-id {id} says why");
        return Finding::warning(check, format!("its copy in {region} failed"), what_to_do);
    }
    Finding::fine(check, format!("there, with {} copies in other regions", secret.replication_status.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn a_secret_stays_with_its_copies() {
        for (text, verdict) in [
            (r#"{"ARN":"arn","Name":"n"}"#, Verdict::Fine),
            (r#"{"ReplicationStatus":[{"Region":"eu-west-1","Status":"InSync"}]}"#, Verdict::Fine),
            (r#"{"ReplicationStatus":[{"Region":"eu-west-1","Status":"Failed"}]}"#, Verdict::Warning),
            (r#"{"DeletedDate":1.8E9}"#, Verdict::Broken),
        ] {
            assert_eq!(judge("s", "id", &serde_json::from_str(text).unwrap()).verdict, verdict, "{text}");
        }
    }
}

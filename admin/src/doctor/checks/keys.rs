//! KMS keys: without them no stored secret opens, and no alarm is heard.

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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeKey {
    key_metadata: KeyMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyMetadata {
    key_state: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetKeyRotationStatus {
    key_rotation_enabled: bool,
}

/// The state of a key, and whether it rotates.
pub async fn check<C: Clock>(aws: &Aws<C>, key: &Resource) -> Vec<Finding> {
    let (check, id) = (format!("key {}", key.logical_id), &key.physical_id);
    let input = json!({ "KeyId": id });
    let described = aws.call(Service::Kms, "DescribeKey", &input).await;
    let state = match described {
        Ok(DescribeKey { key_metadata }) => state(&check, id, &key_metadata.key_state),
        Err(why) => return vec![unanswered(&check, &format!("the key {id}"), why)],
    };
    let check = format!("rotation of {}", key.logical_id);
    let rotation = match aws.call(Service::Kms, "GetKeyRotationStatus", &input).await {
        Ok(GetKeyRotationStatus { key_rotation_enabled }) => rotation(&check, id, key_rotation_enabled),
        Err(why) => unanswered(&check, &format!("the key {id}"), why),
    };
    vec![state, rotation]
}

fn state(check: &str, id: &str, state: &str) -> Finding {
    let enable = format!("aws kms enable-key --key-id {id}");
    match state {
        "Enabled" => Finding::fine(check, "enabled"),
        "PendingDeletion" | "PendingReplicaDeletion" => Finding::broken(
            check,
            "it is scheduled for deletion: what is encrypted under it will be lost, and cannot be opened now",
            format!("aws kms cancel-key-deletion --key-id {id} && {enable}"),
        ),
        "Disabled" => Finding::broken(check, "it is disabled: what is encrypted under it cannot be opened", enable),
        other => Finding::broken(check, format!("its state is {other}"), enable),
    }
}

fn rotation(check: &str, id: &str, enabled: bool) -> Finding {
    if enabled {
        return Finding::fine(check, "on");
    }
    let what_to_do = format!("aws kms enable-key-rotation --key-id {id} --rotation-period-in-days 90");
    Finding::warning(check, "off: one key encrypts all data keys for ever", what_to_do)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn only_an_enabled_key_is_fine() {
        assert_eq!(state("k", "id", "Enabled").verdict, Verdict::Fine);
        let pending = state("k", "id", "PendingDeletion");
        assert_eq!(pending.verdict, Verdict::Broken);
        let what_to_do = "aws kms cancel-key-deletion --key-id id && aws kms enable-key --key-id id";
        assert_eq!(pending.what_to_do.as_deref(), Some(what_to_do));
        for broken in ["Disabled", "PendingReplicaDeletion", "Unavailable", "PendingImport"] {
            assert_eq!(state("k", "id", broken).verdict, Verdict::Broken, "{broken}");
        }
    }

    #[test]
    fn a_key_that_does_not_rotate_is_a_warning() {
        assert_eq!(rotation("k", "id", true).verdict, Verdict::Fine);
        assert_eq!(rotation("k", "id", false).verdict, Verdict::Warning);
    }

    #[test]
    fn the_answers_of_kms_are_read() {
        let text = r#"{"KeyMetadata":{"AWSAccountId":"1","KeyId":"k","Enabled":true,"KeyState":"Enabled"}}"#;
        assert_eq!(serde_json::from_str::<DescribeKey>(text).unwrap().key_metadata.key_state, "Enabled");
        let text = r#"{"KeyId":"k","KeyRotationEnabled":true,"RotationPeriodInDays":90}"#;
        assert!(serde_json::from_str::<GetKeyRotationStatus>(text).unwrap().key_rotation_enabled);
    }
}

//! The settings of a table that was restored: DynamoDB restores items and indexes, and neither the time to live nor
//! point-in-time recovery, protection from deletion or tags. An operator sets them again as the template does, no
//! function may.

use aws_sdk_dynamodb::{
    Client,
    types::{
        PointInTimeRecoverySpecification, TableDescription, TableStatus, Tag, TimeToLiveSpecification, TimeToLiveStatus,
    },
};
use aws_types::SdkConfig;
use hub::ports;

use crate::{error::from_sdk, item::EXPIRES_AT};

const DESCRIBING: &str = "describing a restored table";
const READING_EXPIRY: &str = "reading the time to live of a restored table";
const SETTING_EXPIRY: &str = "setting the time to live of a restored table";
const RECOVERING: &str = "setting the recovery of a restored table";
const PROTECTING: &str = "protecting a restored table from deletion";
const TAGGING: &str = "tagging a restored table";

/// What is set again of a restored table, beside its time to live and its recovery.
#[derive(Debug, Clone, Default)]
pub struct RestoredTable {
    pub name: String,
    /// Whether it is protected from deletion.
    pub is_protected: bool,
    /// Its tags, by key.
    pub tags: Vec<(String, String)>,
}

impl RestoredTable {
    /// Sets it all. What is set already stays, so that it may be repeated.
    ///
    /// # Errors
    /// When there is no such table, it is still being restored, or a setting is refused.
    pub async fn set_up(&self, config: &SdkConfig) -> ports::Result<()> {
        let (dynamo, name) = (Client::new(config), &self.name);
        let table = self.described(&dynamo).await?;
        let expiry = dynamo.describe_time_to_live().table_name(name).send().await.map_err(from_sdk(READING_EXPIRY))?;
        let expiry = expiry.time_to_live_description.and_then(|expiry| expiry.time_to_live_status);
        // Setting it a second time is an error.
        if !matches!(expiry, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
            let by = TimeToLiveSpecification::builder().attribute_name(EXPIRES_AT).enabled(true).build();
            let by = by.map_err(|error| ports::Error::broken(SETTING_EXPIRY, error))?;
            let set = dynamo.update_time_to_live().table_name(name).time_to_live_specification(by);
            set.send().await.map_err(from_sdk(SETTING_EXPIRY))?;
        }
        let recovery = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true).build();
        let recovery = recovery.map_err(|error| ports::Error::broken(RECOVERING, error))?;
        let set = dynamo.update_continuous_backups().table_name(name).point_in_time_recovery_specification(recovery);
        set.send().await.map_err(from_sdk(RECOVERING))?;
        if self.is_protected && table.deletion_protection_enabled != Some(true) {
            let set = dynamo.update_table().table_name(name).deletion_protection_enabled(true);
            set.send().await.map_err(from_sdk(PROTECTING))?;
        }
        self.tag(&dynamo, table.table_arn.as_deref().unwrap_or_default()).await
    }

    async fn described(&self, dynamo: &Client) -> ports::Result<TableDescription> {
        let described = dynamo.describe_table().table_name(&self.name).send().await.map_err(from_sdk(DESCRIBING))?;
        let table = described.table.filter(|table| table.table_status == Some(TableStatus::Active));
        table.ok_or_else(|| ports::Error::unavailable(DESCRIBING, format!("{} is not active yet", self.name)))
    }

    async fn tag(&self, dynamo: &Client, arn: &str) -> ports::Result<()> {
        if self.tags.is_empty() {
            return Ok(());
        }
        let tag = |(key, value): &(String, String)| Tag::builder().key(key).value(value).build();
        let tags = self.tags.iter().map(tag).collect::<Result<Vec<_>, _>>();
        let tags = tags.map_err(|error| ports::Error::broken(TAGGING, error))?;
        let set = dynamo.tag_resource().resource_arn(arn).set_tags(Some(tags));
        set.send().await.map(|_| ()).map_err(from_sdk(TAGGING))
    }
}

#[cfg(test)]
mod tests {
    use hub::ports::ErrorKind;
    use serde_json::{Value, json};

    use super::*;
    use crate::answering::Answering;

    /// The requests for a table that is in this state.
    async fn asked(status: &str, expiry: &str, protected: bool, table: &RestoredTable) -> ports::Result<Vec<Value>> {
        let aws = Answering::new(
            200,
            &json!({
                "Table": { "TableStatus": status, "TableArn": "arn:t", "DeletionProtectionEnabled": protected },
                "TimeToLiveDescription": { "TimeToLiveStatus": expiry },
            }),
        );
        table.set_up(&aws.config()).await?;
        Ok(aws.requests().iter().map(|request| serde_json::from_str(request).unwrap()).collect())
    }

    #[tokio::test]
    async fn what_a_restore_leaves_out_is_set_and_what_is_set_stays() {
        let tags = vec![("team".to_owned(), "photos".to_owned())];
        let table = RestoredTable { name: "t".to_owned(), is_protected: true, tags };
        let named = json!({ "TableName": "t" });
        let recovery = json!({
            "TableName": "t", "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": true }
        });
        let tagged = json!({ "ResourceArn": "arn:t", "Tags": [{ "Key": "team", "Value": "photos" }] });
        assert_eq!(
            asked("ACTIVE", "DISABLED", false, &table).await.unwrap(),
            [
                named.clone(),
                named.clone(),
                json!({
                    "TableName": "t", "TimeToLiveSpecification": { "AttributeName": "expires_at", "Enabled": true }
                }),
                recovery.clone(),
                json!({ "TableName": "t", "DeletionProtectionEnabled": true }),
                tagged.clone(),
            ]
        );
        let again = asked("ACTIVE", "ENABLED", true, &table).await.unwrap();
        assert_eq!(again, [named.clone(), named.clone(), recovery.clone(), tagged]);
        let plain = RestoredTable { is_protected: false, tags: vec![], ..table };
        assert_eq!(asked("ACTIVE", "ENABLING", false, &plain).await.unwrap(), [named.clone(), named, recovery]);
    }

    #[tokio::test]
    async fn a_table_that_is_still_being_restored_is_told() {
        let table = RestoredTable { name: "t".to_owned(), ..RestoredTable::default() };
        let error = asked("CREATING", "DISABLED", false, &table).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(hub::chain(&error), "describing a restored table: t is not active yet");
    }
}

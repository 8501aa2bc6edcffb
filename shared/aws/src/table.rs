//! A DynamoDB table: reads, lists, and writes that say what they found.
//!
//! Every read is consistent, but those of an index, which cannot be. A conditional write that its condition refuses is
//! no error: [`written`] and [`written_if`] tell it apart from a failure.

use aws_sdk_dynamodb::{
    Client,
    config::{Builder, retry::RetryConfig},
    operation::{
        delete_item::{DeleteItemError, builders::DeleteItemFluentBuilder},
        get_item::builders::GetItemFluentBuilder,
        put_item::{PutItemError, builders::PutItemFluentBuilder},
        query::builders::QueryFluentBuilder,
        scan::builders::ScanFluentBuilder,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{
        ConditionCheck, Delete, Put, ReturnValue, Update,
        builders::{ConditionCheckBuilder, DeleteBuilder, PutBuilder, UpdateBuilder},
    },
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use domain::timing::conflict_pause;
use hub::ports;

use crate::{error::from_sdk, item::Attributes, machine::random};

/// A DynamoDB table. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    client: Client,
    name: String,
}

impl Table {
    pub(crate) fn new(client: &Client, name: &str) -> Self {
        Self { client: client.clone(), name: name.to_owned() }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The item, if there is one; it may be expired.
    pub(crate) async fn get(&self, key: Attributes, what: &'static str) -> ports::Result<Option<Attributes>> {
        Ok(self.read(key).consistent_read(true).send().await.map_err(from_sdk(what))?.item)
    }

    /// A read of one item, eventually consistent where nothing else is said.
    pub(crate) fn read(&self, key: Attributes) -> GetItemFluentBuilder {
        self.client.get_item().table_name(&self.name).set_key(Some(key))
    }

    /// Writes the item over what was there.
    pub(crate) async fn put(&self, item: Attributes, what: &'static str) -> ports::Result<()> {
        self.write(item).send().await.map(|_| ()).map_err(from_sdk(what))
    }

    /// Removes the item. Whether there was one.
    pub(crate) async fn remove(&self, key: Attributes, what: &'static str) -> ports::Result<bool> {
        Ok(self.take(key, what).await?.is_some())
    }

    /// Removes the item, and gives it to one who removes it alone; it may be expired.
    pub(crate) async fn take(&self, key: Attributes, what: &'static str) -> ports::Result<Option<Attributes>> {
        let answer = self.delete(key).return_values(ReturnValue::AllOld).send().await;
        Ok(answer.map_err(from_sdk(what))?.attributes)
    }

    /// A write of a whole item, to be given a condition.
    pub(crate) fn write(&self, item: Attributes) -> PutItemFluentBuilder {
        self.client.put_item().table_name(&self.name).set_item(Some(item))
    }

    /// An update of one item, to be given its expressions.
    pub(crate) fn update(&self, key: Attributes) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.name).set_key(Some(key))
    }

    /// A removal of one item, to be given a condition.
    pub(crate) fn delete(&self, key: Attributes) -> DeleteItemFluentBuilder {
        self.client.delete_item().table_name(&self.name).set_key(Some(key))
    }

    /// The part of a transaction that puts an item.
    pub(crate) fn put_part(&self, item: Attributes) -> PutBuilder {
        Put::builder().table_name(&self.name).set_item(Some(item))
    }

    /// The part of a transaction that updates an item.
    pub(crate) fn update_part(&self, key: Attributes) -> UpdateBuilder {
        Update::builder().table_name(&self.name).set_key(Some(key))
    }

    /// The part of a transaction that removes an item.
    pub(crate) fn delete_part(&self, key: Attributes) -> DeleteBuilder {
        Delete::builder().table_name(&self.name).set_key(Some(key))
    }

    /// What would be a part of a transaction, as a write by itself.
    pub(crate) fn put_alone(&self, part: Put) -> PutItemFluentBuilder {
        self.write(part.item)
            .set_condition_expression(part.condition_expression)
            .set_expression_attribute_names(part.expression_attribute_names)
            .set_expression_attribute_values(part.expression_attribute_values)
            .set_return_values_on_condition_check_failure(part.return_values_on_condition_check_failure)
    }

    /// What would be a part of a transaction, as an update by itself.
    pub(crate) fn update_alone(&self, part: Update) -> UpdateItemFluentBuilder {
        self.update(part.key)
            .update_expression(part.update_expression)
            .set_condition_expression(part.condition_expression)
            .set_expression_attribute_names(part.expression_attribute_names)
            .set_expression_attribute_values(part.expression_attribute_values)
            .set_return_values_on_condition_check_failure(part.return_values_on_condition_check_failure)
    }

    /// The part of a transaction that only checks an item.
    pub(crate) fn check_part(&self, key: Attributes) -> ConditionCheckBuilder {
        ConditionCheck::builder().table_name(&self.name).set_key(Some(key))
    }

    /// A read of the whole table, which no function may make.
    pub(crate) fn scan(&self) -> ScanFluentBuilder {
        self.client.scan().table_name(&self.name)
    }

    /// A query of the table, or of an index of it.
    pub(crate) fn query(&self) -> QueryFluentBuilder {
        self.client.query().table_name(&self.name)
    }
}

/// Up to `limit` items of the query after the one with the key `start`, page by page.
pub(crate) async fn list(
    query: QueryFluentBuilder,
    mut start: Option<Attributes>,
    limit: u16,
    what: &'static str,
) -> ports::Result<Vec<Attributes>> {
    let mut items = Vec::new();
    loop {
        let page = query.clone().limit(i32::from(limit) - i32::try_from(items.len()).unwrap_or(0));
        let page = page.set_exclusive_start_key(start).send().await.map_err(from_sdk(what))?;
        items.extend(page.items.unwrap_or_default());
        start = page.last_evaluated_key;
        if start.is_none() || items.len() >= usize::from(limit) {
            return Ok(items);
        }
    }
}

/// How a conditional write ended.
pub(crate) enum Written<T> {
    /// It was written.
    Done(T),
    /// Its condition refused it: the item that was there, where the write asks for it.
    Refused(Option<Attributes>),
}

/// The error of a write that may have a condition.
pub(crate) trait WriteError: ProvideErrorMetadata {
    /// The item that the condition refused.
    fn refused_item(self) -> Option<Attributes>;
}

macro_rules! write_errors {
    ($($error:ident)*) => {
        $(impl WriteError for $error {
            fn refused_item(self) -> Option<Attributes> {
                match self {
                    $error::ConditionalCheckFailedException(refused) => refused.item,
                    _ => None,
                }
            }
        })*
    };
}

write_errors!(DeleteItemError PutItemError UpdateItemError);

/// How a conditional write ended, from its answer.
pub(crate) fn written<T, E: WriteError>(
    answer: Result<T, SdkError<E, HttpResponse>>,
    what: &'static str,
) -> ports::Result<Written<T>> {
    match answer {
        Ok(done) => Ok(Written::Done(done)),
        Err(SdkError::ServiceError(refused)) if refused.err().code() == Some("ConditionalCheckFailedException") => {
            Ok(Written::Refused(refused.into_err().refused_item()))
        }
        Err(error) => Err(from_sdk(what)(error)),
    }
}

/// Whether a conditional write was done: `false` when its condition refused it.
pub(crate) fn written_if<T, E: WriteError>(
    answer: Result<T, SdkError<E, HttpResponse>>,
    what: &'static str,
) -> ports::Result<bool> {
    written(answer, what).map(|written| matches!(written, Written::Done(_)))
}

/// The settings of a request that is sent once, and not repeated where its answer is lost.
pub(crate) fn once() -> Builder {
    Builder::default().retry_config(RetryConfig::disabled())
}

/// Waits before the try with this number, from 0, of what met others ([`conflict_pause`]).
pub(crate) async fn pause(attempt: u32) {
    if attempt > 0 {
        let [chance, ..] = random();
        tokio::time::sleep(conflict_pause(attempt, chance)).await;
    }
}

/// A table that nobody asks, to build requests in tests.
#[cfg(test)]
pub(crate) fn unasked() -> Table {
    use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;

    let config = aws_sdk_dynamodb::Config::builder().behavior_version(BehaviorVersion::v2026_01_12()).build();
    Table::new(&Client::from_conf(config), "table")
}

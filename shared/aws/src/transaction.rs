//! Transactions: several writes of one table or more, all of them or none.

use aws_sdk_dynamodb::{
    error::BuildError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        Put, TransactWriteItem, Update,
        builders::{ConditionCheckBuilder, DeleteBuilder, PutBuilder},
    },
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use hub::ports;

use crate::{error::from_sdk, item::Attributes, table::Table};

/// How a transaction ended.
pub(crate) enum Transacted {
    /// It was written.
    Done,
    /// The condition of its first part refused it: the item that was there, where the part asks for it.
    Refused(Option<Attributes>),
    /// The condition of another part refused it, and that of the first did not.
    RefusedByOther,
    /// It met other writes of the same items.
    Conflict,
}

/// What can be a part of a transaction.
pub(crate) trait Part {
    fn part(self) -> Result<TransactWriteItem, BuildError>;
}

impl Part for PutBuilder {
    fn part(self) -> Result<TransactWriteItem, BuildError> {
        Ok(TransactWriteItem::builder().put(self.build()?).build())
    }
}

impl Part for DeleteBuilder {
    fn part(self) -> Result<TransactWriteItem, BuildError> {
        Ok(TransactWriteItem::builder().delete(self.build()?).build())
    }
}

impl Part for ConditionCheckBuilder {
    fn part(self) -> Result<TransactWriteItem, BuildError> {
        Ok(TransactWriteItem::builder().condition_check(self.build()?).build())
    }
}

impl Part for Put {
    fn part(self) -> Result<TransactWriteItem, BuildError> {
        Ok(TransactWriteItem::builder().put(self).build())
    }
}

impl Part for Update {
    fn part(self) -> Result<TransactWriteItem, BuildError> {
        Ok(TransactWriteItem::builder().update(self).build())
    }
}

impl Table {
    /// Writes all parts or none. The SDK sends a token along, so that a request that it repeats is done once.
    pub(crate) async fn transact(
        &self,
        parts: impl IntoIterator<Item = Result<TransactWriteItem, BuildError>> + Send,
        what: &'static str,
    ) -> ports::Result<Transacted> {
        let parts: Result<Vec<_>, _> = parts.into_iter().collect();
        let parts = parts.map_err(|error| ports::Error::broken(what, error))?;
        match self.client().transact_write_items().set_transact_items(Some(parts)).send().await {
            Ok(_) => Ok(Transacted::Done),
            Err(error) => cancelled(&error).map_or_else(|| Err(from_sdk(what)(error)), Ok),
        }
    }
}

/// What cancelled a transaction, unless it was something that needs a person.
fn cancelled(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> Option<Transacted> {
    const CONDITION_FAILED: &str = "ConditionalCheckFailed";
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return None;
    };
    let reasons = cancelled.cancellation_reasons();
    let is = |code: &str| reasons.iter().any(|reason| reason.code() == Some(code));
    match reasons.first().filter(|reason| reason.code() == Some(CONDITION_FAILED)) {
        Some(reason) => Some(Transacted::Refused(reason.item().cloned())),
        // A conflict goes before: it may have kept the first part's condition from being checked.
        None if is("TransactionConflict") || is("ThrottlingError") || is("ProvisionedThroughputExceeded") => {
            Some(Transacted::Conflict)
        }
        None => is(CONDITION_FAILED).then_some(Transacted::RefusedByOther),
    }
}

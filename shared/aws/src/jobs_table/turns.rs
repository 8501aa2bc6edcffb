//! The turns that accounts take in lines, kept with the count of their pending jobs; and the list
//! of the jobs in a line.

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, UpdateItemOutput},
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use domain::{
    AppId, TenantId, UserId,
    line::{Priority, Turns, next_turn},
};
use hub::ports::{self, ListWaiting, TakeTurn, Turn, Waiting};

use super::{FEWER_PENDING, LINE_APP, LINE_INDEX, LINE_ORDER, PENDING, ids_of, pending_key, record::tag_of};
use crate::{
    Cloud,
    error::from_sdk,
    item::{Attributes, Reader, number, text, unreadable, whole},
};

const TAKING: &str = "taking a turn";

/// How often a turn that meets others is tried.
const TRIES: u32 = 6;

/// The attribute that holds a lane's turn.
fn attribute(lane: Priority) -> &'static str {
    match lane {
        Priority::High => "turn_high",
        Priority::Normal => "turn_normal",
        Priority::Low => "turn_low",
    }
}

/// Where an account's lane is: the turn it takes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// Ahead of the virtual time, or at it: from where it is.
    Ahead,
    /// Behind: from the virtual time.
    Behind,
}

/// A wish for a turn.
struct Wish<'a> {
    tenant: &'a TenantId,
    user: &'a UserId,
    lane: Priority,
    virtual_time: u64,
    max_pending_jobs: u32,
}

impl Cloud {
    /// Takes a turn if the lane is where it is said to be: DynamoDB knows no maximum of two numbers.
    async fn try_turn(
        &self,
        wish: &Wish<'_>,
        is: Lane,
    ) -> Result<UpdateItemOutput, SdkError<UpdateItemError, HttpResponse>> {
        let turn = attribute(wish.lane);
        let (condition, taken, by) = match is {
            Lane::Ahead => (format!("{turn} >= :virtual_time"), format!("{turn} + :by"), wish.lane.stride()),
            Lane::Behind => (
                format!("(attribute_not_exists({turn}) OR {turn} < :virtual_time)"),
                ":by".to_owned(),
                next_turn(0, wish.lane, wish.virtual_time),
            ),
        };
        self.dynamo
            .update_item()
            .table_name(&self.jobs_table)
            .set_key(Some(pending_key(wish.tenant, wish.user)))
            .condition_expression(format!("{condition} AND {FEWER_PENDING}"))
            .update_expression(format!("SET {turn} = {taken}"))
            .expression_attribute_values(":virtual_time", whole(wish.virtual_time))
            .expression_attribute_values(":by", whole(by))
            .expression_attribute_values(":max", number(wish.max_pending_jobs))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await
    }
}

impl TakeTurn for Cloud {
    /// One write as long as the lane is ahead of the virtual time, as that of an account with many
    /// jobs is, else two.
    async fn take_turn(
        &self,
        tenant: &TenantId,
        user: &UserId,
        lane: Priority,
        virtual_time: u64,
        max_pending_jobs: u32,
    ) -> ports::Result<Turn> {
        let wish = Wish { tenant, user, lane, virtual_time, max_pending_jobs };
        let mut is = Lane::Ahead;
        for attempt in 0..TRIES {
            // The second try is the other way, and the first that may meet others.
            self.pause(attempt.saturating_sub(1)).await;
            let error = match self.try_turn(&wish, is).await {
                Ok(answer) => return Ok(Turn::Taken(turns(&answer.attributes.unwrap_or_default()))),
                Err(error) => error,
            };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    let found = refused.item().map(Reader);
                    let pending = found.as_ref().and_then(|item| item.optional_number(PENDING)).unwrap_or_default();
                    if pending >= i64::from(max_pending_jobs) {
                        return Ok(Turn::TooMany);
                    }
                    let turn = found.and_then(|item| item.optional_whole(attribute(lane)));
                    is = if turn.is_some_and(|turn| turn >= virtual_time) { Lane::Ahead } else { Lane::Behind };
                }
                // A job of the account begins or ends at this moment.
                Some(UpdateItemError::TransactionConflictException(_)) => {}
                _ => return Err(from_sdk(TAKING)(error)),
            }
        }
        Err(ports::Error::unavailable(TAKING, "too many jobs of the account are accepted at once"))
    }

    async fn return_turn(&self, tenant: &TenantId, user: &UserId, lane: Priority, tag: u64) -> ports::Result<()> {
        let turn = attribute(lane);
        let update = self
            .dynamo
            .update_item()
            .table_name(&self.jobs_table)
            .set_key(Some(pending_key(tenant, user)))
            .condition_expression(format!("{turn} = :tag"))
            .update_expression(format!("SET {turn} = :before"))
            .expression_attribute_values(":tag", whole(tag))
            .expression_attribute_values(":before", whole(tag.saturating_sub(lane.stride())));
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(from_sdk("giving a turn back")(error)),
        }
    }
}

impl ListWaiting for Cloud {
    async fn first_in_line(&self, app: &AppId, limit: u16) -> ports::Result<Vec<Waiting>> {
        let query = self
            .dynamo
            .query()
            .table_name(&self.jobs_table)
            .index_name(LINE_INDEX)
            .key_condition_expression(format!("{LINE_APP} = :app"))
            .expression_attribute_values(":app", text(app.as_str()));
        let items = self.list(query, None, limit, "listing the jobs in a line").await?;
        items.iter().map(read_waiting).collect()
    }
}

fn turns(item: &Attributes) -> Turns {
    let of = |lane| Reader(item).optional_whole(attribute(lane)).unwrap_or_default();
    Turns { high: of(Priority::High), normal: of(Priority::Normal), low: of(Priority::Low) }
}

fn read_waiting(item: &Attributes) -> ports::Result<Waiting> {
    let (tenant, id) = ids_of(item)?;
    let tag = tag_of(Reader(item).text(LINE_ORDER)?).ok_or_else(|| unreadable(LINE_ORDER))?;
    Ok(Waiting { tenant, id, tag })
}

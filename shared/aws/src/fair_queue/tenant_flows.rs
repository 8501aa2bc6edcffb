//! Tenant flows, in the runtime table.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `FAIR_QUEUE#app` | tenant#lane | a tenant's flow in a lane of an app that tenants share |

use std::collections::BTreeSet;

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use domain::fair_queue::{Slot, TenantFlow, next_tag};
use hub::ports::{self, TenantTagRequest};

use super::{RETENTION, TRIES, partition};
use crate::{
    Cloud,
    item::{self, Attributes, EXPIRES_AT, Reader, expiry, whole},
    machine::now,
    table::{Written, written, written_if},
};

const TAG: &str = "tag";
const UNTIL: &str = "until_tag";
const CURRENT: &str = "accounts";
const PREVIOUS: &str = "accounts_before";

const TAKING: &str = "taking a tenant's tag";

fn key(request: &TenantTagRequest) -> Attributes {
    item::key(partition(&request.app), format!("{}#{}", request.tenant, request.lane.as_str()))
}

/// Where a flow is, and so what taking a tag does to it ([`TenantFlow::taken`]): DynamoDB has no maximum of two numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FlowState {
    /// Nobody of the tenant waits.
    Behind,
    /// Some wait.
    Ahead,
    /// Some wait, and all that waited when the accounts were last counted anew have run.
    Passed,
}

impl FlowState {
    fn of(tenant_flow: &TenantFlow, virtual_time: u64) -> Self {
        if tenant_flow.tag < virtual_time {
            Self::Behind
        } else if tenant_flow.until <= virtual_time {
            Self::Passed
        } else {
            Self::Ahead
        }
    }
}

impl Cloud {
    pub(super) async fn take_tag_of_tenant(&self, request: &TenantTagRequest) -> ports::Result<TenantFlow> {
        let mut is = FlowState::Ahead;
        for _ in 0..TRIES {
            is = match written(self.tenant_tag_update(request, is).send().await, TAKING)? {
                Written::Done(answer) => return Ok(read(&answer.attributes.unwrap_or_default())),
                Written::Refused(found) => {
                    FlowState::of(&found.as_ref().map(read).unwrap_or_default(), request.virtual_time)
                }
            };
        }
        Err(ports::Error::unavailable(TAKING, "its tags are taken all the time"))
    }

    /// The update that takes a tag if the flow is where it is said to be.
    fn tenant_tag_update(&self, request: &TenantTagRequest, is: FlowState) -> UpdateItemFluentBuilder {
        let (condition, change, by) = match is {
            FlowState::Behind => (
                format!("attribute_not_exists({TAG}) OR {TAG} < :virtual_time"),
                format!(
                    "SET {TAG} = :by, {UNTIL} = :by, {CURRENT} = :slot, {EXPIRES_AT} = :expires_at REMOVE {PREVIOUS}"
                ),
                next_tag(0, request.lane.stride(), request.virtual_time),
            ),
            FlowState::Ahead => (
                format!("{TAG} >= :virtual_time AND {UNTIL} > :virtual_time"),
                format!("SET {TAG} = {TAG} + :by, {EXPIRES_AT} = :expires_at ADD {CURRENT} :slot"),
                request.lane.stride(),
            ),
            FlowState::Passed => (
                format!("{TAG} >= :virtual_time AND {UNTIL} <= :virtual_time"),
                format!(
                    "SET {TAG} = {TAG} + :by, {UNTIL} = {TAG} + :by, {PREVIOUS} = {CURRENT}, {CURRENT} = :slot, \
                     {EXPIRES_AT} = :expires_at"
                ),
                request.lane.stride(),
            ),
        };
        self.runtime
            .update(key(request))
            .condition_expression(condition)
            .update_expression(change)
            .expression_attribute_values(":virtual_time", whole(request.virtual_time))
            .expression_attribute_values(":by", whole(by))
            .expression_attribute_values(":slot", AttributeValue::Ns(vec![request.slot.number().to_string()]))
            .expression_attribute_values(":expires_at", expiry(now() + RETENTION))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    pub(super) async fn return_tag_of_tenant(&self, request: &TenantTagRequest, tag: u64) -> ports::Result<()> {
        let update = self
            .runtime
            .update(key(request))
            .condition_expression(format!("{TAG} = :tag"))
            .update_expression(format!("SET {TAG} = :before"))
            .expression_attribute_values(":tag", whole(tag))
            .expression_attribute_values(":before", whole(tag.saturating_sub(request.lane.stride())));
        written_if(update.send().await, "returning a tenant's tag").map(|_| ())
    }
}

/// The flow in an item.
fn read(item: &Attributes) -> TenantFlow {
    let whole = |name| Reader(item).optional_whole(name).unwrap_or_default();
    let slots = |name| -> BTreeSet<Slot> {
        let numbers = item.get(name).and_then(|value| value.as_ns().ok());
        numbers.into_iter().flatten().filter_map(|number| Slot::from_number(number.parse().ok()?)).collect()
    };
    TenantFlow { tag: whole(TAG), until: whole(UNTIL), current: slots(CURRENT), previous: slots(PREVIOUS) }
}

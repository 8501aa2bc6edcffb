//! Kept answers: which job has the answer to a question, and how often that was of use.
//!
//! A pointer is a small item, changed under the condition that it is as it was seen. The answers are
//! with the jobs; what makes them void is with the count of an account's pending jobs.

use std::time::Duration;

use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use domain::{
    Day, TenantId, UserId,
    cache::{Pointer, Question, Uses},
    call::MethodName,
    timing::{JOB_DEADLINE, LONGEST_CACHE_TTL},
};
use hub::ports::{self, Cached, CountUses, FindCached, ListUses, SealedAccount, SetPointer, USES_RETENTION};

use crate::{
    Cloud,
    error::from_sdk,
    item::{self, Attributes, EXPIRES_AT, PARTITION, Reader, SORT, expiry, named, text, time, unreadable, whole},
    jobs_table::{freshness, pending_key},
    system::now,
    vault_table::{account_key, read_sealed},
};

const LEADER: &str = "leader";
const GENERATION: &str = "generation";
const AS_OF: &str = "as_of";

/// How long a pointer is kept after its job asked: by then that one has ended, and its answer is
/// too old to be given again.
const POINTER_KEPT: Duration = JOB_DEADLINE.saturating_add(LONGEST_CACHE_TTL);

const LEADING: &str = "saying who asks a question";

fn pointer_key(tenant: &TenantId, user: &UserId, question: &Question) -> Attributes {
    item::key(format!("CACHE#{tenant}#{user}"), question.as_str())
}

fn attributes(pointer: &Pointer) -> [(&'static str, AttributeValue); 3] {
    [(LEADER, text(pointer.leader.as_str())), (GENERATION, whole(pointer.generation)), (AS_OF, time(pointer.as_of))]
}

fn read_pointer(item: &Attributes) -> ports::Result<Pointer> {
    let reader = Reader(item);
    Ok(Pointer { leader: reader.parsed(LEADER)?, generation: reader.whole(GENERATION)?, as_of: reader.time(AS_OF)? })
}

impl FindCached for Cloud {
    async fn account_and_cached(
        &self,
        tenant: &TenantId,
        user: &UserId,
        question: &Question,
    ) -> ports::Result<(Option<SealedAccount>, Cached)> {
        let wanted = [
            (self.vault_table.as_str(), account_key(tenant, user)),
            (self.jobs_table.as_str(), pending_key(tenant, user)),
            (self.runtime_table.as_str(), pointer_key(tenant, user, question)),
        ];
        let [account, pending, pointer] = self.get_several(wanted, "looking for a kept answer").await?;
        let account = account.map(|item| read_sealed(tenant, &item)).transpose()?;
        let pointer = pointer.filter(|item| !Reader(item).is_expired(now()));
        let pointer = pointer.map(|item| read_pointer(&item)).transpose()?;
        Ok((account, Cached { freshness: freshness::read(pending.as_ref()), pointer }))
    }
}

impl SetPointer for Cloud {
    async fn set_pointer(
        &self,
        tenant: &TenantId,
        user: &UserId,
        question: &Question,
        pointer: &Pointer,
        seen: Option<&Pointer>,
    ) -> ports::Result<bool> {
        let mut item = pointer_key(tenant, user, question);
        item.extend(named(attributes(pointer)));
        item.extend(named([(EXPIRES_AT, expiry(pointer.as_of + POINTER_KEPT))]));
        let put = self
            .dynamo
            .put_item()
            .table_name(&self.runtime_table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match seen {
            Some(seen) => attributes(seen)
                .into_iter()
                .fold(put, |put, (name, value)| put.expression_attribute_values(format!(":{name}"), value))
                .condition_expression(
                    [LEADER, GENERATION, AS_OF].map(|name| format!("{name} = :{name}")).join(" AND "),
                ),
            None => put
                .condition_expression(format!("attribute_not_exists({PARTITION}) OR {EXPIRES_AT} <= :now"))
                .expression_attribute_values(":now", expiry(now())),
        };
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                // A request that the SDK repeats, because its answer was lost, finds what it wrote.
                Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                    refused.item().map_or(Ok(false), |item| Ok(read_pointer(item)? == *pointer))
                }
                _ => Err(from_sdk(LEADING)(error)),
            },
        }
    }
}

fn uses_partition(tenant: &TenantId) -> String {
    format!("USES#{tenant}")
}

/// The counters of an item, with the names of their attributes.
fn counters(uses: &mut Uses) -> [(&'static str, &mut u64); 5] {
    [
        ("hits", &mut uses.hits),
        ("shared", &mut uses.shared),
        ("misses", &mut uses.misses),
        ("bypassed", &mut uses.bypassed),
        ("unavailable", &mut uses.unavailable),
    ]
}

fn read_uses(item: &Attributes) -> ports::Result<(MethodName, Uses)> {
    let reader = Reader(item);
    let method = reader.text(SORT)?.split_once('#').and_then(|(_, method)| method.parse().ok());
    let mut uses = Uses::default();
    for (name, count) in counters(&mut uses) {
        *count = reader.optional_whole(name).unwrap_or_default();
    }
    Ok((method.ok_or_else(|| unreadable(SORT))?, uses))
}

impl CountUses for Cloud {
    async fn count_uses(&self, tenant: &TenantId, day: &Day, method: &MethodName, uses: &Uses) -> ports::Result<()> {
        let mut uses = *uses;
        let counted = counters(&mut uses).map(|(name, count)| (name, *count));
        let counted: Vec<_> = counted.into_iter().filter(|(_, count)| *count > 0).collect();
        if counted.is_empty() {
            return Ok(());
        }
        // Some of the names are reserved words.
        let additions: Vec<String> = counted.iter().map(|(name, _)| format!("#{name} :{name}")).collect();
        let update = self
            .dynamo
            .update_item()
            .table_name(&self.runtime_table)
            .set_key(Some(item::key(uses_partition(tenant), format!("{}#{method}", day.as_str()))))
            .update_expression(format!("SET {EXPIRES_AT} = :expires_at ADD {}", additions.join(", ")))
            .expression_attribute_values(":expires_at", expiry(now() + USES_RETENTION));
        let update = counted.into_iter().fold(update, |update, (name, count)| {
            update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), whole(count))
        });
        update.send().await.map(|_| ()).map_err(from_sdk("counting the uses of kept answers"))
    }
}

impl ListUses for Cloud {
    async fn uses(&self, tenant: &TenantId, from: &Day) -> ports::Result<Vec<(MethodName, Uses)>> {
        let query = self
            .dynamo
            .query()
            .table_name(&self.runtime_table)
            .key_condition_expression(format!("{PARTITION} = :tenant AND {SORT} >= :from"))
            .expression_attribute_values(":tenant", text(uses_partition(tenant)))
            .expression_attribute_values(":from", text(from.as_str()))
            .consistent_read(true);
        let items = self.list(query, None, u16::MAX, "listing the uses of kept answers").await?;
        items.iter().map(read_uses).collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::{JobId, Timestamp};

    use super::*;
    use crate::item::number;

    #[test]
    fn a_pointer_reads_back() {
        let pointer = Pointer {
            leader: JobId::from_bytes([7; 16]),
            generation: u64::MAX,
            as_of: Timestamp::from_milliseconds(1_790_000_000_123),
        };
        let item: Attributes = named(attributes(&pointer)).collect();
        assert_eq!(read_pointer(&item).unwrap(), pointer);
    }

    #[test]
    fn uses_are_read_by_method_and_what_was_never_counted_is_none() {
        let mut item = item::key("USES#t", "2026-11-23#flickr.photos.getInfo");
        item.extend(named([("hits", number(3)), ("bypassed", number(1))]));
        let (method, uses) = read_uses(&item).unwrap();
        assert_eq!(method.as_str(), "flickr.photos.getInfo");
        assert_eq!(uses, Uses { hits: 3, bypassed: 1, ..Uses::default() });
    }
}

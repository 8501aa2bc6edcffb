//! The response cache, in the runtime table: which job has the answer to a call, and how often that was of use.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `CACHE#tenant#user` | cache key | which job has the answer, or will have it |
//! | `CACHE_STATS#tenant` | day and method | how often jobs looked into the cache, by outcome |
//!
//! An entry is a small item, changed under the condition that it is as it was seen. The answers are with the jobs; the
//! generations that make entries out of date are in the account's item of the jobs table, where the end of a job
//! changes them.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use domain::{
    AccountRef, Day, TenantId,
    cache::{CacheEntry, CacheKey, CacheStats, Invalidation},
    call::MethodName,
    timing::{JOB_DEADLINE, LONGEST_CACHE_TTL},
};
use hub::ports::{self, CacheView, NewCacheEntry, ResponseCache, STATS_RETENTION, SealedAccount};

use crate::{
    Cloud, accounts,
    error::from_sdk,
    item::{self, Attributes, EXPIRES_AT, PARTITION, Reader, SORT, expiry, live, named, text, time, unreadable, whole},
    jobs::account_item,
    machine::now,
    several::get_several,
    table::{Written, list, written},
};

const LEADER: &str = "leader";
const GENERATION: &str = "generation";
const AS_OF: &str = "as_of";

/// How long an entry is stored after its job asked: by then that one has ended, and its answer is too old to be given
/// again.
const ENTRY_RETENTION: Duration = JOB_DEADLINE.saturating_add(LONGEST_CACHE_TTL);

fn entry_key(account: &AccountRef, key: &CacheKey) -> Attributes {
    item::key(format!("CACHE#{account}"), key.as_str())
}

fn attributes(entry: &CacheEntry) -> [(&'static str, AttributeValue); 3] {
    [(LEADER, text(entry.leader.as_str())), (GENERATION, whole(entry.generation)), (AS_OF, time(entry.as_of))]
}

fn read_entry(item: &Attributes) -> ports::Result<CacheEntry> {
    let reader = Reader(item);
    Ok(CacheEntry { leader: reader.parsed(LEADER)?, generation: reader.whole(GENERATION)?, as_of: reader.time(AS_OF)? })
}

fn stats_partition(tenant: &TenantId) -> String {
    format!("CACHE_STATS#{tenant}")
}

/// The counters of statistics, with the names of their attributes.
fn counters(stats: &mut CacheStats) -> [(&'static str, &mut u64); 5] {
    [
        ("hits", &mut stats.hits),
        ("shared", &mut stats.shared),
        ("misses", &mut stats.misses),
        ("bypassed", &mut stats.bypassed),
        ("unavailable", &mut stats.unavailable),
    ]
}

fn read_stats(item: &Attributes) -> ports::Result<(MethodName, CacheStats)> {
    let reader = Reader(item);
    let method = reader.text(SORT)?.split_once('#').and_then(|(_, method)| method.parse().ok());
    let mut stats = CacheStats::default();
    for (name, count) in counters(&mut stats) {
        *count = reader.optional_whole(name).unwrap_or_default();
    }
    Ok((method.ok_or_else(|| unreadable(SORT))?, stats))
}

impl ResponseCache for Cloud {
    async fn look_up(&self, account: &AccountRef, key: &CacheKey) -> ports::Result<(Option<SealedAccount>, CacheView)> {
        let wanted = [
            (&self.vault, accounts::key(account)),
            (&self.jobs, account_item::key(account)),
            (&self.runtime, entry_key(account, key)),
        ];
        let [sealed, generations, entry] = get_several(wanted, "looking into the response cache").await?;
        let sealed = sealed.map(|item| accounts::read_sealed(&account.tenant, &item)).transpose()?;
        let entry = live(entry, now()).map(|item| read_entry(&item)).transpose()?;
        Ok((sealed, CacheView { generations: account_item::generations(generations.as_ref()), entry }))
    }

    async fn set_entry(&self, new: NewCacheEntry<'_>) -> ports::Result<bool> {
        let NewCacheEntry { account, key, entry, seen } = new;
        let mut item = entry_key(account, key);
        item.extend(named(attributes(entry)));
        item.extend(named([(EXPIRES_AT, expiry(entry.as_of + ENTRY_RETENTION))]));
        let put = self
            .runtime
            .write(item)
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
        match written(put.send().await, "writing a cache entry")? {
            Written::Done(_) => Ok(true),
            // A request that the SDK repeats, because its answer was lost, finds what it wrote.
            Written::Refused(found) => found.map_or(Ok(false), |item| Ok(read_entry(&item)? == *entry)),
        }
    }

    async fn invalidate(&self, account: &AccountRef, invalidation: &Invalidation) -> ports::Result<()> {
        self.invalidate_answers(account, invalidation).await
    }

    async fn record_stats(
        &self,
        tenant: &TenantId,
        day: &Day,
        method: &MethodName,
        stats: &CacheStats,
    ) -> ports::Result<()> {
        let mut stats = *stats;
        let counted = counters(&mut stats).map(|(name, count)| (name, *count));
        let counted: Vec<_> = counted.into_iter().filter(|(_, count)| *count > 0).collect();
        if counted.is_empty() {
            return Ok(());
        }
        // Some of the names are reserved words.
        let additions: Vec<String> = counted.iter().map(|(name, _)| format!("#{name} :{name}")).collect();
        let update = self
            .runtime
            .update(item::key(stats_partition(tenant), format!("{day}#{method}")))
            .update_expression(format!("SET {EXPIRES_AT} = :expires_at ADD {}", additions.join(", ")))
            .expression_attribute_values(":expires_at", expiry(now() + STATS_RETENTION));
        let update = counted.into_iter().fold(update, |update, (name, count)| {
            update
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), whole(count))
        });
        update.send().await.map(|_| ()).map_err(from_sdk("recording the cache's statistics"))
    }

    async fn stats(&self, tenant: &TenantId, from: &Day) -> ports::Result<Vec<(MethodName, CacheStats)>> {
        let query = self
            .runtime
            .query()
            .key_condition_expression(format!("{PARTITION} = :tenant AND {SORT} >= :from"))
            .expression_attribute_values(":tenant", text(stats_partition(tenant)))
            .expression_attribute_values(":from", text(from.to_string()))
            .consistent_read(true);
        let items = list(query, None, u16::MAX, "listing the cache's statistics").await?;
        items.iter().map(read_stats).collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::{JobId, Timestamp};

    use super::*;
    use crate::item::number;

    #[test]
    fn an_entry_reads_back() {
        let entry = CacheEntry {
            leader: JobId::from_bytes([7; 16]),
            generation: u64::MAX,
            as_of: Timestamp::from_milliseconds(1_790_000_000_123),
        };
        let item: Attributes = named(attributes(&entry)).collect();
        assert_eq!(read_entry(&item).unwrap(), entry);
    }

    #[test]
    fn statistics_are_read_by_method_and_what_was_never_counted_is_none() {
        let mut item = item::key("CACHE_STATS#t", "2026-11-23#flickr.photos.getInfo");
        item.extend(named([("hits", number(3)), ("bypassed", number(1))]));
        let (method, stats) = read_stats(&item).unwrap();
        assert_eq!(method.as_str(), "flickr.photos.getInfo");
        assert_eq!(stats, CacheStats { hits: 3, bypassed: 1, ..CacheStats::default() });
    }
}

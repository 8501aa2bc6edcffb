//! Counts of pending jobs, in the jobs table: one small item for each account and day on which runs could first start.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `tenant#user` | `PENDING#day` | how many jobs of the account are pending that could first start on that day |
//!
//! A count changes by one conditional update, which meets no transaction and waits for no other. Counting up may be
//! repeated by the SDK, and is then too high; counting down is sent once.

use std::{collections::BTreeMap, time::Duration};

use domain::{AccountRef, Day, timing::JOB_DEADLINE};
use hub::ports::{self, PendingJobs};

use crate::{
    Cloud,
    item::{self, Attributes, EXPIRES_AT, PARTITION, Reader, SORT, expiry, number, text, unreadable},
    table::{list, once, written_if},
};

/// How long a count is stored after its day: longer than its jobs can be open.
const RETENTION: Duration = JOB_DEADLINE.saturating_add(Duration::from_secs(24 * 60 * 60));

const PENDING: &str = "pending";

/// What the sort keys of counts begin with.
const COUNT: &str = "PENDING#";

pub(crate) fn key(account: &AccountRef, day: Day) -> Attributes {
    item::key(account.to_string(), format!("{COUNT}{day}"))
}

/// The count in an item; 0 where there is none.
pub(crate) fn read(item: Option<&Attributes>) -> ports::Result<u32> {
    item.map_or(Ok(0), |item| Reader(item).count(PENDING))
}

impl PendingJobs for Cloud {
    async fn count_pending(&self, account: &AccountRef, day: Day, most: u32) -> ports::Result<bool> {
        let update = self
            .jobs
            .update(key(account, day))
            .condition_expression(format!("attribute_not_exists({PENDING}) OR {PENDING} < :most"))
            .update_expression(format!("SET {EXPIRES_AT} = :expires_at ADD {PENDING} :one"))
            .expression_attribute_values(":most", number(most))
            .expression_attribute_values(":expires_at", expiry(day.end() + RETENTION))
            .expression_attribute_values(":one", number(1));
        if most == 0 { Ok(false) } else { written_if(update.send().await, "counting a pending job") }
    }

    async fn discount_pending(&self, account: &AccountRef, day: Day) -> ports::Result<()> {
        let update = self
            .jobs
            .update(key(account, day))
            .condition_expression(format!("{PENDING} > :zero"))
            .update_expression(format!("ADD {PENDING} :less"))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":less", number(-1));
        let answer = update.customize().config_override(once()).send().await;
        written_if(answer, "counting a job that is no longer pending").map(|_| ())
    }

    async fn pending_jobs(&self, account: &AccountRef, from: Day) -> ports::Result<BTreeMap<Day, u32>> {
        let query = self
            .jobs
            .query()
            .key_condition_expression(format!("{PARTITION} = :account AND {SORT} BETWEEN :from AND :last"))
            .expression_attribute_values(":account", text(account.to_string()))
            .expression_attribute_values(":from", text(format!("{COUNT}{from}")))
            .expression_attribute_values(":last", text(format!("{COUNT}~")))
            .consistent_read(true);
        let counted = |item: &Attributes| {
            let day = Reader(item).text(SORT)?.strip_prefix(COUNT).and_then(|day| day.parse().ok());
            Ok((day.ok_or_else(|| unreadable(SORT))?, read(Some(item))?))
        };
        list(query, None, u16::MAX, "counting pending jobs").await?.iter().map(counted).collect()
    }
}

//! The lines of apps: one small item each, changed by updates of which none waits for another.
//!
//! An item holds where its line stands, and for each [`Bucket`] in which jobs wait an attribute of
//! the bucket's name with their count. The jobs themselves are in the index `line` of the jobs
//! table. A count that a lost answer made too high or too low makes an estimate wrong for a while,
//! and nothing else.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    AppId, TenantId, Timestamp, UserId,
    account::Account,
    budget::Budget,
    line::{Allotment, Bucket, Line, Served},
    timing::JOB_DEADLINE,
};
use hub::ports::{
    self, BudgetKey, Entropy, FindAccount, FindLine, FindReception, JoinLine, Reception, SealedAccount, ServeLine,
};

use crate::{
    Cloud, budget,
    error::from_sdk,
    item::{self, Attributes, EXPIRES_AT, PARTITION, Reader, SORT, bytes, expiry, named, number, text, time, whole},
    system::now,
    vault_table::{account_key, read_sealed},
};

const ANCHOR_AT: &str = "anchor_at";
const ANCHOR_TAG: &str = "anchor_tag";
const ALLOTTED_UNTIL: &str = "allotted_until";
const ALLOTTED_TAG: &str = "allotted_tag";
/// Which request handed out calls last.
const ALLOTTED_BY: &str = "allotted_by";

/// How long a line is kept after the last one joined: longer than a job waits.
const KEPT: Duration = JOB_DEADLINE.saturating_add(Duration::from_secs(60 * 60));

/// How often what meets others is tried.
const TRIES: u32 = 6;

/// The most counts that one update changes: DynamoDB bounds an expression at 4 KB.
const MAX_CHANGES: usize = 100;

const READING: &str = "reading a budget and a line";
const RECEIVING: &str = "reading what a new job has to know";
const JOINING: &str = "joining a line";
const HANDING_OUT: &str = "handing out calls";
const SERVING: &str = "serving a line";

fn partition(shard: &str) -> String {
    format!("LINE#{shard}")
}

fn line_key(app: &AppId) -> Attributes {
    item::key(partition(&item::shard(app.as_str())), app.as_str())
}

/// Where a line stands, as attributes.
fn standing(line: &Line) -> [(&'static str, AttributeValue); 4] {
    let ((anchor_at, anchor_tag), (until, tag)) = (line.anchor, line.allotted);
    [
        (ANCHOR_AT, time(anchor_at)),
        (ANCHOR_TAG, whole(anchor_tag)),
        (ALLOTTED_UNTIL, time(until)),
        (ALLOTTED_TAG, whole(tag)),
    ]
}

/// The line in an item; none yet, or one whose time is over, is a new one.
fn read(item: Option<&Attributes>, now: Timestamp) -> ports::Result<Line> {
    let Some(item) = item.filter(|item| !Reader(item).is_expired(now)) else { return Ok(Line::new(now)) };
    let reader = Reader(item);
    let waiting = item.keys().filter_map(|name| {
        let count = reader.optional_whole(name).and_then(|count| u32::try_from(count).ok());
        Some((Bucket::from_name(name)?, count.filter(|count| *count > 0)?))
    });
    Ok(Line {
        anchor: (reader.time(ANCHOR_AT)?, reader.whole(ANCHOR_TAG)?),
        allotted: (reader.time(ALLOTTED_UNTIL)?, reader.whole(ALLOTTED_TAG)?),
        waiting: waiting.collect(),
    })
}

impl Cloud {
    /// Counts one more job in a line that is there or begins. `false` where there is one whose time
    /// is over.
    async fn join_open(&self, app: &AppId, bucket: &str, now: Timestamp) -> ports::Result<bool> {
        let begin = standing(&Line::new(now));
        let kept = begin.iter().map(|(name, _)| format!("{name} = if_not_exists({name}, :{name})"));
        let kept: Vec<String> = kept.collect();
        let update = self
            .dynamo
            .update_item()
            .table_name(&self.runtime_table)
            .set_key(Some(line_key(app)))
            .condition_expression(format!("attribute_not_exists({PARTITION}) OR {EXPIRES_AT} > :now"))
            .update_expression(format!("SET {}, {EXPIRES_AT} = :expires_at ADD #bucket :one", kept.join(", ")))
            .expression_attribute_names("#bucket", bucket)
            .expression_attribute_values(":now", expiry(now))
            .expression_attribute_values(":expires_at", expiry(now + KEPT))
            .expression_attribute_values(":one", number(1));
        let update = begin
            .into_iter()
            .fold(update, |update, (name, value)| update.expression_attribute_values(format!(":{name}"), value));
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(false)
            }
            Err(error) => Err(from_sdk(JOINING)(error)),
        }
    }

    /// Begins a line with one job over one whose time is over. `false` where another did.
    ///
    /// The old one's virtual time would let all who come later go before those who have seen it as
    /// absent.
    async fn begin_anew(&self, app: &AppId, bucket: &str, now: Timestamp) -> ports::Result<bool> {
        let mut item = line_key(app);
        item.extend(named(standing(&Line::new(now))));
        item.extend(named([(EXPIRES_AT, expiry(now + KEPT))]));
        item.insert(bucket.to_owned(), number(1));
        let put = self
            .dynamo
            .put_item()
            .table_name(&self.runtime_table)
            .set_item(Some(item))
            .condition_expression(format!("{EXPIRES_AT} <= :now"))
            .expression_attribute_values(":now", expiry(now));
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(false)
            }
            Err(error) => Err(from_sdk(JOINING)(error)),
        }
    }

    /// Changes a line that is still there: some of its counts, and where it stands.
    async fn change_line(&self, app: &AppId, served: &Served, changes: &[(Bucket, Option<u32>)]) -> ports::Result<()> {
        let mut update = self
            .dynamo
            .update_item()
            .table_name(&self.runtime_table)
            .set_key(Some(line_key(app)))
            .condition_expression(format!("attribute_exists({PARTITION})"))
            .expression_attribute_values(":tag", whole(served.tag));
        let (mut additions, mut removals) = (Vec::new(), Vec::new());
        for (number_of_change, (bucket, dispatched)) in changes.iter().enumerate() {
            let name = format!("#b{number_of_change}");
            update = update.expression_attribute_names(&name, bucket.name());
            match dispatched {
                Some(count) => {
                    let value = format!(":b{number_of_change}");
                    update = update.expression_attribute_values(&value, number(-i64::from(*count)));
                    additions.push(format!("{name} {value}"));
                }
                None => removals.push(name),
            }
        }
        let set = format!("SET {ALLOTTED_TAG} = :tag");
        let clauses = [("ADD", additions), ("REMOVE", removals)];
        let clauses = clauses.iter().filter(|(_, parts)| !parts.is_empty());
        let expression = clauses.fold(set, |all, (verb, parts)| format!("{all} {verb} {}", parts.join(", ")));
        match update.update_expression(expression).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(from_sdk(SERVING)(error)),
        }
    }
}

impl Cloud {
    /// The budget and the line in an app's items. The budget is remembered.
    fn read_both(
        &self,
        app: &AppId,
        budget: Option<&Attributes>,
        line: Option<&Attributes>,
    ) -> ports::Result<(Budget, Line)> {
        let now = now();
        let (version, budget) = budget::read(budget, now)?;
        self.budgets.remember(&BudgetKey::App(app.clone()), version, budget.clone());
        Ok((budget, read(line, now)?))
    }

    /// The account with the budget and the line of its app.
    async fn received(&self, account: SealedAccount) -> ports::Result<Reception> {
        let Account { tenant, user, app, .. } = &account.account;
        let (budget, line) = self.budget_and_line(app).await?;
        self.accounts.remember(tenant, user, app);
        Ok(Reception { account, budget, line })
    }
}

impl FindLine for Cloud {
    async fn budget_and_line(&self, app: &AppId) -> ports::Result<(Budget, Line)> {
        let table = self.runtime_table.as_str();
        let wanted = [(table, budget::key_of(&BudgetKey::App(app.clone()))), (table, line_key(app))];
        let [budget, line] = self.get_several(wanted, READING).await?;
        self.read_both(app, budget.as_ref(), line.as_ref())
    }
}

impl FindReception for Cloud {
    /// One read where this process knows which app the account had, else two.
    async fn reception(&self, tenant: &TenantId, user: &UserId) -> ports::Result<Option<Reception>> {
        let Some(app) = self.accounts.recall(tenant, user) else {
            let Some(account) = self.account(tenant, user).await? else { return Ok(None) };
            return self.received(account).await.map(Some);
        };
        let runtime = self.runtime_table.as_str();
        let wanted = [
            (self.vault_table.as_str(), account_key(tenant, user)),
            (runtime, budget::key_of(&BudgetKey::App(app.clone()))),
            (runtime, line_key(&app)),
        ];
        let [account, budget, line] = self.get_several(wanted, RECEIVING).await?;
        let Some(account) = account.map(|item| read_sealed(tenant, &item)).transpose()? else { return Ok(None) };
        if account.account.app != app {
            return self.received(account).await.map(Some);
        }
        let (budget, line) = self.read_both(&app, budget.as_ref(), line.as_ref())?;
        Ok(Some(Reception { account, budget, line }))
    }
}

impl JoinLine for Cloud {
    async fn join_line(&self, app: &AppId, bucket: Bucket, now: Timestamp) -> ports::Result<()> {
        let bucket = bucket.name();
        for attempt in 0..TRIES {
            self.pause(attempt).await;
            if self.join_open(app, &bucket, now).await? || self.begin_anew(app, &bucket, now).await? {
                return Ok(());
            }
        }
        Err(ports::Error::unavailable(JOINING, "too many begin the line at once"))
    }
}

impl ServeLine for Cloud {
    async fn lines(&self, shard: u8) -> ports::Result<Vec<AppId>> {
        let query = self
            .dynamo
            .query()
            .table_name(&self.runtime_table)
            .key_condition_expression(format!("{PARTITION} = :lines"))
            .filter_expression(format!("{EXPIRES_AT} > :now"))
            .projection_expression(SORT)
            .expression_attribute_values(":lines", text(partition(&shard.to_string())))
            .expression_attribute_values(":now", expiry(now()))
            .consistent_read(true);
        let items = self.list(query, None, u16::MAX, "listing lines").await?;
        items.iter().map(|item| Reader(item).parsed(SORT)).collect()
    }

    async fn hand_out(&self, app: &AppId, before: Timestamp, allotment: &Allotment) -> ports::Result<bool> {
        let (anchor_at, anchor_tag) = allotment.anchor;
        let update = self
            .dynamo
            .update_item()
            .table_name(&self.runtime_table)
            .set_key(Some(line_key(app)))
            // A request that the SDK repeats, because its answer was lost, finds itself.
            .condition_expression(format!("{ALLOTTED_UNTIL} = :before OR {ALLOTTED_BY} = :me"))
            .update_expression(format!(
                "SET {ALLOTTED_UNTIL} = :until, {ALLOTTED_BY} = :me, \
                 {ANCHOR_AT} = :anchor_at, {ANCHOR_TAG} = :anchor_tag"
            ))
            .expression_attribute_values(":me", bytes(&self.random()))
            .expression_attribute_values(":before", time(before))
            .expression_attribute_values(":until", time(allotment.until))
            .expression_attribute_values(":anchor_at", time(anchor_at))
            .expression_attribute_values(":anchor_tag", whole(anchor_tag));
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(false)
            }
            Err(error) => Err(from_sdk(HANDING_OUT)(error)),
        }
    }

    async fn serve_line(&self, app: &AppId, served: &Served) -> ports::Result<()> {
        let dispatched = served.dispatched.iter().map(|(bucket, count)| (*bucket, Some(*count)));
        let emptied = served.emptied.iter().map(|bucket| (*bucket, None));
        let changes: Vec<_> = dispatched.chain(emptied).collect();
        let (first, rest) = changes.split_at(changes.len().min(MAX_CHANGES));
        self.change_line(app, served, first).await?;
        for changes in rest.chunks(MAX_CHANGES) {
            self.change_line(app, served, changes).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_123);

    #[test]
    fn a_line_reads_back_and_what_is_no_count_is_skipped() {
        let line = Line::new(NOW);
        let (near, far) =
            (Bucket::of(line.anchor.1 + 4, line.anchor.1), Bucket::of(line.anchor.1 + 9_000, line.anchor.1));
        let mut item = line_key(&AppId::from_bytes([9; 16]));
        item.extend(named(standing(&line)));
        item.extend(named([(EXPIRES_AT, expiry(NOW + KEPT)), ("x", number(7)), ("w1", number(7))]));
        item.extend([(near.name(), number(3)), (far.name(), number(1))]);
        item.insert(Bucket::of(1, 1).name(), number(0));
        item.insert(Bucket::of(2, 1).name(), number(-2));
        let expected = Line { waiting: [(near, 3), (far, 1)].into(), ..line };
        assert_eq!(read(Some(&item), NOW + Duration::from_secs(60)).unwrap(), expected);
        let over = NOW + KEPT;
        assert_eq!(read(Some(&item), over).unwrap(), Line::new(over), "one whose time is over is none");
        assert_eq!(read(None, NOW).unwrap(), Line::new(NOW));
    }

    #[test]
    fn lines_are_spread_by_their_apps() {
        let shards: std::collections::BTreeSet<_> =
            (0..16).map(|last| partition(&item::shard(AppId::from_bytes([last; 16]).as_str()))).collect();
        assert_eq!(shards.len(), usize::from(ports::LOOK_SHARDS));
    }
}

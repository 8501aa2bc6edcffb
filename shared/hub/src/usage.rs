//! How the budget of calls stands: of each of a tenant's Flickr apps, and how many jobs wait; and what
//! kept answers spare of it.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    AppId, Day, TenantId, UserId,
    budget::{Limit, Standing},
    cache::Uses,
    call::MethodName,
};
use futures_util::future::try_join_all;

use crate::{
    Error, Kind,
    budget::Limits,
    ports::{Clock, CountPending, FindAccount, FindLine, ListApps, ListUses},
};

/// The most apps one page holds: each costs a read.
pub const PAGE_APPS: u16 = 25;

/// The budget of a Flickr app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppUsage {
    /// The app.
    pub app: AppId,
    /// How many calls may be made.
    pub limit: Limit,
    /// How the budget stands against it.
    pub standing: Standing,
    /// About how many jobs stand in its line.
    pub waiting_jobs: u64,
}

/// How long ago the uses of kept answers that are shown begin: with today they are seven days.
const USES_BEGIN: Duration = Duration::from_secs(6 * 24 * 60 * 60);

/// How a tenant's kept answers were used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheUsage {
    /// From which day on.
    pub from: Day,
    /// By method.
    pub methods: BTreeMap<MethodName, Uses>,
}

/// One page of usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The apps, by their ids.
    pub apps: Vec<AppUsage>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<AppId>,
    /// How many jobs of the account that was asked for are pending.
    pub pending_jobs: Option<u32>,
    /// How kept answers were used; on the first page.
    pub cache: Option<CacheUsage>,
}

/// The budgets of up to [`PAGE_APPS`] of the tenant's apps after `after`, and with `user` the count
/// of that account's pending jobs.
///
/// # Errors
/// [`Kind::AccountNotFound`], or a failure of the ports.
pub async fn usage(
    ports: &(impl Clock + ListApps + FindLine + FindAccount + CountPending + ListUses),
    limits: &Limits,
    tenant: &TenantId,
    user: Option<&UserId>,
    after: Option<&AppId>,
) -> Result<Usage, Error> {
    let pending_jobs = match user {
        None => None,
        Some(user) => {
            ports.account(tenant, user).await?.ok_or(Kind::AccountNotFound)?;
            Some(ports.pending(tenant, user).await?)
        }
    };
    let mut apps = ports.apps(tenant, after, PAGE_APPS + 1).await?;
    let more = apps.len() > usize::from(PAGE_APPS);
    apps.truncate(usize::from(PAGE_APPS));
    let next = apps.last().filter(|_| more).cloned();
    let now = ports.now();
    let apps = apps.into_iter().map(async |app| {
        let (budget, line) = ports.budget_and_line(&app).await?;
        let standing = budget.standing(&limits.app, now);
        Ok::<_, Error>(AppUsage { app, limit: limits.app, standing, waiting_jobs: line.waiting_jobs() })
    });
    let apps = try_join_all(apps).await?;
    let cache = if after.is_none() { Some(cache_usage(ports, tenant).await?) } else { None };
    Ok(Usage { apps, next, pending_jobs, cache })
}

async fn cache_usage(ports: &(impl Clock + ListUses), tenant: &TenantId) -> Result<CacheUsage, Error> {
    let from = Day::of(ports.now().before(USES_BEGIN));
    let mut methods: BTreeMap<MethodName, Uses> = BTreeMap::new();
    for (method, uses) in ports.uses(tenant, &from).await? {
        *methods.entry(method).or_default() += uses;
    }
    Ok(CacheUsage { from, methods })
}

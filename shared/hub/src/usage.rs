//! Usage: how the budgets of a tenant's Flickr apps stand, how many jobs wait, and what the cache saves.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    AccountRef, AppId, Day, TenantId, UserId,
    budget::{BudgetStatus, Limit},
    cache::CacheStats,
    call::MethodName,
};
use futures_util::future::try_join_all;

use crate::{
    Error, Kind,
    fair_queue::{QueueForecast, forecast},
    page::Page,
    pending_jobs,
    ports::{Accounts, Apps, Clock, FairQueues, PendingJobs, ResponseCache, StoredBytes},
    stored_bytes,
    tenants::Principal,
};

/// The most apps one page holds: each costs a read.
pub const PAGE_APPS: u16 = 25;

/// The budget of a Flickr app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppUsage {
    pub app: AppId,
    /// How many calls may be made.
    pub limit: Limit,
    /// How the budget stands against it.
    pub status: BudgetStatus,
    /// About how many jobs wait in its fair queue.
    pub waiting_jobs: u64,
}

/// How long ago the cache statistics that are shown begin: with today they are seven days.
const STATS_BEGIN: Duration = Duration::from_secs(6 * 24 * 60 * 60);

/// A tenant's cache statistics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheUsage {
    /// From which day on.
    pub from: Day,
    /// By method.
    pub methods: BTreeMap<MethodName, CacheStats>,
}

/// The pending jobs of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PendingUsage {
    /// Those that could run today.
    pub jobs: u32,
    /// Those that are scheduled for a later day of UTC.
    pub scheduled_jobs: u32,
}

/// The files that a tenant has stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageUsage {
    /// How many bytes of uploads are counted.
    pub stored_bytes: u64,
    /// How many may be.
    pub max_stored_bytes: u64,
}

/// One page of usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The apps, by their ids.
    pub apps: Page<AppUsage, AppId>,
    /// The pending jobs of the account that was asked for.
    pub pending: Option<PendingUsage>,
    /// The cache statistics; on the first page.
    pub cache: Option<CacheUsage>,
    /// The stored files; on the first page.
    pub storage: Option<StorageUsage>,
}

/// The budgets of up to [`PAGE_APPS`] of the tenant's apps after `after`, and with `user` the count of that account's
/// pending jobs.
///
/// # Errors
/// [`Kind::AccountNotFound`], or a failure of the ports.
pub async fn usage(
    ports: &(impl Clock + Apps + FairQueues + Accounts + PendingJobs + ResponseCache + StoredBytes),
    principal: &Principal,
    user: Option<&UserId>,
    after: Option<&AppId>,
) -> Result<Usage, Error> {
    let tenant = principal.tenant();
    let pending = match user {
        None => None,
        Some(user) => {
            let account = AccountRef::new(tenant, user);
            ports.account(&account).await?.ok_or(Kind::AccountNotFound)?;
            Some(pending_usage(ports, &account).await?)
        }
    };
    let apps = ports.apps(tenant, after, PAGE_APPS + 1).await?;
    let Page { items, next } = Page::of(apps, PAGE_APPS, AppId::clone);
    let limit = principal.limits().app;
    let items = items.into_iter().map(async |app| {
        let QueueForecast { app, status, queue, .. } = forecast(ports, &limit, &app).await?;
        Ok::<_, Error>(AppUsage { app, limit, status, waiting_jobs: queue.waiting_jobs() })
    });
    let apps = Page { items: try_join_all(items).await?, next };
    let (cache, storage) = match after {
        None => (Some(cache_usage(ports, tenant).await?), Some(storage_usage(ports, principal).await?)),
        Some(_) => (None, None),
    };
    Ok(Usage { apps, pending, cache, storage })
}

async fn pending_usage(ports: &(impl Clock + PendingJobs), account: &AccountRef) -> Result<PendingUsage, Error> {
    let now = ports.now();
    let counts = ports.pending_jobs(account, pending_jobs::yesterday(now)).await?;
    let (later, today): (Vec<_>, Vec<_>) = counts.into_iter().partition(|(day, _)| *day > Day::of(now));
    let sum = |counts: Vec<(Day, u32)>| counts.iter().map(|(_, count)| count).sum();
    Ok(PendingUsage { jobs: sum(today), scheduled_jobs: sum(later) })
}

async fn storage_usage(ports: &(impl Clock + StoredBytes), principal: &Principal) -> Result<StorageUsage, Error> {
    let stored_bytes = stored_bytes::total(ports, principal.tenant(), ports.now()).await?;
    Ok(StorageUsage { stored_bytes, max_stored_bytes: principal.limits().max_stored_bytes })
}

async fn cache_usage(ports: &(impl Clock + ResponseCache), tenant: &TenantId) -> Result<CacheUsage, Error> {
    let from = Day::of(ports.now().before(STATS_BEGIN));
    let mut methods: BTreeMap<MethodName, CacheStats> = BTreeMap::new();
    for (method, stats) in ports.stats(tenant, &from).await? {
        *methods.entry(method).or_default() += stats;
    }
    Ok(CacheUsage { from, methods })
}

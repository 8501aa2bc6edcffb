//! Usage: how the budgets of a tenant's Flickr apps stand, how many jobs wait, and what the cache saves.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    AccountRef, AppId, Day, TenantId, UserId,
    budget::{BudgetStatus, Limit},
    cache::CacheStats,
    call::MethodName,
    tenant::{JobCounts, Tenant},
};
use futures_util::future::try_join_all;

use crate::{
    Error, Kind,
    fair_queue::{QueueForecast, forecast},
    limits::Limits,
    page::Page,
    pending_jobs,
    ports::{Accounts, Apps, Clock, FairQueues, JobCounts as JobCountsPort, PendingJobs, ResponseCache, StoredBytes},
    stored_bytes,
    tenants::Principal,
};

/// The most apps one page holds: each costs a read.
pub const PAGE_APPS: u16 = 25;

/// How many accounts are read at once where all of a tenant's are asked for.
const PAGE_ACCOUNTS: u16 = 500;

/// How many of them are asked about at the same time.
const AT_ONCE: usize = 10;

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

/// What a tenant uses of what it is held to, as an operator asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantUsage {
    /// How many accounts are connected.
    pub accounts: u64,
    /// The jobs that were accepted in the current hour and day; `None` where no quota has them counted.
    pub accepted: Option<JobCounts>,
    /// The pending jobs of all accounts.
    pub pending_jobs: u64,
    /// How many bytes of files are counted as stored.
    pub stored_bytes: u64,
    /// Its apps, by their ids. Who has the same app shares its budget.
    pub apps: Vec<AppUsage>,
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
    let items = items.iter().map(|app| app_usage(ports, limit, app));
    let apps = Page { items: try_join_all(items).await?, next };
    let (cache, storage) = match after {
        None => (Some(cache_usage(ports, tenant).await?), Some(storage_usage(ports, principal).await?)),
        Some(_) => (None, None),
    };
    Ok(Usage { apps, pending, cache, storage })
}

/// What the tenant uses, where `limits` are those of tenants without limits of their own. It costs a read for each app
/// and each account: an operator asks, no request does.
///
/// # Errors
/// A failure of the ports.
pub async fn of_tenant(
    ports: &(impl Clock + Accounts + Apps + FairQueues + JobCountsPort + PendingJobs + StoredBytes),
    limits: &Limits,
    tenant: &Tenant,
) -> Result<TenantUsage, Error> {
    let (id, now, limits) = (&tenant.id, ports.now(), limits.of_tenant(&tenant.limits));
    let (mut accounts, mut pending_jobs, mut after) = (0, 0, None);
    loop {
        let page = ports.accounts(id, after.as_ref(), PAGE_ACCOUNTS).await?;
        accounts += page.len() as u64;
        for some in page.chunks(AT_ONCE) {
            let refs: Vec<AccountRef> = some.iter().map(|account| AccountRef::new(id, &account.user)).collect();
            for PendingUsage { jobs, scheduled_jobs } in
                try_join_all(refs.iter().map(|account| pending_usage(ports, account))).await?
            {
                pending_jobs += u64::from(jobs) + u64::from(scheduled_jobs);
            }
        }
        after = page.last().map(|account| account.user.clone()).filter(|_| page.len() == usize::from(PAGE_ACCOUNTS));
        if after.is_none() {
            break;
        }
    }
    let (mut apps, mut after) = (Vec::new(), None);
    loop {
        let page = ports.apps(id, after.as_ref(), PAGE_APPS).await?;
        apps.extend(try_join_all(page.iter().map(|app| app_usage(ports, limits.app, app))).await?);
        after = page.last().cloned().filter(|_| page.len() == usize::from(PAGE_APPS));
        if after.is_none() {
            break;
        }
    }
    let accepted = match limits.job_quotas.are_set() {
        true => Some(ports.job_counts(id, now).await?),
        false => None,
    };
    Ok(TenantUsage { accounts, accepted, pending_jobs, stored_bytes: stored_bytes::total(ports, id, now).await?, apps })
}

async fn app_usage(ports: &(impl Clock + FairQueues), limit: Limit, app: &AppId) -> Result<AppUsage, Error> {
    let QueueForecast { app, status, queue, .. } = forecast(ports, &limit, app).await?;
    Ok(AppUsage { app, limit, status, waiting_jobs: queue.waiting_jobs() })
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

//! `GET /v1/usage`.

use std::sync::Arc;

use api::{
    AppUsageView, CacheUsageView, CircuitView, LimitView, MethodUsageView, PendingJobsView, StoppedAppView,
    StorageView, UsageAnswer, UsageQuery,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{AppId, UserId, budget::StoppedApp, cache::CacheStats, call::MethodName};
use edge::{Authenticated, Envelope, Problem, Query, RateLimit};
use hub::{
    ports::{Accounts, Apps, Clock, FairQueues, PendingJobs, ResponseCache, StoredBytes},
    usage::{AppUsage, CacheUsage, PendingUsage, StorageUsage, Usage, usage},
};

pub(crate) async fn get<P>(
    State(ports): State<Arc<P>>,
    Authenticated(principal): Authenticated,
    Query(query): Query<UsageQuery>,
) -> Result<Response, Problem>
where
    P: Clock + Apps + FairQueues + Accounts + PendingJobs + ResponseCache + StoredBytes,
{
    let unknown = |_| Problem::from(hub::Error::from(hub::Kind::AccountNotFound));
    let user: Option<UserId> = query.user_id.map(|user| user.parse().map_err(unknown)).transpose()?;
    let after: Option<AppId> = query.cursor.as_deref().map(|cursor| edge::parse("cursor", cursor)).transpose()?;
    let Usage { apps, pending, cache, storage } = usage(&*ports, &principal, user.as_ref(), after.as_ref()).await?;
    // Which of several apps a header would speak of, nobody could tell.
    let header = match (apps.items.as_slice(), &after, &apps.next) {
        ([only], None, None) => Some(RateLimit::of(&only.limit, &only.status, ports.now())),
        _ => None,
    };
    let answer = UsageAnswer {
        apps: apps.items.into_iter().map(app).collect(),
        next_cursor: apps.next.map(String::from),
        pending: user.zip(pending).map(|(user, PendingUsage { jobs, scheduled_jobs })| PendingJobsView {
            user_id: user.into(),
            jobs,
            scheduled_jobs,
        }),
        cache: cache.map(cache_usage),
        storage: storage
            .map(|StorageUsage { stored_bytes, max_stored_bytes }| StorageView { stored_bytes, max_stored_bytes }),
    };
    let mut response = Envelope::ok(answer).into_response();
    if let Some(header) = header {
        header.insert(response.headers_mut());
    }
    Ok(response)
}

fn app(AppUsage { app, limit, status, waiting_jobs }: AppUsage) -> AppUsageView {
    AppUsageView {
        app_id: app.into(),
        limit: LimitView { calls_per_hour: limit.calls_per_hour, burst_calls: limit.burst_calls },
        learned_calls_per_hour: status.calls_per_hour,
        remaining_calls: status.remaining_calls,
        full_at: status.full_at.to_string(),
        waiting_jobs,
        circuit: if status.open_until.is_some() { CircuitView::Open } else { CircuitView::Closed },
        open_until: status.open_until.map(|until| until.to_string()),
        stopped: status
            .stopped
            .map(|StoppedApp { since, message }| StoppedAppView { since: since.to_string(), message }),
    }
}

fn cache_usage(CacheUsage { from, methods }: CacheUsage) -> CacheUsageView {
    let mut all = CacheStats::default();
    for stats in methods.values() {
        all += *stats;
    }
    CacheUsageView {
        from: from.to_string(),
        calls_saved: all.calls_saved(),
        hit_rate: all.hit_rate(),
        methods: methods.into_iter().map(method_usage).collect(),
    }
}

fn method_usage((method, stats): (MethodName, CacheStats)) -> MethodUsageView {
    let CacheStats { hits, shared, misses, bypassed, unavailable } = stats;
    let (calls_saved, hit_rate) = (stats.calls_saved(), stats.hit_rate());
    MethodUsageView { method: method.into(), hits, shared, misses, bypassed, unavailable, calls_saved, hit_rate }
}

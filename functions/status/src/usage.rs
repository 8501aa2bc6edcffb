//! `GET /v1/usage`.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{AppId, UserId, cache::Uses};
use edge::{Envelope, Problem, Query, RateLimit, Tenant};
use hub::{
    ports::{Clock, CountPending, FindAccount, FindLine, ListApps, ListUses},
    usage::{AppUsage, CacheUsage, usage},
};
use serde::{Deserialize, Serialize};

use crate::Service;

/// What is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// The account whose pending jobs are counted.
    user_id: Option<String>,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    apps: Vec<AppView>,
    /// To be given as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
    pending: Option<PendingView>,
    /// Null on all pages but the first.
    cache: Option<CacheView>,
}

/// How kept answers were used.
#[derive(Serialize)]
struct CacheView {
    /// The first day that is counted, of UTC; today is the last.
    from: String,
    calls_saved: u64,
    hit_rate: Option<f64>,
    methods: Vec<MethodView>,
}

#[derive(Serialize)]
struct MethodView {
    method: String,
    hits: u64,
    shared: u64,
    misses: u64,
    bypassed: u64,
    unavailable: u64,
    calls_saved: u64,
    hit_rate: Option<f64>,
}

impl From<CacheUsage> for CacheView {
    fn from(CacheUsage { from, methods }: CacheUsage) -> Self {
        let mut all = Uses::default();
        for uses in methods.values() {
            all += *uses;
        }
        let view = |(method, uses): (_, Uses)| MethodView {
            method: String::from(method),
            hits: uses.hits,
            shared: uses.shared,
            misses: uses.misses,
            bypassed: uses.bypassed,
            unavailable: uses.unavailable,
            calls_saved: uses.calls_saved(),
            hit_rate: uses.hit_rate(),
        };
        Self {
            from: from.as_str().to_owned(),
            calls_saved: all.calls_saved(),
            hit_rate: all.hit_rate(),
            methods: methods.into_iter().map(view).collect(),
        }
    }
}

#[derive(Serialize)]
struct AppView {
    app_id: String,
    limit: LimitView,
    learned_calls_per_hour: u32,
    remaining_calls: u32,
    full_at: String,
    /// About how many jobs stand in the app's line.
    waiting_jobs: u64,
    circuit: &'static str,
    open_until: Option<String>,
}

#[derive(Serialize)]
struct LimitView {
    calls_per_hour: u32,
    burst_calls: u32,
}

#[derive(Serialize)]
struct PendingView {
    user_id: UserId,
    jobs: u32,
}

impl From<AppUsage> for AppView {
    fn from(AppUsage { app, limit, standing, waiting_jobs }: AppUsage) -> Self {
        Self {
            app_id: app.into(),
            limit: LimitView { calls_per_hour: limit.calls_per_hour, burst_calls: limit.burst_calls },
            learned_calls_per_hour: standing.calls_per_hour,
            remaining_calls: standing.remaining_calls,
            full_at: standing.full_at.to_string(),
            waiting_jobs,
            circuit: if standing.open_until.is_some() { "open" } else { "closed" },
            open_until: standing.open_until.map(|until| until.to_string()),
        }
    }
}

pub(crate) async fn get<P>(
    State(service): State<Arc<Service<P>>>,
    Tenant(tenant): Tenant,
    Query(request): Query<Request>,
) -> Result<Response, Problem>
where
    P: Clock + ListApps + FindLine + FindAccount + CountPending + ListUses,
{
    let unknown = |_| Problem::from(hub::Error::from(hub::Kind::AccountNotFound));
    let user: Option<UserId> = request.user_id.map(|user| user.parse().map_err(unknown)).transpose()?;
    let after: Option<AppId> = request.cursor.as_deref().map(|cursor| edge::parse("cursor", cursor)).transpose()?;
    let usage = usage(&*service.ports, &service.limits, &tenant, user.as_ref(), after.as_ref()).await?;
    // Which of several apps a header would speak of, nobody could tell.
    let header = match (usage.apps.as_slice(), &after, &usage.next) {
        ([only], None, None) => Some(RateLimit::of(&only.limit, &only.standing, service.ports.now())),
        _ => None,
    };
    let answer = Answer {
        apps: usage.apps.into_iter().map(AppView::from).collect(),
        next_cursor: usage.next.map(String::from),
        pending: user.zip(usage.pending_jobs).map(|(user_id, jobs)| PendingView { user_id, jobs }),
        cache: usage.cache.map(CacheView::from),
    };
    let mut response = Envelope::ok(answer).into_response();
    if let Some(header) = header {
        header.insert(response.headers_mut());
    }
    Ok(response)
}

//! `GET /v1/usage`.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{AppId, UserId};
use edge::{Envelope, Problem, Query, RateLimit, Tenant};
use hub::{
    ports::{Clock, CountPending, FindAccount, FindLine, ListApps},
    usage::{AppUsage, usage},
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
    P: Clock + ListApps + FindLine + FindAccount + CountPending,
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
    };
    let mut response = Envelope::ok(answer).into_response();
    if let Some(header) = header {
        header.insert(response.headers_mut());
    }
    Ok(response)
}

use api::{
    AppUsageView, CacheUsageView, CircuitView, ErrorCode, LimitView, MethodUsageView, PendingJobsView, StorageView,
    UsageAnswer, UsageQuery,
};

use super::{
    examples::{APP, METHOD, TIME, USER, text},
    tags::USAGE,
};
use crate::{
    headers::Field,
    route::{Answer, Route},
};

pub(super) fn routes() -> Vec<Route> {
    let app = AppUsageView {
        app_id: text(APP),
        limit: LimitView { calls_per_hour: 3330, burst_calls: 150 },
        learned_calls_per_hour: 3330,
        remaining_calls: 149,
        full_at: text(TIME),
        waiting_jobs: 0,
        circuit: CircuitView::Closed,
        open_until: None,
        stopped: None,
    };
    let method = MethodUsageView {
        method: text(METHOD),
        hits: 1,
        shared: 1,
        misses: 2,
        bypassed: 0,
        unavailable: 0,
        calls_saved: 2,
        hit_rate: Some(0.5),
    };
    let usage = UsageAnswer {
        apps: vec![app],
        next_cursor: None,
        storage: Some(StorageView { stored_bytes: 2_457_600, max_stored_bytes: 100_000_000_000 }),
        pending: Some(PendingJobsView { user_id: text(USER), jobs: 1, scheduled_jobs: 0 }),
        cache: Some(CacheUsageView {
            from: text("2026-09-15"),
            calls_saved: 2,
            hit_rate: Some(0.5),
            methods: vec![method],
        }),
    };
    vec![
        Route::get("/v1/usage", "getUsage", USAGE)
            .does("Read budgets, pending jobs and cache statistics", "Up to 25 Flickr apps a page.")
            .query::<UsageQuery>()
            .answers(Answer::data(200, "The usage", &usage).with(&[Field::RateLimitPolicy, Field::RateLimit]))
            .refuses(&[ErrorCode::AccountNotFound]),
    ]
}

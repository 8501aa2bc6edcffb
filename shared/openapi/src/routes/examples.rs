//! Values that examples share.

use api::{AccountStatus, AccountView, JobPriority, JobState, JobTarget, JobView, Permission, WaitView, WaitingFor};
use serde_json::value::RawValue;

pub(super) const USER: &str = "usr_0123456789abcdef0123456789abcdef";
pub(super) const APP: &str = "app_0123456789abcdef0123456789abcdef";
pub(super) const JOB: &str = "job_0123456789abcdef0123456789abcdef";
pub(super) const UPLOAD: &str = "upl_0123456789abcdef0123456789abcdef";
pub(super) const TIME: &str = "2026-09-21T14:13:20.000Z";
pub(super) const METHOD: &str = "flickr.photos.search";

pub(super) fn text(text: &str) -> String {
    text.to_owned()
}

/// JSON, which must be some.
pub(super) fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap_or_default()
}

pub(super) fn account() -> AccountView {
    AccountView {
        user_id: text(USER),
        app_id: text(APP),
        nsid: text("12037949@N01"),
        username: text("ada"),
        fullname: text("Ada"),
        perms: Permission::Write,
        perms_confirmed: true,
        status: AccountStatus::Connected,
        connected_at: text(TIME),
    }
}

/// A job that was accepted.
pub(super) fn queued() -> JobView {
    JobView {
        job_id: text(JOB),
        user_id: text(USER),
        target: JobTarget::Rest,
        method: Some(text(METHOD)),
        state: JobState::Queued,
        waiting: Some(WaitView {
            reason: WaitingFor::Worker,
            message: text("its message waits for a worker"),
            until: None,
        }),
        result: None,
        result_url: None,
        from_cache: false,
        cached_at: None,
        error: None,
        attempts: 0,
        run: 1,
        priority: JobPriority::Normal,
        meta: Some(raw(r#"{"order":4711}"#)),
        created_at: text(TIME),
        estimated_start: Some(text(TIME)),
        started_at: None,
        finished_at: None,
        needs_force: None,
    }
}

/// The same job, completed.
pub(super) fn completed() -> JobView {
    JobView {
        state: JobState::Completed,
        waiting: None,
        result: Some(raw(r#"{"photos":{"page":1,"pages":1,"total":0,"photo":[]},"stat":"ok"}"#)),
        attempts: 1,
        estimated_start: None,
        started_at: Some(text("2026-09-21T14:13:20.140Z")),
        finished_at: Some(text("2026-09-21T14:13:20.612Z")),
        ..queued()
    }
}

//! Accepting jobs.

use std::time::Duration;

use domain::{
    AppId, TenantId, TraceId, UserId,
    budget::{HostClass, Limit, MAX_PENDING, Signal},
    idempotency::Key,
    job::Order,
};
use hub::{
    Kind,
    budget::Limits,
    ports::{BudgetKey, Clock, CountPending, KeepBudget, RemoveAccount, SaveAccount},
    submit::{Accepted, Start, Submit, Wish},
};
use testkit::{Fault, Moment, ScriptedFlickr, World, build};

async fn submit() -> (Submit<World, ScriptedFlickr>, TenantId, UserId) {
    let ports = World::new(build::NOW, 1);
    let tenant = build::tenant(&ports);
    let account = build::account(&tenant, "1@N00", build::NOW);
    ports.save_account(&account).await.unwrap();
    ports.forget_calls();
    let submit = Submit {
        ports,
        catalogue: ScriptedFlickr::default(),
        limits: Limits::default(),
        max_pending_jobs: MAX_PENDING,
    };
    (submit, tenant, account.account.user)
}

async fn accept(
    submit: &Submit<World, ScriptedFlickr>,
    tenant: &TenantId,
    order: Order,
    key: Option<&str>,
) -> Result<Accepted, hub::Error> {
    accept_at(submit, tenant, order, key, Start::Now).await
}

async fn accept_at(
    submit: &Submit<World, ScriptedFlickr>,
    tenant: &TenantId,
    order: Order,
    key: Option<&str>,
    start: Start,
) -> Result<Accepted, hub::Error> {
    let key = key.map(|key| Key::parse(key).unwrap());
    submit.accept(tenant, Wish { order, start, key, trace: TraceId::from_bytes([3; 16]) }).await
}

#[tokio::test]
async fn a_job_is_written_once_and_sent_once() {
    let (submit, tenant, user) = submit().await;
    let order = build::order(&user, "flickr.test.echo", r#"{"a": "canary-param"}"#);
    let accepted = accept(&submit, &tenant, order, None).await.unwrap();
    assert!(!accepted.replayed);
    assert_eq!(submit.ports.calls(), ["reception", "insert_job", "send_dispatch"]);
    assert_eq!(submit.ports.jobs(), std::slice::from_ref(&accepted.job));
    let sent = submit.ports.queue().pop().unwrap();
    assert_eq!((&sent.dispatch.job, sent.dispatch.dispatch), (&accepted.job.id, 1));
    let body = serde_json::to_string(&sent.dispatch).unwrap();
    assert!(!body.contains("canary"), "a message holds ids and numbers alone: {body}");
}

#[tokio::test]
async fn one_key_makes_one_job() {
    let (submit, tenant, user) = submit().await;
    let order = || build::order(&user, "flickr.photos.setMeta", r#"{"title": "a"}"#);
    let first = accept(&submit, &tenant, order(), Some("k")).await.unwrap();
    submit.ports.pass(Duration::from_secs(1));
    let second = accept(&submit, &tenant, order(), Some("\"k\"")).await.unwrap();
    assert!(second.replayed);
    assert_eq!(first.job, second.job);
    assert_eq!(submit.ports.jobs().len(), 1);

    let other = build::order(&user, "flickr.photos.setMeta", r#"{"title": "b"}"#);
    let refused = accept(&submit, &tenant, other, Some("k")).await.unwrap_err();
    assert_eq!(*refused.kind(), Kind::KeyReused);
    let third = accept(&submit, &tenant, order(), Some("l")).await.unwrap();
    assert_ne!(third.job.id, first.job.id);
}

#[tokio::test]
async fn a_key_is_its_tenants_only() {
    let (submit, tenant, user) = submit().await;
    let other = build::tenant(&submit.ports);
    let foreign = build::account(&other, "1@N00", build::NOW);
    submit.ports.save_account(&foreign).await.unwrap();
    let one = accept(&submit, &tenant, build::order(&user, "flickr.test.echo", "{}"), Some("k")).await.unwrap();
    let order = build::order(&foreign.account.user, "flickr.test.echo", "{}");
    let two = accept(&submit, &other, order, Some("k")).await.unwrap();
    assert_ne!(one.job.id, two.job.id);
    assert!(!two.replayed);
}

#[tokio::test]
async fn a_foreign_account_answers_as_an_unknown_one() {
    let (submit, tenant, user) = submit().await;
    let other = build::tenant(&submit.ports);
    let unknown = UserId::of(&tenant, "nobody");
    for (tenant, user) in [(&other, &user), (&tenant, &unknown)] {
        let refused = accept(&submit, tenant, build::order(user, "flickr.test.echo", "{}"), None).await.unwrap_err();
        assert_eq!(*refused.kind(), Kind::AccountNotFound);
    }
    assert!(submit.ports.jobs().is_empty());
}

#[tokio::test]
async fn an_old_key_answers_its_job_though_the_account_is_gone_and_makes_no_second_one() {
    let (submit, tenant, user) = submit().await;
    let order = || build::order(&user, "flickr.photos.setMeta", r#"{"title": "a"}"#);
    let first = accept(&submit, &tenant, order(), Some("k")).await.unwrap();
    submit.ports.pass(Duration::from_secs(1));
    submit.ports.remove_account(&tenant, &user).await.unwrap();
    let again = accept(&submit, &tenant, order(), Some("k")).await.unwrap();
    assert_eq!((again.replayed, &again.job.id), (true, &first.job.id));
    let other = build::order(&user, "flickr.photos.setMeta", r#"{"title": "b"}"#);
    assert_eq!(*accept(&submit, &tenant, other, Some("k")).await.unwrap_err().kind(), Kind::KeyReused);
    assert_eq!(*accept(&submit, &tenant, order(), Some("new")).await.unwrap_err().kind(), Kind::AccountNotFound);
    submit.ports.save_account(&build::account(&tenant, "1@N00", submit.ports.now())).await.unwrap();
    let reconnected = accept(&submit, &tenant, order(), Some("k")).await.unwrap();
    assert_eq!((reconnected.replayed, submit.ports.jobs().len()), (true, 1));
}

#[tokio::test]
async fn a_job_can_be_asked_for_later() {
    let (submit, tenant, user) = submit().await;
    let order = || build::order(&user, "flickr.test.echo", "{}");
    let second = Duration::from_secs(1);
    let soon = accept_at(&submit, &tenant, order(), None, Start::After(60 * second)).await.unwrap().job;
    assert_eq!((soon.state.phase.name(), soon.state.due_at), ("scheduled", build::NOW + 60 * second));
    assert_eq!(submit.ports.queue()[0].visible_at, build::NOW + 60 * second, "the queue's own delay carries it");
    let year = 366 * 24 * 3600 * second;
    let late = accept_at(&submit, &tenant, order(), None, Start::At(build::NOW + year)).await.unwrap().job;
    assert_eq!(late.state.deadline(), build::NOW + year + domain::timing::JOB_DEADLINE);
    assert_eq!(submit.ports.queue().len(), 1, "the sweep will send what the queue cannot carry");

    let past = domain::Timestamp::from_milliseconds(build::NOW.as_milliseconds() - 1);
    for (start, field) in [
        (Start::At(past), "run_at"),
        (Start::At(build::NOW + year + second), "run_at"),
        (Start::After(year + second), "delay_seconds"),
    ] {
        let refused = accept_at(&submit, &tenant, order(), None, start).await.unwrap_err();
        assert!(matches!(refused.kind(), Kind::InvalidField { field: named, .. } if *named == field), "{refused:?}");
    }
}

#[tokio::test]
async fn a_key_answers_its_job_though_the_time_it_was_for_has_passed() {
    let (submit, tenant, user) = submit().await;
    let order = || build::order(&user, "flickr.test.echo", "{}");
    let at = Start::At(build::NOW + Duration::from_secs(10));
    let first = accept_at(&submit, &tenant, order(), Some("k"), at).await.unwrap();
    submit.ports.pass(Duration::from_secs(20));
    let again = accept_at(&submit, &tenant, order(), Some("k"), at).await.unwrap();
    assert_eq!((again.replayed, again.job.id), (true, first.job.id));
}

#[tokio::test]
async fn another_time_is_another_payload() {
    let (submit, tenant, user) = submit().await;
    let order = || build::order(&user, "flickr.test.echo", "{}");
    let after = |seconds| Start::After(Duration::from_secs(seconds));
    accept_at(&submit, &tenant, order(), Some("k"), after(60)).await.unwrap();
    submit.ports.pass(Duration::from_secs(5));
    assert!(accept_at(&submit, &tenant, order(), Some("k"), after(60)).await.unwrap().replayed);
    let refused = accept_at(&submit, &tenant, order(), Some("k"), after(61)).await.unwrap_err();
    assert_eq!(*refused.kind(), Kind::KeyReused);
}

#[tokio::test]
async fn asking_again_after_any_failure_makes_one_job_that_counts_once() {
    for (call, name) in ["reception", "insert_job", "send_dispatch"].into_iter().enumerate() {
        for moment in [Moment::Before, Moment::After] {
            let (submit, tenant, user) = submit().await;
            let order = || build::order(&user, "flickr.test.echo", "{}");
            submit.ports.fault(call, moment, Fault::Fail);
            let first = accept(&submit, &tenant, order(), Some("k")).await;
            assert_eq!(submit.ports.calls()[call], name);
            assert_eq!(first.is_ok(), name == "send_dispatch", "what is written is accepted: {name} {moment:?}");
            submit.ports.pass(Duration::from_secs(1));
            let accepted = accept(&submit, &tenant, order(), Some("k")).await.unwrap();
            assert_eq!(submit.ports.jobs(), [accepted.job], "{name} {moment:?}");
            assert_eq!(submit.ports.pending(&tenant, &user).await.unwrap(), 1);
        }
    }
}

#[tokio::test]
async fn an_account_with_too_many_pending_jobs_is_told_when_to_come_back() {
    let (mut submit, tenant, user) = submit().await;
    submit.max_pending_jobs = 20;
    let order = || build::order(&user, "flickr.photos.setMeta", r#"{"title": "a"}"#);
    let first = accept(&submit, &tenant, order(), Some("k")).await.unwrap();
    for _ in 1..20 {
        accept(&submit, &tenant, order(), None).await.unwrap();
    }
    submit.ports.forget_calls();
    let refusal = async |submit: &Submit<World, ScriptedFlickr>| match accept(submit, &tenant, order(), Some("new"))
        .await
        .unwrap_err()
        .kind()
    {
        Kind::TooManyPending { retry_after } => retry_after.as_secs(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal(&submit).await, 3, "two jobs at 3,330 an hour");
    assert_eq!(submit.ports.calls(), ["reception", "insert_job"], "nothing is sent");
    assert_eq!((submit.ports.jobs().len(), submit.ports.pending(&tenant, &user).await.unwrap()), (20, 20));

    submit.ports.pass(Duration::from_secs(1));
    let again = accept(&submit, &tenant, order(), Some("k")).await.unwrap();
    assert_eq!((again.replayed, &again.job.id), (true, &first.job.id), "an old key needs no room");
    let other = build::order(&user, "flickr.photos.setMeta", r#"{"title": "b"}"#);
    assert_eq!(*accept(&submit, &tenant, other, Some("k")).await.unwrap_err().kind(), Kind::KeyReused);

    let neighbour = build::account(&tenant, "2@N00", build::NOW);
    submit.ports.save_account(&neighbour).await.unwrap();
    let theirs = build::order(&neighbour.account.user, "flickr.test.echo", "{}");
    accept(&submit, &tenant, theirs, None).await.unwrap();

    let app = BudgetKey::App(AppId::from_bytes([9; 16]));
    let now = submit.ports.now();
    submit.ports.change_budget(&app, |b| (b.hear(HostClass::Rest, Signal::Throttled, 0, now), ())).await.unwrap();
    assert_eq!(refusal(&submit).await, 5, "two jobs at the learned half of it");
    submit.limits.account = Some(Limit { calls_per_hour: 360, burst_calls: 36 });
    assert_eq!(refusal(&submit).await, 20, "two jobs at the account's own rate");
    submit.max_pending_jobs = 21;
    assert!(!accept(&submit, &tenant, order(), Some("new")).await.unwrap().replayed, "a refusal is not remembered");
}
